"""Switches that have two controllers: the second one stands back."""

from __future__ import annotations

import time
from typing import List, Tuple

from mininet.topo import Topo

from harness import flows, traffic
from harness.daemon import OPENFLOW_PORT, PROJECT, USER, Congad
from harness.ovs import ofctl
from harness.wait import passes
from topologies import Line

from .case import Case, Settings, title

SHIFT = 1000
FIRST, SECOND = str(OPENFLOW_PORT), str(OPENFLOW_PORT + SHIFT)
AUDITS = 25  # seconds, in which the first daemon looks twice at what the switches hold
TAKES_OVER = 35 + 2 * 10 + 10  # seconds


class Two(Case):
    long = True

    @classmethod
    def topo(cls) -> Topo:
        return Line(n=2, k=1)

    def held(self) -> List[Tuple[str, int, str, str]]:
        """All entries of all switches with their age, and the meters."""
        found = [(s, e.table, e.match, e.actions) for s in self.lab.net.switches for e in flows.dump(s)]
        return sorted(found + [(s, 0, "", ofctl("dump-meters", s).partition("\n")[2]) for s in self.lab.net.switches])

    def test_second_stands_back(self) -> None:
        """The second daemon changes nothing and says why; the first one's
        allocation loses nothing. When the first is gone the second takes over."""
        net, second = self.lab.net, Congad(Settings.congad, Settings.directory / (title(type(self)) + "-second"),
                                           shift=SHIFT)
        a = self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        before = self.held()
        stream = traffic.Stream(net, "h1", "h2")
        second.start()
        self.addCleanup(second.stop)
        net.add_controller(OPENFLOW_PORT + SHIFT)

        def stands_back() -> None:
            for s in net.switches:
                assert net.roles(s) == {FIRST: "master", SECOND: "slave"}, net.roles(s)
            for sw in second.operator().call("GET", "/api/switches"):
                assert (sw["connected"], sw["role"]) == (False, "slave"), sw
                assert "Another controller is its master" in sw["limitations"][0], sw
            assert second.operator().metric("conga_switches_withheld") == len(net.switches)

        passes(stands_back, 15, "the second daemon stands back")
        time.sleep(AUDITS)
        stands_back()
        got = stream.finish()
        self.note("lost %d of %d packets of the first one's allocation", got["lost"], got["sent"])
        self.assertEqual(0, got["lost"])
        self.assertEqual("active", self.lab.api.get(a)["state"])
        self.assertEqual(before, self.held())
        for sw in self.lab.congad.operator().call("GET", "/api/switches"):
            self.assertEqual("master", sw["role"])

        self.lab.congad.stop()

        def takes_over() -> None:
            for s in net.switches:
                assert net.roles(s).get(SECOND) == "master", net.roles(s)
            assert second.operator().metric("conga_switches_withheld") == 0

        passes(takes_over, TAKES_OVER, "the second daemon takes over")
        api = second.client()
        api.login(USER, PROJECT)
        passes(lambda: self.assertFalse(net.ping_all(False)), 30, "all hosts reach each other")
        self.assertEqual({}, self.lab.entries(), "entries of the first daemon are left")
        b = api.create("10.0.0.1", "10.0.0.2")
        passes(lambda: self.assertEqual("active", api.get(b)["state"]), 15, "the second one's allocation is active")
        api.delete(b)
        passes(self.lab.no_entries, 15, "no allocation has entries")
        second.stop()
        self.lab.restart_congad()


class Equal(Case):
    """No daemon asks to be master."""

    options = {"role": "equal"}

    @classmethod
    def topo(cls) -> Topo:
        return Line(n=2, k=1)

    def test_second_stands_back(self) -> None:
        """The second daemon finds the entries of the first."""
        net = self.lab.net
        second = Congad(Settings.congad, Settings.directory / (title(type(self)) + "-second"), shift=SHIFT, role="equal")
        a = self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        stream = traffic.Stream(net, "h1", "h2")
        second.start()
        self.addCleanup(second.stop)
        net.add_controller(OPENFLOW_PORT + SHIFT)

        def stands_back() -> None:
            switches = second.operator().call("GET", "/api/switches")
            assert len(switches) == len(net.switches), switches
            for sw in switches:
                assert "It holds entries of another CONGA" in (sw["limitations"] or [""])[0], sw

        passes(stands_back, 15, "the second daemon stands back")
        time.sleep(AUDITS)
        stands_back()
        got = stream.finish()
        self.note("lost %d of %d packets of the first one's allocation", got["lost"], got["sent"])
        self.assertEqual(0, got["lost"])
        self.assertEqual("active", self.lab.api.get(a)["state"])
        for sw in self.lab.congad.operator().call("GET", "/api/switches"):
            self.assertEqual((True, "equal"), (sw["connected"], sw["role"]))
