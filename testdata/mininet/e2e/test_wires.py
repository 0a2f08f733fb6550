"""Bridges and hosts that pass on what they should not: what LLDP does not see."""

from __future__ import annotations

import time
from typing import Any, Dict, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.wait import passes, until
from harness.wires import Bridge, beside
from topologies import Line, Plan

from .case import Case

STORM = 100  # packets a second on any wire, of which there are fewer once a ring is closed
CLOSED = 2  # seconds after which it is
OPENED = 10  # seconds after which all is open again when it has gone
STORMED = "its hosts announce addresses without end"  # for half a minute after
BRIDGED = "10.0.0.99"
Place = Tuple[str, int]  # a switch and its port


class Wires(Case):
    def setUp(self) -> None:
        super().setUp()
        self.bridge = Bridge("b0", BRIDGED)

    def tearDown(self) -> None:
        self.bridge.remove()
        super().tearDown()

    def port(self, switch: str, port: int) -> Dict[str, Any]:
        """What the API says of a port."""
        dpid = self.lab.net.topo.nodeInfo(switch)["dpid"]
        ports = self.lab.congad.operator().call("GET", "/api/switches/" + dpid)[0]["ports"]
        return next(p for p in ports if p["port"] == port)

    def settled(self, *at: Place) -> None:
        """Fails unless these are edge ports with nothing wrong behind, but for
        what a storm has left."""
        for switch, port in at:
            p = self.port(switch, port)
            assert p["role"] == "edge" and (p["limitation"] or STORMED).startswith(STORMED), p

    def busiest(self, seconds: float = 1) -> float:
        """Packets a second on the busiest trunk or cable to the bridge."""
        watched = self.lab.net.trunks() + list(self.bridge.plugs)
        before, began = self.lab.net.packets(watched), time.monotonic()
        time.sleep(seconds)
        after, took = self.lab.net.packets(watched), time.monotonic() - began
        return max(after[i] - before[i] for i in before) / took

    def all_reach(self) -> None:
        """Fails unless hosts reach each other, and what is on the bridge."""
        lost = self.lab.net.ping_all()
        assert not lost, lost
        for h in self.lab.net.hosts:
            said = self.lab.net.host(h).cmd("ping -n -q -c 1 -W 1 %s >/dev/null || echo lost" % BRIDGED)
            assert not said, "%s does not reach the bridge" % h


class Rings(Wires):
    """Edge ports that a bridge comes to join, while they are open."""

    long = True

    @classmethod
    def topo(cls) -> Topo:
        return Line(3, 1)

    def ring(self, *at: Place) -> None:
        plugs = [self.bridge.cable(*a) for a in at]
        self.bridge.plug(plugs[0])
        passes(lambda: self.settled(*at), 20, "the ports are open")
        shouter = self.lab.net.probe("h1", "shout", "h1-eth0", 100)
        time.sleep(0.5)
        before, began = self.lab.net.packets(plugs), time.monotonic()
        for plug in plugs[1:]:
            self.bridge.plug(plug)
        time.sleep(1)
        traffic.end(shouter)
        time.sleep(max(0.0, began + CLOSED - time.monotonic()))
        stormed = max(n - before[i] for i, n in self.lab.net.packets(plugs).items())
        rate = self.busiest()
        self.note("%d packets went round, %.0f a second %d s after the bridge is plugged in", stormed, rate, CLOSED)
        self.assertLess(rate, STORM)
        limits = [self.port(*a)["limitation"] for a in at]
        self.assertTrue(all(limits), limits)
        self.assertEqual(len(at) - 1, sum(l.startswith("closed") for l in limits), limits)
        took = passes(self.all_reach, 5, "hosts reach each other and the bridge")
        self.note("all reach each other after %.1f s more", took)
        for plug in plugs[1:]:
            self.bridge.unplug(plug)
        took = passes(lambda: self.settled(*at), OPENED, "the ports are open again")
        self.note("open again after %.1f s", took)
        self.lab.wait_reachable(5, [False])

    def test_between_switches(self) -> None:
        self.ring(("s1", 8), ("s3", 8))

    def test_within_a_switch(self) -> None:
        self.ring(("s1", 8), ("s1", 9))

    def test_of_three(self) -> None:
        self.ring(("s1", 8), ("s2", 8), ("s3", 8))

    def test_before_ports_are_up(self) -> None:
        """Ports that are plugged in before they come up make no ring at all."""
        at = ("s1", 8), ("s3", 8)
        shouter = self.lab.net.probe("h1", "shout", "h1-eth0", 1000)
        try:
            for a in at:
                self.bridge.plug(self.bridge.cable(*a))
            rate = max(self.busiest(0.5) for _ in range(10))
        finally:
            traffic.end(shouter)
        self.note("at most %.0f packets/s", rate)
        self.assertLess(rate, STORM)
        passes(self.all_reach, 5, "hosts reach each other and the bridge")

    def test_relayed_probes(self) -> None:
        """Hosts that pass on the probes of their ports do not make a link."""
        at = ("s1", 8), ("s3", 8)
        ends = [self.bridge.cable(*a) for a in at]  # of no bridge, but of two hosts
        passes(lambda: self.settled(*at), 20, "the ports are open")
        for i, end in enumerate(ends):
            beside("announce", end, "10.0.0.%d" % (70 + i), 1, 0).communicate(timeout=10)
        time.sleep(1)
        relay = beside("relay", *ends)
        try:
            for _ in range(20):
                time.sleep(0.5)
                self.lab.wait_links(0.1)
            limits = [self.port(*a)["limitation"] for a in at]
            self.assertTrue(all(limits), limits)
            self.assertEqual([], self.lab.net.ping_all())
        finally:
            said = relay.communicate("", timeout=10)[0]
        self.note("no link of %s", said.strip())
        took = passes(lambda: self.settled(*at), 15, "the ports are open again")
        self.note("open again after %.1f s", took)


