"""Several ports of a side carry what they say and nothing else."""

from __future__ import annotations

import json
from typing import Dict, List, Tuple

from mininet.topo import Topo

from harness.wait import until
from topologies import Diamond

from .case import Case

PORTS = "5001,5003,5010-5099"
NAMED = [5001, 5003, *range(5010, 5100)]
PROBED = [1, 4096, 5000, *NAMED, 5002, 5004, 5009, 5100, 5104, 65535]
EACH = 3  # datagrams to each port
MARK = 46  # what the daemon marks an allocation's packets with
SEND = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in %r * %d:
    s.sendto(b"x" * 100, (%r, port))
    time.sleep(0.001)  # a switch in userspace loses some of a burst
"""
COUNT = """
import collections, json, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.settimeout(20)
print("ready", flush=True)
seen = collections.Counter()
try:
    while True:
        packet = s.recv(2048)
        s.settimeout(4)
        if packet[9] == 17 and packet[12:16] == socket.inet_aton(%r) and len(packet) == 128:
            seen["%%d %%d" %% (struct.unpack("!H", packet[22:24])[0], packet[1] >> 2)] += 1
except socket.timeout:
    print(json.dumps(seen), flush=True)
"""


class Ports(Case):
    """h1 -> h2 of an allocation for several ports, whose packets are marked."""

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def arrived(self, src: str, dst: str, ports: List[int]) -> Dict[Tuple[int, bool], int]:
        """Datagrams that have arrived, by port and whether they are marked."""
        net = self.lab.net
        host = net.popen(dst, "python3", "-u", "-c", COUNT % net.address(src))
        assert host.stdout is not None
        self.assertEqual("ready", host.stdout.readline().strip())
        self.assertEqual(0, net.popen(src, "python3", "-c", SEND % (ports, EACH, net.address(dst))).wait(20))
        counted = json.loads(host.stdout.readline())
        self.assertEqual(0, host.wait(20))
        return {(int(key.split()[0]), int(key.split()[1]) == MARK): n for key, n in counted.items()}

    def test_ranges_and_nothing_else(self) -> None:
        """Counted at the hosts: all that goes to the ports is carried, and
        nothing that goes to others, or back to these; and the receipt says so."""
        self.assertEqual({}, self.lab.entries())
        a = self.lab.allocate("h1", "h2", bandwidth=50_000_000, protocol="udp", dst_port=PORTS)
        self.assertEqual(self.lab.api.get(a)["dst_port"], PORTS)
        own = self.lab.entries()["s1"]
        want = {(port, port in NAMED): EACH for port in PROBED}
        self.assertEqual(want, self.arrived("h1", "h2", PROBED))
        self.assertEqual({(port, False): EACH for port in PROBED}, self.arrived("h2", "h1", PROBED))
        carried = EACH * len(NAMED)

        def counted() -> bool:
            stats = self.lab.api.call("GET", "/api/v1/stats/allocations/" + a)[0]["forward"]
            got = stats["entered"]["packets"], stats["delivered"]["packets"]
            assert got == (carried, carried), got
            return True

        until(counted, 20, "the packets are counted")
        self.lab.api.delete(a)
        until(lambda: self.lab.entries() == {}, 15, "the entries are gone")
        self.assertEqual({(port, False): EACH for port in PROBED}, self.arrived("h1", "h2", PROBED))
        self.note("%d of %d ports, %d packets marked and no other, with %d entries in a switch", len(NAMED), len(PROBED), carried, len(own))
