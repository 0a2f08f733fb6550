"""Runs congad with a ring of four BOFUSS switches, and prints a line for each
thing that an operator needs of a switch, with what was seen."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, List

from harness import traffic
from harness.bofuss import Bofuss
from harness.daemon import OPENFLOW_PORT, PROJECT, USER, Congad
from harness.network import Network
from harness.wait import until
from topologies import Ring

LINKS = 8
CAPACITY = 10_000_000  # bit/s that the daemon is told of every cable
CABLES = ((1, 2), (2, 3), (3, 4), (4, 1))
HELD, RATE = 6_000_000, 2_000_000  # bit/s of the two allocations
PORT = 5203  # UDP of what is policed
COUNT, SIZE, EVERY = 7500, 1200, 0.0008  # of the datagrams that are offered, at 12 Mbit/s
ALLOCATED = re.compile(r'cookie="0xc09a.3')


class Tour:
    """What is tried, in this order: each finds what the one before it left."""

    def __init__(self, congad: Congad, net: Network) -> None:
        self.congad, self.net = congad, net
        self.failed = 0

    def run(self) -> int:
        checks: List[Callable[[], str]] = [
            self.links, self.reach, self.describe, self.carry, self.hold_back, self.police, self.move, self.restart,
            self.release]
        for check in checks:
            began = time.monotonic()
            try:
                verdict, seen = "ok  ", check()
            except Exception as e:  # the next one may still tell something
                verdict, seen = "FAIL", "%s: %s" % (type(e).__name__, e)
                self.failed += 1
            print("%s %-10s %5.1f s  %s" % (verdict, check.__name__, time.monotonic() - began, seen), flush=True)
        return 1 if self.failed else 0

    def links(self) -> str:
        """All links are found."""
        operator = self.congad.operator()
        until(lambda: operator.metric("conga_links") == LINKS, 40, "all links are known")
        return "%d links" % LINKS

    def reach(self) -> str:
        """All hosts reach each other, and go on doing so."""
        for v6 in False, True:
            until(lambda: not self.net.ping_all(v6), 30, "all hosts reach each other")
        lost = [pair for v6 in (False, True) for _ in range(3) for pair in self.net.ping_all(v6)]
        assert not lost, lost
        return "0 of 72 pings lost"

    def describe(self) -> str:
        """Nothing of it is beyond the switch, or it is said."""
        switch = self.congad.operator().call("GET", "/api/switches/0000000000000001")[0]
        return "limitations: %s" % (" ".join(switch["limitations"]) or "none")

    def carry(self) -> str:
        """An allocation is confirmed, and its entries count what it carries."""
        self.api = self.congad.client()
        self.api.login(USER, PROJECT)
        self.a = self.allocate("h1", "h2", bandwidth=HELD)
        before = self.entered(self.a)
        lost = self.net.ping("h1", "h2", count=40)
        assert not lost, "%d of 40 lost" % lost
        until(lambda: self.entered(self.a) >= before + 40, 20, "40 packets are counted")
        return "0 of 40 lost, %d entries" % self.entries()

    def hold_back(self) -> str:
        """Best effort leaves the allocation its rate, and gets the rest."""
        return self.share(lambda: self.rate("h4", "h2", 5204), CAPACITY - HELD)

    def police(self) -> str:
        """An allocation gets its rate and not more."""
        a = self.allocate("h3", "h2", bandwidth=RATE, protocol="udp", dst_port=PORT)
        try:
            return self.share(lambda: self.rate("h3", "h2", PORT), RATE)
        finally:
            self.api.delete(a)

    def move(self) -> str:
        """An allocation whose cable goes is carried over another, and back."""
        stream = traffic.Stream(self.net, "h1", "h2", interval=0.01)
        try:
            time.sleep(1)
            self.net.set_link("s1-eth2", False)
            until(lambda: len(self.api.get(self.a)["path"]) == 4 and self.api.get(self.a)["state"] == "active", 15, "it is moved")
            time.sleep(1)
            found = stream.finish()
        except BaseException:
            stream.abandon()
            raise
        finally:
            self.net.set_link("s1-eth2", True)
        operator = self.congad.operator()
        until(lambda: operator.metric("conga_links") == LINKS, 40, "all links are back")
        return "%d of %d packets lost" % (found["lost"], found["sent"])

    def restart(self) -> str:
        """A daemon that is killed and starts again loses no packet."""
        before = self.entries()
        stream = traffic.Stream(self.net, "h1", "h2", interval=0.01)
        try:
            time.sleep(1)
            self.congad.kill()
            time.sleep(1)
            self.congad.start()
            operator = self.congad.operator()
            until(lambda: operator.metric("conga_switches_connected") == 4, 40, "the switches are back")
            time.sleep(3)
            found = stream.finish()
        except BaseException:
            stream.abandon()
            raise
        assert not found["lost"], found
        assert self.entries() == before, (before, self.entries())
        return "0 of %d packets lost" % found["sent"]

    def release(self) -> str:
        """What is released leaves nothing behind."""
        self.api.delete(self.a)
        until(lambda: not self.entries(), 15, "no allocation has entries")
        return "no entries left"

    def share(self, measure: Callable[[], float], rate: float) -> str:
        """Measures up to three times, until that is about the rate in bit/s."""
        tries: List[float] = []
        while not tries or len(tries) < 3 and not 0.85 * rate <= tries[-1] <= 1.25 * rate:
            tries.append(measure())
        seen = "of %.1f Mbit/s %s arrive" % (rate / 1e6, ", ".join("%.1f" % (t / 1e6) for t in tries))
        assert 0.85 * rate <= tries[-1] <= 1.25 * rate, seen
        return seen

    def rate(self, src: str, dst: str, port: int) -> float:
        """Offers UDP and returns which rate of frames arrives, in bit/s."""
        _, arrived = traffic.arrivals(
            self.net, (dst, "sink", port), (src, "source", self.net.address(dst), port, COUNT, SIZE, EVERY))
        return arrived * (SIZE + traffic.HEADERS) * 8 / (COUNT * EVERY)

    def allocate(self, src: str, dst: str, **optional: object) -> str:
        """Allocates between two hosts and waits until the allocation is active."""
        a = self.api.create(self.net.address(src), self.net.address(dst), 3600, **optional)
        until(lambda: self.api.get(a)["state"] == "active", 20, "it is active")
        return a

    def entered(self, a: str) -> int:
        return self.api.call("GET", "/api/stats/allocations/" + a)[0]["forward"]["entered"]["packets"]

    def entries(self) -> int:
        """How many entries of allocations all switches hold."""
        return sum(len(ALLOCATED.findall(self.net.host(s).dpctl("stats-flow"))) for s in self.net.switches)


def main() -> int:
    directory = Path(tempfile.mkdtemp(prefix="conga-bofuss."))
    links = [{"a": "%016x:2" % a, "b": "%016x:3" % b, "capacity": CAPACITY} for a, b in CABLES]
    congad = Congad(os.environ["CONGAD"], directory / "congad", links=links)
    net = Network(Ring(), OPENFLOW_PORT, switch=lambda name, **params: Bofuss(name, directory / name, **params))
    code = 1
    try:
        net.start()
        congad.start()
        code = Tour(congad, net).run()
    finally:
        congad.stop()
        net.stop()
        if code == 0:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print("logs and data: %s" % directory)
    return code


sys.exit(main())
