"""A prefix carries what it says and nothing else, also behind a router."""

from __future__ import annotations

import json
import subprocess
from typing import Dict, List, Sequence, Tuple

from mininet.topo import Topo

from harness.api import ApiError
from harness.wait import until
from topologies import Diamond

from .case import Case

EACH = 3  # datagrams from each address to each other
MARK = 46  # what the daemon marks an allocation's packets with
NEAR, THERE = "10.1.0.32/28", "10.2.0.0/24"  # behind h1, behind h2
INSIDE = {"h1": ["10.1.0.32", "10.1.0.40", "10.1.0.47"], "h2": ["10.2.0.1", "10.2.0.255"]}
OUTSIDE = {"h1": ["10.1.0.31", "10.1.0.48"], "h2": ["10.2.1.0", "10.1.255.255"]}
STRAY = "10.1.0.41"
SEND = """
import socket
for src in %r:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((src, 0))
    for dst in %r * %d:
        s.sendto(b"x" * 100, (dst, 9))
"""
FLOOD = """
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((%r, 0))
head = struct.pack("!BBHHHBBH4s4s", 69, 0, 128, 0, 0, 64, 17, 0, socket.inet_aton(%r), socket.inet_aton(%r))
total = sum(struct.unpack("!10H", head))
check = ~(total + (total >> 16)) & 0xffff
head = head[:10] + struct.pack("!H", check) + head[12:]
s.send(b"\\xff" * 6 + s.getsockname()[4] + b"\\x08\\x00" + head + struct.pack("!HHHH", 9, 9, 108, 0) + b"x" * 100)
"""
COUNT = """
import collections, json, socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
s.settimeout(20)
print("ready", flush=True)
seen = collections.Counter()
try:
    while True:
        packet, (_, _, kind, _, _) = s.recvfrom(2048)
        if packet[9] == 17 and len(packet) == 128 and kind != socket.PACKET_OUTGOING:
            s.settimeout(4)
            seen["%s %s %d" % (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), packet[1] >> 2)] += 1
except socket.timeout:
    print(json.dumps(seen), flush=True)
"""

Pair = Tuple[str, str, bool]


class Hosts(Case):
    """What the tests of prefixes have in common."""

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    @classmethod
    def settle(cls, host: str, addresses: Sequence[str], others: str) -> None:
        """Gives a host more addresses, and the way to others."""
        for address in addresses:
            cls.lab.net.host(host).cmd("ip addr add %s/32 dev %s-eth0" % (address, host))
        cls.lab.net.host(host).cmd("ip route add %s dev %s-eth0" % (others, host))

    def start(self, host: str, *argv: str) -> "subprocess.Popen[str]":
        return self.lab.net.popen(host, *argv)

    def arrived(self, src: str, dst: str, sources: List[str], destinations: List[str]) -> Dict[Pair, int]:
        """Datagrams that have arrived, by addresses and whether they are
        marked."""
        return self.counted(src, [dst], SEND % (sources, destinations, EACH))[0]

    def counted(self, src: str, at: List[str], script: str) -> List[Dict[Pair, int]]:
        """What arrives at some hosts of what a script sends."""
        counts = [self.start(host, "python3", "-u", "-c", COUNT) for host in at]
        for count in counts:
            assert count.stdout is not None
            self.assertEqual("ready", count.stdout.readline().strip())
        self.assertEqual(0, self.start(src, "python3", "-c", script).wait(20))
        found = []
        for count in counts:
            assert count.stdout is not None
            counted = [(key.split(), n) for key, n in json.loads(count.stdout.readline()).items()]
            self.assertEqual(0, count.wait(20))
            found.append({(a, b, int(mark) == MARK): n for (a, b, mark), n in counted})
        return found

    def wanted(self, sources: List[str], destinations: List[str], inside: Sequence[str]) -> Dict[Pair, int]:
        """What arrives if the packets between addresses inside are marked."""
        return {(a, b, a in inside and b in inside): EACH for a in sources for b in destinations}


