"""What two allocations of a project share belongs to the one that came first."""

from __future__ import annotations

from typing import Dict

from mininet.topo import Topo

from harness.wait import until
from topologies import Diamond

from .case import Case

FORTH, BACK = 5203, 5204  # the ports that are named, one a direction
COUNT = 50
SEND = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", %d))
for _ in range(%d):
    s.sendto(b"x" * 100, (%r, %d))
"""


class Corners(Case):
    """h1 -> h2 of two allocations, each for the destination port of its own
    direction."""

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def carried(self) -> Dict[int, int]:
        """Packets from h1 that the first switch has counted, by allocation."""
        counts: Dict[int, int] = {}
        for e in self.lab.entries()["s1"]:
            if e.src == self.lab.net.address("h1"):
                owner = e.cookie & 0xFFFFFFFF
                counts[owner] = counts.get(owner, 0) + e.packets
        return counts

    def send(self, owner: int) -> None:
        """Sends from the one port to the other, and waits until the entries of
        an allocation have counted that, and no others."""
        before = self.carried()
        self.assertEqual(0, self.lab.net.popen("h1", "python3", "-c", SEND % (BACK, COUNT, self.lab.net.address("h2"), FORTH)).wait(20))

        def counted() -> bool:
            now = self.carried()
            more = {o: n - before.get(o, 0) for o, n in now.items() if n != before.get(o, 0)}
            assert more == {owner: COUNT}, more
            return True

        until(counted, 10, "the packets are counted")

    def test_first_has_the_corner(self) -> None:
        """Neither waits for the other, the first has what both match, and the
        second when the first has ended."""
        first = self.lab.allocate("h1", "h2", bandwidth=10_000_000, protocol="udp", dst_port=FORTH)
        handle = max(self.carried())
        self.lab.allocate("h2", "h1", bandwidth=10_000_000, protocol="udp", dst_port=BACK)
        other = max(self.carried())
        self.assertGreater(other, handle)
        self.send(handle)
        self.lab.api.delete(first)
        until(lambda: list(self.carried()) == [other], 15, "the first one has left")
        self.send(other)
        self.note("%d packets from port %d to port %d each time", COUNT, BACK, FORTH)