class Islands(Plan):
    """Two switches that nothing of ours joins, with a host each."""

    def plan(self) -> None:  # type: ignore[override]
        for n in (1, 2):
            self.station(self.switch("s%d" % n, n), 1)


class Between(Wires):
    """A bridge between switches that nothing else joins."""

    @classmethod
    def topo(cls) -> Topo:
        return Islands()

    @classmethod
    def begin(cls) -> None:
        cls.lab.net.start()
        cls.lab.start_congad()
        cls.lab.net.wait_connected()

    def test_carries(self) -> None:
        for s in "s1", "s2":
            self.bridge.plug(self.bridge.cable(s, 8))
        took = passes(self.all_reach, 30, "hosts reach each other")
        self.note("all reach each other after %.1f s", took)
        lost = self.lab.net.ping("h1", "h2", count=200)
        self.note("%d of 200 pings lost", lost)
        self.assertEqual(0, lost)
        self.assertEqual(0, self.lab.api.metric("conga_links"))
        self.not_reserved()
        rate = self.busiest(3)
        self.note("%.0f packets/s when idle", rate)
        self.assertLess(rate, STORM)

    def not_reserved(self) -> None:
        """An allocation waits, since nobody promises what a bridge carries that
        the configuration does not know."""
        a = self.lab.api.create("10.0.0.1", "10.0.0.2", bandwidth=10_000_000)
        for _ in range(5):
            self.lab.net.host("h2").cmd("ping -n -q -c 1 -W 1 10.0.0.200")  # heard by both switches
            details = self.lab.api.get(a)
            self.assertEqual("pending", details["state"], details)
        self.assertIn("no path leads from 10.0.0.1", details["reason"])
        self.lab.release_all()


class Declared(Between):
    """Such a bridge that the configuration says is a link."""

    options = {"links": [{"a": "0000000000000001:8", "b": "0000000000000002:8", "static": True}]}

    def test_carries(self) -> None:
        for s in "s1", "s2":
            self.bridge.plug(self.bridge.cable(s, 8))
        until(lambda: self.lab.api.metric("conga_links") == 2, 20, "it is a link")
        self.lab.wait_reachable(20, [False])
        self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        lost_pings = self.lab.net.ping("h1", "h2", count=200)
        self.note("%d of 200 pings of an allocation lost", lost_pings)
        self.assertEqual(0, lost_pings)
