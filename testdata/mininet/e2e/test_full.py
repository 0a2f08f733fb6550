"""A table that has no room for all allocations holds whole ones."""

from __future__ import annotations

from collections import Counter
from typing import Dict, List

from mininet.topo import Topo

from harness.ovs import ofctl, vsctl
from harness.wait import passes
from topologies import Line

from .case import Case

ROOM = 40  # entries that table 0 of s2 takes, with seven that Open vSwitch hides
ASKED = 20  # allocations, of two entries each and two in common
FULL = "not installed yet: the flow table of switch 0000000000000002 is full"
AGAIN = 90  # seconds until one that was refused has been tried again for sure


class Full(Case):
    @classmethod
    def topo(cls) -> Topo:
        return Line(n=2, k=1)

    def setUp(self) -> None:
        super().setUp()
        vsctl("--", "--id=@t", "create", "Flow_Table", "flow_limit=%d" % ROOM, "overflow_policy=refuse",
              "--", "set", "Bridge", "s2", "flow_tables:0=@t")
        self.addCleanup(vsctl, "clear", "Bridge", "s2", "flow_tables")

    def ports(self, switch: str) -> Dict[int, int]:
        """How many entries a switch has for each port that allocations are for."""
        found = [e.field("tp_dst") or e.field("tp_src") for e in self.lab.entries().get(switch, []) if e.src]
        return Counter(int(p) for p in found)

    def whole(self, asked: List[str]) -> List[str]:
        """The active allocations; fails unless they are whole, they are the
        first, and the others have nothing and say why."""
        states = [self.lab.api.get(a) for a in asked]
        active = [d for d in states if d["state"] == "active"]
        ports = {d["dst_port"]: 2 for d in active}
        assert self.ports("s1") == self.ports("s2") == ports, (self.ports("s1"), self.ports("s2"), ports)
        for d in states:
            assert d["state"] == "active" or d["reason"] == FULL, d
        return [d["allocation_id"] for d in active]

    def test_whole_allocations(self) -> None:
        asked = [self.lab.api.create("10.0.0.1", "10.0.0.2", protocol="tcp", dst_port=1000 + i, bandwidth=1_000_000)
                 for i in range(ASKED)]
        active: List[str] = []

        def settled() -> None:
            active[:] = self.whole(asked)
            assert active == asked[:len(active)] and 8 <= len(active) < ASKED, active

        passes(settled, 20, "whole allocations are active")
        self.note("%d of %d active in a table of %d", len(active), ASKED, ROOM)
        first = list(active)

        self.lab.congad.kill()
        ofctl("del-flows", "s2")
        self.lab.restart_congad()

        def back() -> None:
            active[:] = self.whole(asked)
            assert set(first) <= set(active), (first, active)

        took = passes(back, 30, "the same are active again")
        self.note("the same after a restart with an empty switch, %.1f s", took)

        self.lab.api.delete(active[2])
        del asked[asked.index(active[2])]
        was = len(active)

        def another() -> None:
            assert len(self.whole(asked)) == was

        self.note("another one %.0f s after one was deleted", passes(another, AGAIN, "another one is active"))
        lines = [line for line in self.lab.congad.log.read_text().splitlines()
                 if "circuit could not be changed" in line and "level=WARN" in line]
        once = Counter(line.partition("allocation=")[2].split()[0] for line in lines)
        self.assertLessEqual(max(once.values()), 2, "an allocation that finds no room is logged once for each daemon")
