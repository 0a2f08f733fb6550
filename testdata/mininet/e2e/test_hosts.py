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
FOLLOWED = 1.5  # seconds that a host which moves is without its packets
ALERT = 1  # seconds until a theft that is tried is told of
OVERLAPS = 0.1, 0.9, 2.5  # seconds from the announcement until the old owner lets go


class Seconds(float):
    """A time that is noted with two digits."""

    def __str__(self) -> str:
        return "%.2f s" % self


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
        self.assertLessEqual(alert, ALERT)
        self.assertLessEqual(found["lost"] * INTERVAL, 0.5)
        self.lab.wait_state(a, "active")

    def finding(self, probe: "subprocess.Popen[str]") -> Dict[str, int]:
        return json.loads(probe.communicate(timeout=10)[0])

    def test_virtual_address(self) -> None:
        """An address that fails over while its old owner lives is followed
        within a second after that has let go, though it is announced once and
        before, by whatever time."""
        net = self.lab.net
        hosts = ["h2", "h3"]
        net.host("h2").cmd("ip addr add %s/24 dev h2-eth0" % VIRTUAL)
        self.announce("h2", VIRTUAL, 1, 0).communicate(timeout=10)
        a = until(lambda: self.lab.api.create(net.address("h1"), VIRTUAL, 3600, bandwidth=10_000_000), 10, "it is placed")
        self.lab.wait_state(a, "active")
        try:
            for before in OVERLAPS:
                time.sleep(1.5)  # a host that has just come is not asked

                def lost() -> Seconds:
                    figure = self.fail_over(*hosts, before)
                    hosts.reverse()
                    return figure

                found = self.measure("lost of a stream, announced %g s before" % before, lost, lambda s: s <= 1)
                self.assertLessEqual(found, 1.0)
                self.lab.wait_state(a, "active")
        finally:
            for host in hosts:
                net.host(host).cmd("ip addr del %s/24 dev %s-eth0" % (VIRTUAL, host))

    def fail_over(self, owner: str, heir: str, before: float) -> Seconds:
        """Moves the virtual address, and returns how much of a stream is lost
        by that. Only frames for the host count where they arrive."""
        net = self.lab.net
        ears = [net.probe(h, "overhear", "%s-eth0" % h, VIRTUAL) for h in (owner, heir)]
        sender = net.probe("h1", "stream", VIRTUAL, 7007, INTERVAL)
        try:
            time.sleep(0.5)
            net.host(heir).cmd("ip addr add %s/24 dev %s-eth0" % (VIRTUAL, heir))
            self.announce(heir, VIRTUAL, 1, 0).communicate(timeout=10)
            time.sleep(before)
            net.host(owner).cmd("ip addr del %s/24 dev %s-eth0" % (VIRTUAL, owner))
            arrived = self.finding(ears[0])["own"]  # what comes later is lost
            time.sleep(3)
            sent = json.loads(sender.communicate(timeout=20)[0])["sent"]
            arrived += self.finding(ears[1])["own"]
        finally:
            for process in [sender, *ears]:
                traffic.end(process)
        return Seconds((sent - arrived) * INTERVAL)

    def test_move(self) -> None:
        """A machine that is plugged into another port is followed, whether its
        old port goes down or falls silent."""
        a = self.lab.allocate("h1", "h2", bandwidth=10_000_000)
        for how in "down", "silent":
            time.sleep(1.5)  # a host that has just come is not asked
            found = self.measure("lost of a stream, its old port %s" % how, lambda how=how: self.moves(how), lambda s: s <= FOLLOWED)
            self.assertLessEqual(found, FOLLOWED)
            self.lab.wait_state(a, "active")

    def moves(self, how: str) -> Seconds:
        """Moves h2 to the port of h3, and back afterwards. Returns how much of
        a stream is lost by moving it."""
        net = self.lab.net
        address, mac = net.address("h2"), "02:00:00:00:00:02"

        def become(host: str, address: str, mac: str) -> None:
            net.host(host).cmd("ip -4 addr flush dev {0}-eth0; ip link set {0}-eth0 address {2} up; "
                               "ip addr add {1}/24 dev {0}-eth0; ip addr replace {3}/64 dev {0}-eth0 nodad"
                               .format(host, address, mac, net.address(host, True)))

        ears = [net.probe(h, "overhear", "%s-eth0" % h, address) for h in ("h2", "h3")]
        sender = net.probe("h1", "stream", address, 7007, INTERVAL)
        try:
            time.sleep(0.5)
            arrived = self.finding(ears[0])["own"]  # what comes later is lost
            net.host("h2").cmd("ip link set h2-eth0 down" if how == "down" else "ip addr flush dev h2-eth0")
            become("h3", address, mac)
            self.announce("h3", address, 1, 0).communicate(timeout=10)
            time.sleep(3)
            sent = json.loads(sender.communicate(timeout=20)[0])["sent"]
            return Seconds((sent - arrived - self.finding(ears[1])["own"]) * INTERVAL)
        finally:
            for process in [sender, *ears]:
                traffic.end(process)
            become("h3", net.address("h3"), "02:00:00:00:00:03")
            become("h2", address, mac)
            for host in "h3", "h2":
                self.announce(host, net.address(host), 1, 0).communicate(timeout=10)
            until(lambda: net.ping("h1", "h2") == 0, 10, "it is back")

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
