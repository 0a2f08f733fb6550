"""What the history says is what flowed, and what nobody told is a gap."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from mininet.topo import Topo

from harness import traffic
from topologies import Diamond

from .case import Case, Settings

PORT = 5209
RATE = 12  # Mbit/s of UDP payload
FRAME = 1400 + traffic.HEADERS  # of a flood
SECONDS = 10
EXACT = 0.02  # by how much history and iperf3 may differ, as a share
SPAN = 3  # seconds that are held together against what can have flowed
# By how many seconds' worth such a span may have more: a poll may be late by a
# second, and the counters of entries are late by up to another. What a break
# hides is AWAY, far more than either.
PROMPT, LATE = 1.1, 2.2
AWAY = 4.2  # seconds: longer than the three intervals that a sample may cover
Series = Dict[int, Optional[float]]  # bit/s by the second that it begins at; None is a gap
FAR = "allocation delivered", "port of h2"
KINDS = FAR + ("allocation entered", "port of h1", "port to s2", "link s1-s2")


class Break(NamedTuple):
    """A time in which something was away."""

    what: str
    began: float
    ended: float
    silent: Tuple[str, ...]  # the series of which nothing can be known meanwhile

    def seconds(self) -> Iterator[int]:
        """The seconds that lie within, half a second from either end."""
        yield from range(int(self.began + 1.5), int(self.ended - 0.5))


class History(Case):
    """h1 -> h2 has an allocation; the counters are read every second."""

    long = True
    alone = True  # a daemon that gets no processor reads counters late
    options = {"stats": {"interval": "1s"}}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def setUp(self) -> None:
        super().setUp()
        self.lab.wait_links()

    def allocate(self) -> str:
        """h1 -> h2 by way of s2."""
        a = self.lab.allocate("h1", "h2", bandwidth=30_000_000, protocol="udp", dst_port=PORT)
        self.assertEqual(["s1", "s2", "s4"], self.lab.path(self.lab.api.get(a)))
        return a

    def history(self, path: str, *names: str) -> Series:
        """One series of the last minutes, by the second."""
        found: Any = self.lab.congad.operator().call("GET", "/api/v1/stats/%s/history?window=3m&step=1s" % path)[0]
        self.assertIn("Ethernet frames without preamble and checksum", found["layer"])
        times = found["times"]
        for name in names:
            found = found[name]
        return dict(zip(times, found["mean"]))

    def all_series(self, allocation: str) -> Dict[str, Series]:
        """The series of KINDS."""
        s1, s4 = "switches/%016x/ports/" % 1, "switches/%016x/ports/" % 4
        asked = (("allocations/" + allocation, "forward", "delivered"), (s4 + "1", "sent"),
                 ("allocations/" + allocation, "forward", "entered"), (s1 + "1", "received"), (s1 + "3", "sent"),
                 ("links/1:3/2:1", "rate"))
        return {kind: self.history(*a) for kind, a in zip(KINDS, asked)}

    def mean(self, series: Series, began: float, seconds: float) -> float:
        """What flowed from a moment on over so many seconds, in Mbit/s. No second
        of it may be a gap."""
        part = {at: v for at, v in series.items() if began - 2 <= at < time.time() - 2}
        self.assertNotIn(None, part.values(), part)
        return sum(v for v in part.values() if v) / seconds / 1e6

    def test_equals_iperf3(self) -> None:
        """iperf3 counts payload; with 42 bytes of headers a packet that is what
        the switches count."""
        a = self.allocate()
        time.sleep(2)

        def compare() -> float:
            began = time.time()
            told = traffic.offer(self.lab.net, "h1", "h2", RATE, PORT, SECONDS)
            time.sleep(4)
            sent, arrived = (n * told.size * 8 / told.seconds / 1e6 for n in (told.packets, told.packets - told.lost))
            off: List[float] = []
            for kind, series in self.all_series(a).items():
                seen = self.mean(series, began, told.seconds)
                if kind in FAR:  # a busy receiver loses some itself
                    off.append(max(seen / sent - 1, 0) + min(seen / arrived - 1, 0))
                else:
                    off.append(seen / sent - 1)
            self.note("iperf3 %.3f and %.3f Mbit/s; history %s %%", sent, arrived, ", ".join("%+.2f" % (100 * o) for o in off))
            return round(max(map(abs, off)), 4)

        self.assertLessEqual(self.measure("off by", compare, lambda off: off <= EXACT), EXACT)

    def test_breaks_are_gaps(self) -> None:
        """Under traffic a switch loses its controller, a cable is replaced, the
        daemon is restarted, and Open vSwitch crashes."""
        a = self.allocate()
        with traffic.flood(self.lab.net, "h1", "h2", RATE, PORT):
            time.sleep(3)
            began = time.time()
            breaks = [self.reconnect(), self.renewal(), self.restart(a), self.crash()]
            time.sleep(4)
            ended = time.time()
        series = self.all_series(a)
        for kind, of in series.items():
            self.possible(kind, {at: v for at, v in of.items() if began <= at < ended - 1})
        for b in breaks:
            for kind in b.silent:
                seconds = {at: series[kind].get(at) for at in b.seconds()}
                self.assertTrue(seconds, b)
                self.assertEqual({None}, set(seconds.values()), "%s while there was no %s: %s" % (kind, b.what, seconds))

    def possible(self, kind: str, series: Series) -> None:
        """Fails if there is more than can have flowed, or less than nothing, or if
        nothing is known again after the breaks."""
        most = RATE * 1e6 * FRAME / 1400
        known = {at: v for at, v in series.items() if v is not None}
        self.note("%s: %d of %d s known, at most %.1f Mbit/s", kind, len(known), len(series), max(known.values()) / 1e6)
        self.assertGreater(len(known), len(series) / 3, series)
        self.assertGreater(max(known.values()), most / 2, series)
        self.assertGreaterEqual(min(known.values()), 0, series)
        late = LATE if kind.startswith("allocation") else PROMPT
        for at in series:
            span = [known[second] for second in range(at, at + SPAN) if second in known]
            self.assertLessEqual(sum(span), most * (len(span) + late), "%s from %d on: %s" % (kind, at, series))
        last = [v for at, v in sorted(series.items())[-3:]]
        self.assertNotEqual([None] * 3, last, "%s is not known again: %s" % (kind, series))

    def reconnect(self) -> Break:
        """s1 is without a controller, and loses its entries."""
        began = time.time()
        self.lab.net.forget_controller("s1")
        time.sleep(AWAY)
        ended = time.time()
        self.lab.net.return_controller("s1")
        self.lab.net.wait_connected("s1")
        time.sleep(2)
        return Break("controller of s1", began, ended, ("allocation entered", "port of h1", "port to s2"))

    def renewal(self) -> Break:
        """The cable from s1 to s2 is replaced by one whose counters are at 0."""
        began = time.time()
        self.lab.net.renew_cable("s1-eth3", "s2-eth1")
        ended = time.time()
        self.lab.wait_links()
        time.sleep(2)
        return Break("cable", began, ended, ())

    def restart(self, allocation: str) -> Break:
        """The daemon is stopped, and comes back with what it knew."""
        before = self.all_series(allocation)
        began = time.time()
        self.lab.congad.stop()
        time.sleep(AWAY)
        ended = time.time()
        self.lab.restart_congad()
        self.lab.net.wait_connected()
        self.lab.wait_links()
        for kind, series in self.all_series(allocation).items():
            old = {at: v for at, v in before[kind].items() if began - 60 < at < began - 3}
            self.assertEqual(old, {at: series[at] for at in old}, kind)
        time.sleep(2)
        return Break("daemon", began, ended, KINDS)

    def crash(self) -> Break:
        """All counters of entries begin anew."""
        began = time.time()
        Settings.switches.restart_switches()
        ended = time.time()
        self.lab.net.wait_connected()
        self.lab.wait_links()
        return Break("switch", began, ended, ())
