"""What is about to be worked on is left, and not a packet is lost."""

from __future__ import annotations

import time
from typing import Any, Dict, List

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK_LINK
from harness.wait import passes, until
from topologies import Diamond

from .case import Case

SHORT, AROUND = ("s1", "s2", "s4"), ("s1", "s3", "s5", "s4")
RATE = 0.002  # seconds between two packets of a stream
LEAD = 60  # seconds before its start from which on it is left
WORK = ("s1-eth3", "s4-eth3")  # the ends of the short way


class Maintenance(Case):
    """h1 -> h2 has an allocation over the short way, and h3 -> h4 is best
    effort."""

    long = True
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def crossed(self) -> int:
        """How many packets the switch on the short way has sent."""
        return sum(self.lab.net.packets(["s2-eth1", "s2-eth2"]).values())

    def quiet(self) -> None:
        """Nothing but probes goes over the short way."""
        before = self.crossed()
        time.sleep(1)
        assert self.crossed() - before < 50, "%d packets a second go over the short way" % (self.crossed() - before)

    def busy(self) -> None:
        """Best effort goes over the short way."""
        before = self.crossed()
        time.sleep(1)
        assert self.crossed() - before > 150, "%d packets a second go over the short way" % (self.crossed() - before)

    def leaves(self, **what: str) -> None:
        """All traffic leaves the short way before the maintenance begins, and best
        effort returns when it is over; what is done there meanwhile harms none."""
        net, operator = self.lab.net, self.lab.congad.operator()
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        self.lab.entries_on(SHORT, "h1", "h2")
        streams = [traffic.Stream(net, "h1", "h2", interval=RATE), traffic.Stream(net, "h3", "h4", port=7008, interval=RATE)]
        found: List[Dict[str, Any]] = []
        try:
            passes(self.busy, 10, "the short way is loaded")
            start = int(time.time()) + LEAD + 3
            body = {"start_time": start, "end_time": start + 600, "note": "end to end", **what}
            rehearsed = operator.call("POST", "/api/v1/maintenance?dry_run=true", body)[0]["allocations"]
            made = operator.call("POST", "/api/v1/maintenance", body)[0]
            self.assertEqual(rehearsed, made["allocations"])
            self.assertEqual([(o["allocation_id"], o["outcome"], len(o["moves"])) for o in rehearsed], [(a, "moves", 1)])
            planned = ["s%d" % int(hop["dpid"], 16) for hop in rehearsed[0]["moves"][0]["path"]]
            self.assertEqual(planned, list(AROUND))
            passes(lambda: self.lab.entries_on(AROUND, "h1", "h2"), 20, "entries on the way around")
            passes(self.quiet, 20, "best effort leaves")
            left = start - time.time()
            for end in WORK:
                net.set_link(end, False)
            time.sleep(2)
            for end in WORK:
                net.set_link(end, True)
            self.lab.wait_links()
            time.sleep(1)
            ended = operator.call("DELETE", "/api/v1/maintenance/" + made["maintenance_id"])[0]
            self.assertEqual(ended["state"], "ended")
            passes(self.busy, 20, "best effort returns")
            time.sleep(1)
            found = [s.finish() for s in streams]
        except BaseException:
            for s in streams:
                s.abandon()
            raise
        self.assertEqual(self.lab.path(self.lab.wait_state(a, "active")), list(AROUND), "it stays where it has moved")
        self.note("left %.0f s before the start; of the allocation's packets %d of %d lost, of best effort's %d of %d", left,
                  found[0]["lost"], found[0]["sent"], found[1]["lost"], found[1]["sent"])
        self.assertEqual([f["lost"] for f in found], [0, 0])
        self.assertGreater(left, 0)

    def test_link(self) -> None:
        self.leaves(link="0000000000000001:3->0000000000000002:1")

    def test_switch(self) -> None:
        self.leaves(switch="0000000000000002")

    def test_no_way(self) -> None:
        """Where there is no other way nothing leaves, and the rehearsal says so;
        what is asked for later goes around the window."""
        api, operator = self.lab.api, self.lab.congad.operator()
        a = self.lab.allocate("h1", "h2", bandwidth=1_000_000)
        start = int(time.time()) + 2
        body = {"switch": "0000000000000004", "start_time": start, "end_time": start + 30}
        outcome = operator.call("POST", "/api/v1/maintenance", body)[0]
        self.assertEqual([o["outcome"] for o in outcome["allocations"]], ["stays"])
        stream = traffic.Stream(self.lab.net, "h1", "h2")
        try:
            time.sleep(4)
            later = api.get(api.create(self.lab.net.address("h3"), self.lab.net.address("h4"), 60, bandwidth=1_000_000))
            until(lambda: api.get(a)["reason"], 5, "it says why it stays")
            found = stream.finish()
        except BaseException:
            stream.abandon()
            raise
        self.note("%d of %d packets lost, reason: %s", found["lost"], found["sent"], api.get(a)["reason"])
        self.assertEqual((api.get(a)["state"], found["lost"]), ("active", 0))
        self.assertEqual(later["start_time"], start + 30)
        operator.call("DELETE", "/api/v1/maintenance/" + outcome["maintenance_id"])
