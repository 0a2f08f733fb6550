"""Best effort: everybody reaches everybody, and loops do not melt."""

from __future__ import annotations

import shutil
import time

from mininet.topo import Topo

from harness import traffic
from harness.ovs import ofctl
from harness.wait import until
from topologies import FatTree, Ring as RingTopo

from .case import Case

START = 15  # seconds from the start of the daemon to the first pings between all, none lost
IDLE = 50  # packets a second that an idle trunk may carry: probes, and what hosts say unasked


class Reach(Case):
    """Starts the daemon on a network that waits for it, against the clock."""

    took = 0.0  # seconds until all hosts reached each other

    @classmethod
    def begin(cls) -> None:
        cls.lab.net.start()
        cls.took = cls.start()

    @classmethod
    def start(cls) -> float:
        began = time.monotonic()
        cls.lab.start_congad()
        cls.lab.wait_reachable(60, [False])
        return time.monotonic() - began

    def again(self) -> float:
        """The first start, then one from nothing for every further try."""
        if self.took:
            took, type(self).took = self.took, 0.0
            return took
        self.lab.congad.stop()
        shutil.rmtree(self.lab.congad.directory / "data")
        for switch in self.lab.net.switches:
            ofctl("del-flows", switch)
        for h in self.lab.net.hosts:
            self.lab.net.popen(h, "ip", "neigh", "flush", "all").communicate()
        return self.start()

    def all_pairs(self) -> None:
        took = self.measure("none lost after s:", lambda: round(self.again(), 1), lambda t: t <= START)
        self.assertLessEqual(took, START)
        for v6 in False, True:
            self.lab.wait_reachable(15, [v6])
            for _ in range(3):
                self.assertEqual([], self.lab.net.ping_all(v6), "lost, IPv%d" % (6 if v6 else 4))

    def idle(self) -> None:
        def busiest(seconds: float = 3) -> float:
            before, began = self.lab.net.packets(), time.monotonic()
            time.sleep(seconds)
            after, took = self.lab.net.packets(), time.monotonic() - began
            return max(after[i] - before[i] for i in before) / took

        until(lambda: busiest() <= IDLE, 40, "the network falls quiet")
        rates = [busiest(5), busiest(5)]
        self.note("packets/s on the busiest trunk: %.1f, then %.1f", *rates)
        self.assertLessEqual(max(rates), IDLE)

    def shout(self, count: int = 40) -> None:
        """Every other host hears each broadcast once, and no trunk carries one twice."""
        self.lab.wait_reachable()
        before, began = self.lab.net.packets(), time.monotonic()
        heard = traffic.broadcast(self.lab.net, "h1", count)
        after, took = self.lab.net.packets(), time.monotonic() - began
        self.note("%d broadcasts, heard by others: %s; busiest trunk +%d packets", count,
                  sorted({(h["different"], h["copies"]) for h in heard.values()}),
                  max(after[i] - before[i] for i in before))
        for host, h in heard.items():
            self.assertEqual({"different": count, "copies": count}, h, host)
        for i in before:
            self.assertLessEqual(after[i] - before[i], count + IDLE * took, i)


class Ring(Reach):
    @classmethod
    def topo(cls) -> Topo:
        return RingTopo()

    def test_all_pairs_within_15_s(self) -> None:
        self.all_pairs()

    def test_idle_stays_flat(self) -> None:
        self.idle()

    def test_no_storm(self) -> None:
        self.shout()


class Fattree(Reach):
    @classmethod
    def topo(cls) -> Topo:
        return FatTree()

    def test_all_pairs_within_15_s(self) -> None:
        self.all_pairs()

    def test_idle_stays_flat(self) -> None:
        self.idle()

    def test_no_storm(self) -> None:
        self.shout()

    def test_path_across_pods(self) -> None:
        """An allocation between pods has entries on five switches, no others."""
        self.lab.allocate("h1", "h16", bandwidth=1_000_000_000)
        path = sorted(self.lab.entries())
        self.note("path over %s", " ".join(path))
        self.assertEqual(["a", "a", "c", "e", "e"], [s[0] for s in path])
        self.assertEqual({"e1", "e8"}, {s for s in path if s[0] == "e"})
        self.lab.entries_on(path, "h1", "h16")
        self.assertEqual(0, self.lab.net.ping("h1", "h16", count=20))


del Reach  # not a test of its own
