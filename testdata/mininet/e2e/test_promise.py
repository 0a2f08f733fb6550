"""What one project is promised is not another's to lessen."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import List, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.api import ApiError, Client
from harness.lab import BOTTLENECK, BOTTLENECK_LINK, SHAPED, SHAPED_LINK
from harness.traffic import Offered
from harness.wait import until
from topologies import Diamond

from .case import Case

AROUND = {"a": "0000000000000003:2", "b": "0000000000000005:1", "capacity": "4M"}  # the other way
PORT = 5203
SECONDS = 5  # of a stream
FLOOD = 80  # Mbit/s of UDP payload
KEPT = 14.8  # Mbit/s of TCP payload that 16 Mbit/s of an allocation carry
LEAST = 100_000  # bit/s: the least that may be asked for
PORTION = 0.92  # Mbit/s: half of what two share of the 8 of 40 that are never reserved
SENT = 19  # Mbit/s of UDP payload
BOOKINGS = 60
MUCH = 60  # Mbit/s of UDP payload
BOOKED = 20_000_000  # bit/s
BEST = 10  # Mbit/s: what best effort keeps
STEP = 1 / 8  # by less than that a loan is not changed, since each change costs
RUN = 16_000_000  # bit/s of a command's path; of the 40 Mbit/s 32 may be reserved
OTHER = "bio"  # a project beside that of the lab's user


class Portions(Case):
    """h1 -> h2 and h3 -> h4 share s1-s2, of 40 Mbit/s."""

    fills = True
    options = {"links": [SHAPED_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def test_little_asked_for(self) -> None:
        """A low rate is no punishment, and takes nothing from a high one."""
        net = self.lab.net
        self.lab.allocate("h1", "h2", bandwidth=16_000_000, protocol="tcp")
        self.lab.allocate("h3", "h4", bandwidth=LEAST, protocol="udp", dst_port=PORT)
        with traffic.flood(net, "h3", "h4", FLOOD):
            little, kept = self.measure("%g Mbit/s, and 16, beside a flood" % (LEAST / 1e6), self.both,
                                        lambda got: got[0] >= 0.9 * PORTION and got[1] >= KEPT)
        self.assertGreaterEqual(little, 0.9 * PORTION)
        self.assertGreaterEqual(kept, KEPT)

    def both(self) -> Tuple[float, float]:
        """Mbit/s of the low rate's stream and of the high one's transfer, side by
        side."""
        net = self.lab.net
        little: List[Offered] = []
        stream = threading.Thread(target=lambda: little.append(traffic.offer(net, "h3", "h4", 3.6, PORT, SECONDS)))
        stream.start()
        try:
            kept = traffic.transfer(net, "h1", "h2", seconds=SECONDS)
        finally:
            stream.join()
        return round(little[0].arrived_bits / little[0].seconds / 1e6, 2), round(kept.mbits, 1)


class Bookings(Case):
    """h1 -> h2 crosses s1-s2, of 100 Mbit/s, and any user may book any of it."""

    alone = True  # what is lent follows what is sent, which a busy machine makes uneven
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: 100})

    def test_booked_by_others(self) -> None:
        """Sixty little bookings of its ports take nothing from best effort but
        for the moment until that is seen."""
        before = traffic.offer(self.lab.net, "h1", "h2", SENT, PORT, SECONDS)
        for i in range(BOOKINGS):
            self.lab.allocate("h1", "h2", bandwidth=LEAST, protocol="udp", dst_port=PORT + i)
        at_first = traffic.offer(self.lab.net, "h1", "h2", SENT, PORT, 4 * SECONDS)
        after = self.measure("later", lambda: traffic.offer(self.lab.net, "h1", "h2", SENT, PORT, SECONDS),
                             lambda o: self.lost(o) <= self.lost(before) + 0.05)
        self.note("without bookings %s, with %d at first %s", before, BOOKINGS, at_first)
        self.assertLessEqual(self.lost(after), self.lost(before) + 0.05)

    @staticmethod
    def lost(offered: Offered) -> float:
        return offered.lost / offered.packets

    def test_booked_at_a_rate(self) -> None:
        """Nor do bookings at a rate that is less than it sends, but for what is
        reserved for others and what is left to best effort."""
        net = self.lab.net
        before, fast = traffic.offer(net, "h1", "h2", MUCH, PORT, SECONDS), traffic.transfer(net, "h1", "h2", seconds=SECONDS)
        self.lab.allocate("h1", "h2", bandwidth=BOOKED, protocol="udp", dst_port=PORT)
        self.lab.allocate("h1", "h2", bandwidth=BOOKED, protocol="tcp", dst_port=5201)
        at_first = traffic.offer(net, "h1", "h2", MUCH, PORT, 4 * SECONDS)
        after = self.measure("later", lambda: traffic.offer(net, "h1", "h2", MUCH, PORT, SECONDS),
                             lambda o: self.lost(o) <= self.lost(before) + STEP + 0.05)
        self.note("without bookings %s, with them at first %s", before, at_first)
        least = 0.8 * (fast.mbits - BOOKED / 1e6 - BEST)
        traffic.transfer(net, "h1", "h2", seconds=2 * SECONDS)
        transferred = self.measure("TCP without %s, with" % fast, lambda: traffic.transfer(net, "h1", "h2", seconds=2 * SECONDS),
                                   lambda g: g.mbits >= least)
        self.assertLessEqual(self.lost(after), self.lost(before) + STEP + 0.05)
        self.assertGreaterEqual(transferred.mbits, least)


class Projects(Case):
    """h1 and h3 are the project's of the lab's user, h4 is another's."""

    fills = True
    options = {
        "links": [SHAPED_LINK, AROUND],
        "projects": [{"id": "astro", "members": ["alice"], "addresses": ["10.0.0.1", "10.0.0.3"]},
                     {"id": OTHER, "members": ["alice"], "addresses": ["10.0.0.4"]}],
    }

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED})

    def other(self) -> Client:
        client = self.lab.congad.client()
        client.login("alice", OTHER)
        return client

    def refused(self, client: Client, *ends: str, **optional: object) -> str:
        """The sentence with which a request is refused."""
        with self.assertRaises(ApiError) as refusal:
            client.create(*ends, **optional)
        self.assertIn(refusal.exception.status, (403, 422))
        return "; ".join(refusal.exception.errors)

    def test_another_projects_traffic(self) -> None:
        """Who owns no end gets no path, and little is not taken for much."""
        other = self.other()
        before = traffic.offer(self.lab.net, "h1", "h2", 6, PORT, SECONDS)
        says = self.refused(other, "10.0.0.1", "10.0.0.2", bandwidth=LEAST, protocol="udp", dst_port=PORT)
        self.assertIn("10.0.0.1", says)
        self.assertIn("bandwidth", self.refused(self.lab.api, "10.0.0.1", "10.0.0.2", bandwidth=1))
        after = self.measure("after", lambda: traffic.offer(self.lab.net, "h1", "h2", 6, PORT, SECONDS),
                             lambda o: self.whole(o, before))
        self.note("lost %d of %d before the refusal (%s), %d of %d after", before.lost, before.packets, says, after.lost, after.packets)
        self.assertEqual({}, self.lab.entries())
        self.assertTrue(self.whole(after, before))

    def test_overlap(self) -> None:
        """A project that owns the other end takes no packet from an allocation
        that is there."""
        a = self.lab.allocate("h3", "h4", bandwidth=8_000_000)
        other = self.other()
        b = other.create("10.0.0.3", "10.0.0.4", 600, bandwidth=LEAST, protocol="udp", dst_port=PORT)
        with traffic.flood(self.lab.net, "h1", "h2", FLOOD):
            got = self.measure("beside a flood", lambda: traffic.offer(self.lab.net, "h3", "h4", 6, PORT, SECONDS),
                               lambda o: o.lost <= 0.05 * o.packets)
        details, entries = other.get(b), self.lab.entries()
        other.delete(b)
        self.note("lost %d of %d; the other is %s: %s", got.lost, got.packets, details["state"], details["reason"])
        self.assertEqual("pending", details["state"])
        self.assertGreaterEqual(details["start_time"], self.lab.api.get(a)["end_time"])
        self.assertLessEqual(got.lost, 0.05 * got.packets)
        self.assertEqual({("10.0.0.3", "10.0.0.4"), ("10.0.0.4", "10.0.0.3")},
                         {(e.src, e.dst) for found in entries.values() for e in found})

    def test_overlap_without_a_rate(self) -> None:
        """Nor from one that asked for no rate, where its project owns an end
        as well."""
        a = self.lab.allocate("h3", "h4")
        before = traffic.offer(self.lab.net, "h3", "h4", 20, PORT, SECONDS)
        other = self.other()
        later = [other.create("10.0.0.3", "10.0.0.4", 600, bandwidth=LEAST, protocol="udp", dst_port=PORT + i) for i in range(2)]
        self.note("lost %d of %d before the other asked", before.lost, before.packets)
        after = self.measure("after", lambda: traffic.offer(self.lab.net, "h3", "h4", 20, PORT, SECONDS),
                             lambda o: self.whole(o, before))
        details = [other.get(b) for b in later]
        self.note("lost %d of %d; it is %s", after.lost, after.packets, details[0]["reason"])
        for b in later:
            other.delete(b)
        self.assertEqual(["pending"] * 2, [d["state"] for d in details])
        self.assertEqual("active", self.lab.api.get(a)["state"])
        self.assertTrue(self.whole(after, before))

    @staticmethod
    def whole(after: Offered, before: Offered) -> bool:
        """Reports whether a stream is what it was. Another's allocation at the
        least rate would take 99 of its 100 packets; a machine that is busy takes
        some by itself."""
        return after.lost <= before.lost + 0.2 * after.packets

    def run_command(self, *flags: str) -> "subprocess.Popen[str]":
        """conga run with a command that ends with its input, over h3 -> h4."""
        api = self.lab.api
        return subprocess.Popen(
            [os.environ["CONGA"], "run", "10.0.0.3", "10.0.0.4", "--bandwidth", str(RUN), *flags, "--", "cat"],
            env={**os.environ, "CONGA_SERVER": api.base, "CONGA_KEY": api.key, "CONGA_PROJECT": api.project},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_run_keeps_its_path(self) -> None:
        """What is booked while a command runs comes after it, and at once when
        it ends."""
        self.keeps_its_path("--duration", "10m")

    def test_run_without_a_duration_keeps_its_path(self) -> None:
        """So it does where neither the user nor the project says for how long."""
        self.keeps_its_path()

    def keeps_its_path(self, *flags: str) -> None:
        other = self.other()
        process = self.run_command(*flags)
        try:
            live = until(lambda: [a for a in self.lab.api.list() if a["state"] != "complete"], 15, "the command has a path")
            mine = live[0]["allocation_id"]
            held = self.lab.wait_state(mine, "active")
            later = other.create("10.0.0.1", "10.0.0.4", 600, bandwidth=32_000_000 - RUN + 1)
            planned = other.get(later)
            with traffic.flood(self.lab.net, "h1", "h2", FLOOD):
                kept = self.measure("beside a flood and another's booking", lambda: traffic.transfer(self.lab.net, "h3", "h4", seconds=SECONDS),
                                    lambda g: g.mbits >= KEPT)
            still = self.lab.api.get(mine)["state"]
        finally:
            errors = process.communicate(timeout=30)[1]
        self.assertEqual(0, process.returncode, errors)
        until(lambda: other.get(later)["state"] == "active", 15, "the later one has the room")
        self.note("the other planned %+d s from the end of the run's window", planned["start_time"] - held["end_time"])
        other.delete(later)
        self.assertEqual(("pending", "active"), (planned["state"], still))
        self.assertGreaterEqual(planned["start_time"], held["end_time"])
        self.assertGreaterEqual(kept.mbits, KEPT)
