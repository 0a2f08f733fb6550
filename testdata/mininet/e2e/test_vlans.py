"""The two ends of an allocation in different VLANs."""

from __future__ import annotations

import re
from typing import Dict

from harness.wait import until
from harness.wires import Tagging

from .test_prefixes import EACH, SEND, Hosts

VLANS = {"h1": 100, "h2": 200, "h4": 0}  # 0: no tag
HEARD = {"h1": "10.7.0.1", "h2": "10.7.0.2", "h4": "10.7.0.4"}  # which have said so
SILENT = {"h1": "10.8.0.1", "h2": "10.8.0.17"}  # of which the configuration says it
SIX = {"h1": "fd07::1", "h2": "fd07::2"}
FRAME = 142  # bytes without a tag of what is sent


class VLANs(Hosts):
    """h1 in VLAN 100 at one end of the diamond, and at the other h2 in VLAN 200
    and h4 without a tag, in one subnet."""

    long = True
    options = {"attachments": [{"prefix": "10.8.0.0/28", "at": "0000000000000001:8", "vlan": 100},
                               {"prefix": "10.8.0.16/28", "at": "0000000000000004:8", "vlan": 200}]}

    @classmethod
    def begin(cls) -> None:
        super().begin()
        net = cls.lab.net
        for n, name, switch in (1, "h1", "s1"), (2, "h2", "s4"):
            tagging, link = Tagging("v" + switch), name + "-eth1"
            cls.addClassCleanup(tagging.remove)
            tagging.host(net.host(name), link, HEARD[name], "02:09:00:00:01:%02d" % n, VLANS[name])
            tagging.cable(switch, 8)
            net.host(name).cmd("ethtool -K %s tx off; ip addr add %s/24 dev %s; ip addr add %s/64 dev %s nodad"
                               % (link, SILENT[name], link, SIX[name], link))
        net.host("h4").cmd("ip addr add %s/24 dev h4-eth0" % HEARD["h4"])

    def reaches(self, src: str, address: str) -> bool:
        """Whether a host finds an address anew, and has an answer."""
        host = self.lab.net.host(src)
        host.cmd("ip neigh flush all; ip -6 neigh flush all")
        return " 0% packet loss" in host.cmd("ping -c 1 -W 2 %s" % address)

    def announced(self) -> None:
        """Has all hosts be known with their addresses, which do not reach each
        other."""

        def known() -> bool:
            for src, dst in ("h1", "h2"), ("h2", "h1"), ("h4", "h1"):
                assert not self.reaches(src, HEARD[dst]), "%s reaches %s in another VLAN" % (src, dst)
            assert not self.reaches("h1", SIX["h2"]) and not self.reaches("h2", SIX["h1"])
            found = self.lab.congad.operator().call("GET", "/api/hosts?per_page=128")
            seen = {address for host in found for address in host["addresses"]}
            assert {*HEARD.values(), *SIX.values()} <= seen, seen
            return True

        until(known, 40, "the hosts are known in their VLANs")

    def carried(self, src: str, dst: str, addresses: Dict[str, str], allocation: str) -> None:
        """Fails unless hosts that find each other anew get what they send each
        other, marked, and no other host does, and as many bytes as were sent are
        counted on either side of the change."""
        here, there = addresses[src], addresses[dst]
        others = ["h3", "h2" if dst == "h4" else "h4"]
        for a, b, at in (here, there, (src, dst)), (there, here, (dst, src)):
            self.lab.net.host(at[0]).cmd("ip neigh flush all")
            got = self.counted(at[0], [at[1], *others], SEND % ([a], [b], EACH))
            self.assertEqual([{(a, b, True): EACH}, {}, {}], got)
        sizes = [EACH * (FRAME + (4 if VLANS[host] else 0)) for host in (src, dst)]

        def counted() -> bool:
            stats = self.lab.api.call("GET", "/api/v1/stats/allocations/" + allocation)[0]
            got = [[(stats[way][end]["packets"], stats[way][end]["bytes"]) for end in ("entered", "delivered")] for way in ("forward", "reverse")]
            assert got == [[(EACH, size)] * 2 for size in sizes], got
            return True

        until(counted, 20, "the same bytes are counted at both ends")

    def test_rewritten_between_tagged_edges(self) -> None:
        """Hosts in VLANs 100 and 200, and in VLAN 100 and in none, find and reach
        each other as long as an allocation is active, and not before and after;
        the tag changes at the last switch alone."""
        self.announced()
        pairs = {(a, b): self.lab.api.create(HEARD[a], HEARD[b], 3600, bandwidth=10_000_000, protocol="udp")
                 for a, b in (("h1", "h2"), ("h1", "h4"))}
        pings = self.lab.api.create(HEARD["h1"], HEARD["h2"], 3600, bandwidth=1_000_000)
        six = self.lab.api.create(SIX["h1"], SIX["h2"], 3600)
        for allocation in *pairs.values(), pings, six:
            self.lab.wait_state(allocation, "active")
        for (a, b), allocation in pairs.items():
            self.carried(a, b, HEARD, allocation)
        for addresses in HEARD, SIX:
            self.assertTrue(self.reaches("h1", addresses["h2"]) and self.reaches("h2", addresses["h1"]), addresses)
        changes = {s: sorted({x for e in entries for x in re.findall(r"set_field:\d+->vlan_vid|pop_vlan|push_vlan:0x8100", e.actions)})
                   for s, entries in self.lab.entries().items()}
        self.assertEqual({"s1": ["push_vlan:0x8100", "set_field:4196->vlan_vid"], "s2": [], "s4": ["pop_vlan", "set_field:4296->vlan_vid"]},
                         {s: changes.get(s, []) for s in ("s1", "s2", "s4")})
        self.lab.release_all()
        self.assertFalse(self.reaches("h1", HEARD["h2"]), "they reach each other after it")

    def test_as_the_configuration_says(self) -> None:
        """So do prefixes of which the configuration says the VLANs, whose hosts
        have said nothing."""
        a = self.lab.api.create("10.8.0.0/28", "10.8.0.16/28", 3600, protocol="udp")
        self.lab.wait_state(a, "active")
        self.carried("h1", "h2", SILENT, a)
