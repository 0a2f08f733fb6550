"""An allocation for a port carries what belongs to its flow and does not say
the port: fragments, and messages that a packet is too big."""

from __future__ import annotations

from typing import Tuple

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, SHAPED, SHAPED_LINK
from topologies import Diamond

from .case import Case

RATE = 8_000_000  # allocated, of a link of 40 Mbit/s
FLOOD = 80  # Mbit/s of UDP payload
PORT = 5301
SIZE = 4000  # bytes of a datagram: three fragments
COUNT = 624
INTERVAL = 0.005
FLOODED = 0.9  # of what is sent without an allocation, less than this arrives: the flood is one
ROUTER = "192.0.2.1"  # behind no port: its messages come from the host's


class Fragments(Case):
    """h1 -> h2 is measured, h3 -> h4 floods, both over s1-s2."""

    fills = True
    options = {"links": [SHAPED_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def datagrams(self, v6: bool) -> Tuple[int, int]:
        return traffic.arrivals(self.lab.net, ("h2", "sink", str(PORT)),
                                ("h1", "source", self.lab.net.address("h2", v6), PORT, COUNT, SIZE, INTERVAL))

    def test_fragments(self) -> None:
        for v6 in False, True:
            with traffic.flood(self.lab.net, "h3", "h4", FLOOD):
                without = self.measure("IPv%d without" % (6 if v6 else 4), lambda v6=v6: self.datagrams(v6),
                                       lambda got: got[1] < FLOODED * got[0])
                self.lab.allocate("h1", "h2", v6=v6, bandwidth=RATE, protocol="udp", dst_port=PORT)
                sent, arrived = self.measure("with", lambda v6=v6: self.datagrams(v6), lambda got: got[0] == got[1])
            self.assertEqual(COUNT, sent)
            self.assertEqual(sent, arrived)
            self.assertLess(without[1], FLOODED * sent, "the flood took nothing")
            self.lab.release_all()

    def test_path_mtu(self) -> None:
        def messages() -> Tuple[int, int]:
            return traffic.arrivals(self.lab.net, ("h1", "warned", ROUTER),
                                    ("h2", "hurdle", ROUTER, self.lab.net.address("h1"), COUNT, INTERVAL))

        with traffic.flood(self.lab.net, "h4", "h3", FLOOD):
            without = messages()
            self.lab.allocate("h1", "h2", bandwidth=RATE, protocol="tcp", dst_port=PORT)
            sent, arrived = messages()
        counted = self.lab.packets()
        self.note("of %d arrive without %d, with %d", sent, without[1], arrived)
        self.assertEqual(COUNT, sent)
        self.assertEqual(sent, arrived)
        # What was queued before the allocation may go by its entries as well.
        self.assertLessEqual(3 * sent, counted, "not all went by the entries of the three switches")
