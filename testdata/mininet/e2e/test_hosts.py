"""Hosts that take what others have, move, and announce without end."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Dict

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK_LINK
from harness.wait import until
from topologies import Diamond

from .case import Case

VIRTUAL = "10.0.0.100"
INTERVAL = 0.005  # seconds between the packets of a stream


class Hosts(Case):
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def announce(self, host: str, address: str, count: int, every: float) -> "subprocess.Popen[str]":
        """Has a host announce an address as its own."""
        return self.lab.net.probe(host, "announce", "%s-eth0" % host, address, count, every)

    def claims(self, outcome: str) -> float:
        return self.lab.api.metric('conga_host_claims_total{outcome="%s"}' % outcome)

    def test_theft(self) -> None:
        """A thief that announces a busy address gets none of its packets."""
        a = self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        time.sleep(1.5)  # a host that has just come is not asked
        ear = self.lab.net.probe("h3", "overhear", "h3-eth0", self.lab.net.address("h2"))
        stream = traffic.Stream(self.lab.net, "h1", "h2", interval=INTERVAL)
        try:
            time.sleep(0.5)
            before, began = self.claims("kept"), time.monotonic()
            thief = self.announce("h3", self.lab.net.address("h2"), 100, 0.03)
            until(lambda: self.claims("kept") > before, 5, "the claim is refused", every=0.02)
            alert = time.monotonic() - began
            time.sleep(2)  # of announcements, which are barred now
            traffic.end(thief)
            found = stream.finish()
        except BaseException:
            stream.abandon()
            raise
        overheard = self.finding(ear)
        self.note("alert after %.2f s, %d of %d packets lost, %d to the thief", alert, found["lost"], found["sent"],
                  overheard["packets"])
        self.assertEqual(overheard["packets"], 0)
        self.assertLessEqual(found["lost"] * INTERVAL, 0.5)
        self.lab.wait_state(a, "active")

    def finding(self, probe: "subprocess.Popen[str]") -> Dict[str, int]:
        return json.loads(probe.communicate(timeout=10)[0])

    def test_virtual_address(self) -> None:
        """An address that fails over by gratuitous ARP, while its old owner
        lives, is followed within a second."""
        net = self.lab.net
        net.host("h2").cmd("ip addr add %s/24 dev h2-eth0" % VIRTUAL)
        self.announce("h2", VIRTUAL, 1, 0).communicate(timeout=10)
        a = until(lambda: self.lab.api.create(net.address("h1"), VIRTUAL, 3600, bandwidth=10_000_000), 10, "it is placed")
        self.lab.wait_state(a, "active")
        time.sleep(1.5)
        ears = [net.probe(h, "overhear", "%s-eth0" % h, VIRTUAL) for h in ("h2", "h3")]
        sender = net.probe("h1", "stream", VIRTUAL, 7007, INTERVAL)
        try:
            announcer = self.announce("h3", VIRTUAL, 3, 1)
            time.sleep(0.8)
            net.host("h2").cmd("ip addr del %s/24 dev h2-eth0" % VIRTUAL)
            arrived = self.finding(ears[0])["packets"]  # what comes later is lost
            net.host("h3").cmd("ip addr add %s/24 dev h3-eth0" % VIRTUAL)
            time.sleep(3)
            traffic.end(announcer)
            sent = json.loads(sender.communicate(timeout=20)[0])["sent"]
            arrived += self.finding(ears[1])["packets"]
        finally:
            for process in [sender, *ears]:
                traffic.end(process)
            net.host("h3").cmd("ip addr del %s/24 dev h3-eth0" % VIRTUAL)
        lost = (sent - arrived) * INTERVAL
        self.note("%.2f s lost of a stream", lost)
        self.assertLessEqual(lost, 1.0)
        self.lab.wait_state(a, "active")

    def test_flood(self) -> None:
        """A host that floods with ARP does not keep others from finding each
        other at the first try."""
        net = self.lab.net
        flooder = net.probe("h3", "announce", "h3-eth0", net.address("h3"), 1_000_000, 0)
        try:
            time.sleep(2)
            lost = 0
            for i in range(20):
                src, dst = ("h1", "h2") if i % 2 else ("h2", "h4")
                net.host(src).cmd("ip neigh flush dev %s-eth0" % src)
                lost += net.ping(src, dst, wait=1)
        finally:
            traffic.end(flooder)
        self.note("%d of 20 first pings", 20 - lost)
        self.assertEqual(lost, 0)
