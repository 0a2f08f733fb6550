"""What a frame takes of a link beside its own bytes."""

from __future__ import annotations

import re

from mininet.topo import Topo

from harness import traffic
from harness.ovs import ofctl, run
from harness.wait import until
from topologies import Line

from .case import Case

CAPACITY = 4  # Mbit/s
RATE = 2  # of them that are allocated
FLOOD = 16  # Mbit/s of payload
FRAME = 60  # bytes
SMALL = 18  # of them that are payload
WIRE = 24  # bytes that a frame takes beside its own on Ethernet


class Wire(Case):
    """h1 -> h3 has an allocation, and h2 -> h4 floods with small frames, over a
    link that counts frames as a wire does."""

    fills = True
    options = {"links": [{"a": "0000000000000001:3", "b": "0000000000000002:4", "capacity": "%dM" % CAPACITY}]}

    @classmethod
    def topo(cls) -> Topo:
        return Line(2, 2)

    @classmethod
    def begin(cls) -> None:
        super().begin()
        for interface in cls.lab.net.trunks():
            run(["tc", "qdisc", "add", "dev", interface, "root", "handle", "5:", "htb", "default", "1"])
            run(["tc", "class", "add", "dev", interface, "parent", "5:", "classid", "5:1", "htb", "rate",
                 "%dMbit" % CAPACITY, "burst", "15k", "quantum", "1514", "overhead", str(WIRE)])

    def test_small_frames(self) -> None:
        """The allocation has its rate beside the flood."""
        net = self.lab.net
        self.lab.allocate("h1", "h3", bandwidth=RATE * 1_000_000)
        flood = net.probe("h2", "source", net.address("h4"), 7009, FLOOD * 1_000_000, SMALL, 0)
        try:
            until(self.known, 30, "the size of the flood's frames is known")
            payload = 1200
            mbits = RATE * payload / (payload + traffic.HEADERS)
            found = self.measure("percent of the frames arrived", lambda: self.arrived(mbits, payload), lambda p: p >= 99.5)
        finally:
            traffic.end(flood)
        self.assertGreaterEqual(found, 99.5)

    def known(self) -> bool:
        """Reports whether a meter of the first switch has the rate that small
        frames leave of the link, in kbit/s, or little less."""
        left = (CAPACITY - RATE) * 1000 * FRAME // (FRAME + WIRE)
        rates = re.findall(r"rate=([0-9]+)", ofctl("dump-meters", self.lab.net.switches[0]))
        return any(0.8 * left <= int(rate) <= left for rate in rates)

    def arrived(self, mbits: float, payload: int) -> float:
        offered = traffic.offer(self.lab.net, "h1", "h3", mbits, 5203, 10, payload)
        return round(100 * (1 - offered.lost / offered.packets), 2)