class Prefixes(Hosts):
    """h1 and h2 with addresses inside and outside of the prefixes of an
    allocation, whose packets are marked."""

    long = True

    @classmethod
    def begin(cls) -> None:
        super().begin()
        for host, others in (("h1", "10.2.0.0/16"), ("h2", "10.1.0.0/16"), ("h3", "10.2.0.0/16")):
            cls.settle(host, INSIDE.get(host, []) + OUTSIDE.get(host, []), others)
        cls.lab.net.host("h1").cmd("ip route add 10.1.255.255 dev h1-eth0")

    def test_hosts_of_it_and_no_others(self) -> None:
        """Counted at the hosts: all that hosts of the prefixes send each other
        is carried, in both directions, and nothing that others send or get, nor
        what goes to all hosts of a network; and the statistics say so. A host of
        it may have an allocation of its own."""
        here, there = INSIDE["h1"] + OUTSIDE["h1"], INSIDE["h2"] + OUTSIDE["h2"]
        inside = INSIDE["h1"] + INSIDE["h2"]
        self.assertEqual(self.wanted(here, there, ()), self.arrived("h1", "h2", here, there))
        self.assertEqual({}, self.lab.entries())
        a = self.lab.api.create(NEAR, THERE, 3600, bandwidth=50_000_000, protocol="udp")
        self.lab.wait_state(a, "active")
        self.assertEqual((NEAR, THERE), tuple(self.lab.api.get(a)[k] for k in ("src_ip", "dst_ip")))
        own = self.lab.entries()["s1"]
        self.assertEqual(self.wanted(here, there, inside), self.arrived("h1", "h2", here, there))
        self.assertEqual(self.wanted(there, here, inside), self.arrived("h2", "h1", there, here))
        one, other = INSIDE["h1"][-1], INSIDE["h2"][0]
        for src, dst, at in (one, other, ["h2", "h3", "h4"]), (other, one, ["h1", "h3", "h4"]):
            host = "h1" if src == one else "h2"
            self.assertEqual([{(src, dst, False): 1}] * 3, self.counted(host, at, FLOOD % (host + "-eth0", src, dst)))
        carried = EACH * len(INSIDE["h1"]) * len(INSIDE["h2"])
        self.counts(a, carried, carried)
        own_one = self.lab.api.create(INSIDE["h1"][0], INSIDE["h2"][0], 3600, bandwidth=1_000_000, protocol="udp")
        self.lab.wait_state(own_one, "active")
        self.assertEqual(self.wanted(here, there, inside), self.arrived("h1", "h2", here, there))
        self.counts(own_one, EACH, 0)
        self.counts(a, 2 * carried - EACH, carried)
        self.lab.release_all()
        self.assertEqual(self.wanted(here, there, ()), self.arrived("h1", "h2", here, there))
        self.note("%d packets of %d marked in each direction and no other, with %d entries in a switch",
                  carried, EACH * len(here) * len(there), len(own))

    def counts(self, allocation: str, forth: int, back: int) -> None:
        """Fails unless the statistics of an allocation come to be these."""

        def counted() -> bool:
            stats = self.lab.api.call("GET", "/api/v1/stats/allocations/" + allocation)[0]
            got = [stats[way][end]["packets"] for way in ("forward", "reverse") for end in ("entered", "delivered")]
            assert got == [forth, forth, back, back], got
            return True

        until(counted, 20, "the packets are counted")

    def test_what_appears_elsewhere(self) -> None:
        """What a host of the prefix sends and gets that appears behind another
        port is best effort, which is said; the others' is carried. Asked for anew
        the prefix is refused, until the host is where the others are."""
        here, there = INSIDE["h1"], INSIDE["h2"]
        a = self.lab.api.create(NEAR, THERE, 3600, protocol="udp")
        self.lab.wait_state(a, "active")
        self.settle("h3", [STRAY], "10.2.0.0/16")
        self.arrived("h3", "h2", [STRAY], there)

        def said() -> bool:
            got = self.lab.api.get(a)
            assert got["degraded"] and "%s of %s is behind port 0000000000000001:2" % (STRAY, NEAR) in got["reason"], got
            return True

        until(said, 10, "the host elsewhere is named")
        self.assertEqual(self.wanted([STRAY], there, ()), self.arrived("h3", "h2", [STRAY], there))
        self.assertEqual(self.wanted(there, [STRAY], ()), self.arrived("h2", "h3", there, [STRAY]))
        self.assertEqual(self.wanted(here, there, here + there), self.arrived("h1", "h2", here, there))
        with self.assertRaises(ApiError) as refused:
            self.lab.api.create(NEAR, THERE, 3600, protocol="tcp")
        self.assertEqual(409, refused.exception.status)
        self.assertIn("%s behind port 0000000000000001:2" % STRAY, str(refused.exception))
        self.lab.net.host("h3").cmd("ip addr del %s/32 dev h3-eth0" % STRAY)
        self.settle("h1", [STRAY], "10.2.0.0/16")

        def whole() -> bool:
            self.lab.net.host("h1").cmd("ip neigh flush dev h1-eth0")  # so that it says that it has the address
            self.arrived("h1", "h2", [STRAY], there)
            got = self.lab.api.get(a)
            assert not got["degraded"] and got["reason"] is None, got
            return True

        until(whole, 30, "the host has come to where the others are")
        self.assertEqual(self.wanted([STRAY], there, [STRAY] + there), self.arrived("h1", "h2", [STRAY], there))
        self.lab.net.host("h1").cmd("ip addr del %s/32 dev h1-eth0" % STRAY)


