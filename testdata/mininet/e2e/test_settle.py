"""What is said to hold does so for packets."""

from __future__ import annotations

import json
import re
import time

from mininet.topo import Topo

from harness import traffic
from harness.ovs import run
from topologies import Line

from .case import Case

PORT = 7010
GAP = 0.0001  # seconds between packets that make a flow each
INTERVAL = 0.001  # of the stream
TRIES = 5  # some fail without the wait


class Settling(Case):
    """h1 -> h3 gets an allocation while the switches remember many flows."""

    fills = True

    @classmethod
    def topo(cls) -> Topo:
        return Line(2, 2)

    def late(self) -> float:
        """How long after an allocation was said to be active a packet of its
        traffic was not treated as that, in ms; 0: none."""
        net = self.lab.net
        watch = net.probe("h3", "marks", "h3-eth0", PORT)
        stream = net.probe("h1", "source", net.address("h3"), PORT, 1_000_000, 100, INTERVAL)
        try:
            time.sleep(1)
            a = self.lab.api.create(net.address("h1"), net.address("h3"), 3600, bandwidth=10_000_000)
            began = time.time()
            while self.lab.api.get(a)["state"] != "active":
                assert time.time() < began + 10
            active = time.time()
            time.sleep(1.5)
            found = json.loads(watch.communicate(timeout=10)[0])
        finally:
            traffic.end(watch)
            traffic.end(stream)
        assert found["marked"] > 0, found
        self.note("active after %.0f ms", (active - began) * 1000)
        self.lab.api.delete(a)
        return max(0.0, (found["last_unmarked"] - active) * 1000)

    def loaded(self) -> float:
        """The same when there are many flows, which last for ten seconds."""
        load = self.lab.net.probe("h1", "scatter", "h1-eth0", GAP)
        try:
            time.sleep(8)
        finally:
            traffic.end(load)
        flows = re.search(r"flows: (\d+)", run(["ovs-appctl", "dpctl/show"]))
        assert flows
        self.note("%s flows", flows[1])
        return self.late()

    def test_many_flows(self) -> None:
        quiet = self.late()
        late = [self.loaded() for _ in range(TRIES)]
        self.note("packets on the old way until %.0f ms after that, and with many flows %s", quiet,
                  ", ".join("%.0f ms" % l for l in late))
        self.assertEqual(quiet, 0)
        self.assertEqual(late, [0] * TRIES)
