"""Topologies with fixed datapath identifiers and port numbers.

Used by the tests and the demo here, and by Mininet's own command:

    mn --custom topologies.py --topo diamond \
       --switch ovs,datapath=user,protocols=OpenFlow13 --controller remote

Host hN has the addresses 10.0.0.N and fd00::N. Links are named by their ends,
as in "s1-s2"; `bw` shapes them: `Diamond(bw={"s1-s2": 100})`, in Mbit/s.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

from mininet.link import Link, TCIntf, TCLink
from mininet.node import Host
from mininet.topo import Topo

Bandwidths = Mapping[str, float]


class Station(Host):
    """A host with IPv4 and IPv6. It has no transmit offload, whose half-made
    checksums the userspace datapath would pass on as they are, and forgets how
    its last TCP connection fared, so that every measurement stands for itself."""

    def config(self, ip6: Optional[str] = None, **params: Any) -> dict:  # type: ignore[override]
        result = super().config(**params)
        interface = self.defaultIntf()
        self.cmd("ethtool -K %s tx off" % interface)
        self.cmd("echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save")
        if ip6:
            self.cmd("ip -6 addr add %s/64 dev %s nodad" % (ip6, interface))
        return result


class ShapedInterface(TCIntf):
    """A shaped interface whose quantum suits its rate; the kernel warns of the
    default one, and Mininet prints the warning as an error."""

    def tc(self, cmd: str, tc: str = "tc") -> str:
        if cmd.endswith("htb default 1"):
            cmd += " r2q 1000"
        return super().tc(cmd, tc)


class ShapedLink(TCLink):
    """A link shaped with HTB in both directions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "cls1": ShapedInterface, "cls2": ShapedInterface})


class Plan(Topo):
    """What the topologies have in common."""

    def build(self, *args: Any, bw: Optional[Bandwidths] = None, **params: Any) -> None:  # type: ignore[override]
        self.bandwidths = dict(bw or {})
        self.stations = 0
        self.plan(*args, **params)
        if self.bandwidths:
            raise ValueError("no such link: " + ", ".join(self.bandwidths))

    def plan(self, *args: Any, **params: Any) -> None:
        """Adds switches, hosts and links."""
        raise NotImplementedError

    def switch(self, name: str, dpid: int) -> str:
        return self.addSwitch(name, dpid="%016x" % dpid)

    def station(self, switch: str, port: int) -> str:
        """Adds the next host, at this port of the switch."""
        self.stations += 1
        n = self.stations
        name = self.addHost(
            "h%d" % n, cls=Station, ip="10.0.0.%d/24" % n, ip6="fd00::%x" % n, mac="02:00:00:00:00:%02x" % n
        )
        self.cable(name, 0, switch, port)
        return name

    def cable(self, a: str, a_port: int, b: str, b_port: int) -> None:
        bw = self.bandwidths.pop("%s-%s" % (a, b), None)
        if bw is None:
            self.addLink(a, b, a_port, b_port, cls=Link)
        else:
            self.addLink(a, b, a_port, b_port, cls=ShapedLink, bw=bw)


class Diamond(Plan):
    """Two ways of unequal length between s1 and s4.

        h1 -1                             1- h2
              s1 -3----1- s2 -2-------3- s4
        h3 -2    -4-1- s3 -2-1- s5 -2-4-  2- h4
    """

    def plan(self) -> None:  # type: ignore[override]
        for n in range(1, 6):
            self.switch("s%d" % n, n)
        self.station("s1", 1)
        self.station("s4", 1)
        self.station("s1", 2)
        self.station("s4", 2)
        self.cable("s1", 3, "s2", 1)
        self.cable("s2", 2, "s4", 3)
        self.cable("s1", 4, "s3", 1)
        self.cable("s3", 2, "s5", 1)
        self.cable("s5", 2, "s4", 4)


class Ring(Plan):
    """A ring of n switches with a host each at port 1; port 2 leads to the next
    switch, port 3 to the one before."""

    def plan(self, n: int = 4) -> None:  # type: ignore[override]
        if n < 3:
            raise ValueError("a ring has at least 3 switches")
        names = [self.switch("s%d" % (i + 1), i + 1) for i in range(n)]
        for i, name in enumerate(names):
            self.station(name, 1)
            self.cable(name, 2, names[(i + 1) % n], 3)


class Line(Plan):
    """A row of n switches with k hosts each at ports 1..k; port k+1 leads to the
    next switch, port k+2 to the one before."""

    def plan(self, n: int = 8, k: int = 4) -> None:  # type: ignore[override]
        names = [self.switch("s%d" % (i + 1), i + 1) for i in range(n)]
        for i, name in enumerate(names):
            for port in range(1, k + 1):
                self.station(name, port)
            if i > 0:
                self.cable(names[i - 1], k + 1, name, k + 2)


class FatTree(Plan):
    """A fat tree of k-port switches (k even): k pods of k/2 edge switches eN and
    k/2 aggregation switches aN, (k/2)^2 core switches cN, and k^3/4 hosts.

    Edge and aggregation switches have their lower neighbours at ports 1..k/2,
    the upper ones at k/2+1..k; a core switch has pod p at port p.
    """

    def plan(self, k: int = 4) -> None:  # type: ignore[override]
        if k < 2 or k % 2:
            raise ValueError("k must be even")
        half = k // 2
        cores = [self.switch("c%d" % (i + 1), 0x100 + i + 1) for i in range(half * half)]
        for pod in range(k):
            aggregation = [self.switch("a%d" % n, 0x200 + n) for n in range(pod * half + 1, (pod + 1) * half + 1)]
            edge = [self.switch("e%d" % n, 0x300 + n) for n in range(pod * half + 1, (pod + 1) * half + 1)]
            for i, a in enumerate(aggregation):
                for j in range(half):
                    self.cable(a, half + 1 + j, cores[i * half + j], pod + 1)
                for j, e in enumerate(edge):
                    self.cable(e, half + 1 + i, a, j + 1)
            for e in edge:
                for port in range(1, half + 1):
                    self.station(e, port)


topos = {"diamond": Diamond, "ring": Ring, "line": Line, "fattree": FatTree}