class Router(Hosts):
    """A router, h3, with hosts behind it that no switch sees; the configuration
    says behind which port they are."""

    options = {"attachments": [{"prefix": "10.9.0.0/24", "at": "0000000000000001:2"}]}
    behind = ["10.9.0.5", "10.9.0.6"]

    @classmethod
    def begin(cls) -> None:
        super().begin()
        net = cls.lab.net
        cls.inner = net.popen("h3", "unshare", "--net", "sleep", "3600")
        cls.addClassCleanup(cls.inner.kill)
        router = net.host("h3")
        router.cmd("ip link add r0 type veth peer name r1")
        until(lambda: "r1" not in router.cmd("ip link set r1 netns %d 2>/dev/null; ip -o link show r1 2>/dev/null" % cls.inner.pid),
              10, "the network behind the router is there")
        router.cmd("ip addr add 10.9.0.1/24 dev r0; ip link set r0 up; echo 1 > /proc/sys/net/ipv4/ip_forward; ethtool -K r0 tx off")
        for address in cls.behind:
            cls.inside("ip", "addr", "add", address + "/24", "dev", "r1")
        cls.inside("ip", "link", "set", "r1", "up")
        cls.inside("ip", "route", "add", "default", "via", "10.9.0.1")
        net.host("h2").cmd("ip route add 10.9.0.0/24 via 10.0.0.3")

    @classmethod
    def inside(cls, *argv: str) -> None:
        """Runs a command in the network behind the router."""
        subprocess.run(["nsenter", "-t", str(cls.inner.pid), "-n", *argv], check=True, capture_output=True)

    def start(self, host: str, *argv: str) -> "subprocess.Popen[str]":
        if host != "behind":
            return super().start(host, *argv)
        return subprocess.Popen(["nsenter", "-t", str(self.inner.pid), "-n", *argv], stdout=subprocess.PIPE, text=True)

    def test_hosts_behind_a_router(self) -> None:
        """What the hosts behind it and h2 send each other is carried, what the
        router itself sends is not; so with all of the prefix, and with one."""
        h2, router = self.lab.net.address("h2"), self.lab.net.address("h3")
        self.assertEqual(self.wanted(self.behind, [h2], ()), self.arrived("behind", "h2", self.behind, [h2]))
        for dst, carried in ("10.9.0.0/24", self.behind), (self.behind[0], self.behind[:1]):
            a = self.lab.api.create(h2, dst, 3600, protocol="udp", bandwidth=10_000_000)
            self.lab.wait_state(a, "active")
            self.assertEqual(self.wanted(self.behind, [h2], [h2, *carried]), self.arrived("behind", "h2", self.behind, [h2]))
            self.assertEqual(self.wanted([h2], self.behind, [h2, *carried]), self.arrived("h2", "behind", [h2], self.behind))
            self.assertEqual(self.wanted([router], [h2], ()), self.arrived("h3", "h2", [router], [h2]))
            self.lab.release_all()
