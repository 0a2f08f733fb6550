"""Cables that carry one way, hosts with two of them, and VLANs on top."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Tuple

from mininet.topo import Topo

from harness import flows, traffic
from harness.lab import Lab
from harness.wait import passes, until
from harness.wires import Cards, Tagging, deafen
from topologies import Diamond, Line

from .case import Case

LOST = 15  # seconds after which a link that has ceased to carry one way is known to
SAID = 20  # and after which its ports say so
SAME = "02:09:00:00:00:01"  # of two hosts in different VLANs, or of a host's two cards
INTERVAL = 0.005
FAST = 0.0005  # between packets of a host that uses both of its cards
TAGGED = 210  # the priority of what is known of hosts in one VLAN


def port(lab: Lab, switch: str, number: int) -> Dict[str, Any]:
    """What the API says of a port."""
    dpid = lab.net.topo.nodeInfo(switch)["dpid"]
    ports = lab.congad.operator().call("GET", "/api/switches/" + dpid)[0]["ports"]
    return next(p for p in ports if p["port"] == number)


def stream(lab: Lab, src: str, dst: str, address: str, number: int, seconds: float, interval: float = INTERVAL) -> Dict[str, Any]:
    """Sends numbered packets from host to host and back, to any address, and
    returns what became of them."""
    echo = lab.net.probe(dst, "echo", number)
    try:
        sender = lab.net.probe(src, "stream", address, number, interval)
        try:
            time.sleep(seconds)
            return json.loads(sender.communicate(timeout=20)[0])
        finally:
            traffic.end(sender)
    finally:
        traffic.end(echo)


class OneWay(Case):
    """A fibre of which one half is broken, while both ports have light."""

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def test_one_way(self) -> None:
        """Such a cable is no link: an allocation moves to another way, nothing
        goes round, and both ports say which end hears nothing, until it carries
        both ways again."""
        net, ends = self.lab.net, (("s1", 3), ("s2", 1))
        a = self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        self.assertEqual(["s1", "s2", "s4"], self.lab.path(self.lab.api.get(a)))
        self.addCleanup(deafen, "s1-eth3", False)
        deafen("s1-eth3")

        def moved() -> None:
            details = self.lab.api.get(a)
            assert details["state"] == "active" and self.lab.path(details) == ["s1", "s3", "s5", "s4"], details

        self.note("moved after %.1f s", passes(moved, LOST, "the allocation goes the other way"))

        def said() -> None:
            limits = [port(self.lab, *end)["limitation"] or "" for end in ends]
            assert "carries from port 0000000000000002:1 and not there" in limits[0], limits
            assert "carries to port 0000000000000001:3 and not back" in limits[1], limits

        self.note("said after %.1f s", passes(said, SAID, "both ports say that it carries one way"))
        self.assertIn("link carries in one direction only", self.lab.congad.log.read_text())
        self.lab.wait_reachable(10)
        heard = traffic.broadcast(net, "h1", 20)
        self.assertEqual({h: {"different": 20, "copies": 20} for h in heard}, heard)
        deafen("s1-eth3", False)
        self.lab.wait_links(LOST)
        passes(lambda: self.assertEqual([None, None], [port(self.lab, *end)["limitation"] for end in ends]), SAID, "they say so no more")
        self.lab.wait_reachable(10)


class Twice(Case):
    """Hosts that share an Ethernet address, and one that has it at two ports."""

    alone = True

    @classmethod
    def topo(cls) -> Topo:
        return Line(3, 1)

    def hosts(self) -> List[Dict[str, Any]]:
        """Where hosts with the address are known."""
        return [h for h in self.lab.congad.operator().call("GET", "/api/hosts?per_page=128") if h["mac"] == SAME]

    def test_in_two_vlans(self) -> None:
        """Hosts with the same Ethernet address in different VLANs are two: each
        gets all its frames and no other's, with allocations and without."""
        net = self.lab.net
        tagging = {s: Tagging("v" + s) for s in net.switches}
        for t in tagging.values():
            self.addCleanup(t.remove)
        tagging["s1"].host(net.host("h1"), "h1-eth1", "10.10.0.1", SAME, 10)
        tagging["s3"].host(net.host("h3"), "h3-eth1", "10.20.0.3", SAME, 20)
        for vlan in 10, 20:
            tagging["s2"].host(net.host("h2"), "h2-eth%d" % vlan, "10.%d.0.2" % vlan, "02:09:00:00:00:%02d" % vlan, vlan)
        for switch, t in tagging.items():
            t.cable(switch, 8)
        pairs = (("h1", "10.10.0.1", "10.10.0.2"), ("h3", "10.20.0.3", "10.20.0.2"))

        def apart() -> None:
            for host, _, far in pairs:
                said = net.host(host).cmd("ping -n -q -c 1 -W 1 %s >/dev/null || echo lost" % far)
                assert not said.strip(), "%s does not reach %s" % (host, far)
            assert len(self.hosts()) == 2, self.hosts()

        self.note("two hosts after %.1f s", passes(apart, 30, "both are known"))

        def counted(when: str) -> None:
            found = [stream(self.lab, "h2", host, near, 7007, 2) for host, near, _ in pairs]
            self.note("%s %s of %s packets lost", when, [f["lost"] for f in found], [f["sent"] for f in found])
            self.assertEqual([0, 0], [f["lost"] for f in found])

        counted("without")
        for _, near, far in pairs:
            self.lab.wait_state(self.lab.api.create(far, near, 3600, bandwidth=1_000_000), "active")
        counted("with allocations")
        tagged = {s: [e for e in flows.dump(s) if e.ours and e.priority == TAGGED and SAME in e.match] for s in net.switches}
        self.assertTrue(all(tagged.values()), tagged)

    def two_cards(self, *at: Tuple[str, int]) -> None:
        net = self.lab.net
        cards = Cards("lag", *at)
        self.addCleanup(cards.remove)
        net.host("h3").cmd("ip addr add 10.30.0.3/24 dev h3-eth0")
        self.addCleanup(net.host("h3").cmd, "ip addr del 10.30.0.3/24 dev h3-eth0")
        cards.host(net.host("h1"), "h1-eth1", "10.30.0.1", SAME, 7008)
        until(lambda: not net.host("h1").cmd("ping -n -q -c 1 -W 1 10.30.0.3 >/dev/null || echo lost").strip(), 20, "it is reached")
        a = self.lab.api.create("10.30.0.1", "10.30.0.3", 3600, bandwidth=20_000_000)
        self.lab.wait_state(a, "active")
        time.sleep(2)
        before = self.hosts()
        found = stream(self.lab, "h1", "h3", "10.30.0.3", 7008, 5)
        self.assertEqual(0, found["lost"], "before it is known what the second card is")
        until(lambda: [h["second"] for h in self.hosts()] == [{"dpid": "%016x" % int(at[1][0][1:]), "port": at[1][1]}], 2, "it has two")
        found = stream(self.lab, "h1", "h3", "10.30.0.3", 7008, 3, FAST)
        self.note("%d of %d packets by the second card lost", found["lost"], found["sent"])
        self.assertLess(found["lost"], found["sent"] / 100)
        self.assertEqual([h["at"] for h in before], [h["at"] for h in self.hosts()], "it has moved")
        named = [line for line in self.lab.congad.log.read_text().splitlines() if SAME in line and "it stays" in line]
        self.assertTrue(named)
        self.assertLess(len(named), 20)
        self.assertEqual("active", self.lab.api.get(a)["state"])
        cards.fail()

        def follows() -> None:
            said = net.host("h3").cmd("ping -n -q -c 1 -W 1 10.30.0.1 >/dev/null || echo lost")
            assert not said.strip() and self.lab.api.get(a)["state"] == "active", said

        self.note("follows after %.1f s", passes(follows, 5, "it is at its second card"))

    def test_two_cards_at_one_switch(self) -> None:
        """A host that uses two ports of a switch at once stays at one of them,
        which is said, and loses nothing by either."""
        self.two_cards(("s1", 8), ("s1", 9))

    def test_two_cards_at_two_switches(self) -> None:
        self.two_cards(("s1", 8), ("s2", 8))
