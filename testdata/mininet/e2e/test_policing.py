"""What is admitted is all that an allocation gets, however often it asks."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Dict, List, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, BOTTLENECK_LINK
from harness.wait import until
from topologies import Diamond

from .case import Case

RATE = 2_000_000  # allocated
OFFERED = 6  # Mbit/s of UDP payload
OTHER = 7_100_000  # what another has, so that nothing is left to be lent
SECONDS = 5  # of a stream
CHANGES = 30  # in four seconds of it
BURST = 650_000  # bits: 0.3 s of RATE, and two small ones
PORT = 5203


class Policing(Case):
    """h1 -> h2 has an allocation that is policed, since h3 -> h4 shares s1-s2."""

    fills = True
    options = {"links": [{**BOTTLENECK_LINK, "capacity": "10M"}], "reservable": 0.99}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: 100})

    def change(self, allocation: str, less: int) -> None:
        """Changes the bandwidth to and fro."""
        began = time.monotonic()
        for n in range(CHANGES):
            self.lab.api.update(allocation, bandwidth=RATE - less * (1 - n % 2))
            time.sleep(max(0.0, began + (n + 1) * 4 / CHANGES - time.monotonic()))

    def test_asking_again(self) -> None:
        self.lab.allocate("h3", "h4", bandwidth=OTHER)
        a = self.lab.allocate("h1", "h2", bandwidth=RATE, protocol="udp", dst_port=PORT)
        time.sleep(5)  # the burst that the meter begins with is paid for
        offered = [traffic.offer(self.lab.net, "h1", "h2", OFFERED, PORT, SECONDS)]
        self.note("left alone %s", offered[0])
        for less in 1_000, 100_000:
            changing = threading.Thread(target=self.change, args=(a, less))
            changing.start()
            try:
                offered.append(traffic.offer(self.lab.net, "h1", "h2", OFFERED, PORT, SECONDS))
            finally:
                changing.join()
            self.note("with %d changes by %d %s", CHANGES, less, offered[-1])
            time.sleep(4)
        sent, lost = sum(o.packets for o in offered), sum(o.lost for o in offered)
        entered, told = self.counted(a, sent)
        unseen = sent - entered  # on the way to the switch, where other work keeps the machine busy
        self.note("%d of %d packets lost, %d before the switch, %d told", lost, sent, unseen, told)
        for o in offered:
            self.assertLessEqual(o.arrived_bits, 1.03 * RATE * o.seconds + BURST)
            self.assertGreaterEqual(o.arrived_bits, 0.5 * RATE * o.seconds)  # less on a machine with other work
        self.assertLessEqual(unseen, 0.1 * sent)
        self.assertAlmostEqual(told, lost - unseen, delta=0.02 * lost)

    def counted(self, allocation: str, sent: int) -> Tuple[int, int]:
        """How many packets are told to have come in and been dropped, once all
        that were sent have, or nothing is added for ten seconds."""
        seen: List[Tuple[int, int]] = []
        while len(seen) < 20 or seen[-1] != seen[-20]:
            totals: Dict[str, Any] = self.lab.api.call("GET", "/api/stats/allocations/" + allocation)[0]["forward"]
            seen.append((totals["entered"]["packets"], totals["dropped"]["packets"]))
            if seen[-1][0] >= sent:
                break
            time.sleep(0.5)
        return seen[-1]


class Receipts(Case):
    """What the hosts counted is in the receipt."""

    fills = alone = True

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: 100})

    def test_released(self) -> None:
        a = self.lab.allocate("h1", "h2", bandwidth=20_000_000, protocol="udp", dst_port=PORT)
        time.sleep(2)
        offered = traffic.offer(self.lab.net, "h1", "h2", 10, PORT, 2 * SECONDS)
        self.lab.api.delete(a)
        receipt: Dict[str, Any] = until(lambda: self.final(a), 40, "the receipt is final")
        self.note("%d packets of %d bytes sent, %d lost: %s", offered.packets, offered.size, offered.lost, receipt["forward"])
        forward, size = receipt["forward"], offered.size
        for way, least in ("entered", offered.packets), ("delivered", offered.packets - offered.lost):  # a busy receiver loses some itself
            self.assertGreaterEqual(forward[way]["packets"], 0.98 * least)
            self.assertLessEqual(forward[way]["packets"], 1.02 * offered.packets)
            self.assertGreaterEqual(forward[way]["bytes"], 0.98 * least * size)
            self.assertLessEqual(forward[way]["bytes"], 1.02 * offered.packets * size)
        self.assertEqual((receipt["moves"], receipt["degraded_seconds"], receipt["degraded"]), (0, 0, []))
        had = receipt["had"]["end_time"] - receipt["had"]["start_time"]
        self.assertAlmostEqual(forward["mean_rate"], 8 * forward["delivered"]["bytes"] / had, delta=1)

    def test_released_at_once(self) -> None:
        """What came just before an allocation is released is in its receipt, though
        the switches read what their entries count each half second."""
        for _ in range(2):
            a = self.lab.allocate("h1", "h2", bandwidth=20_000_000, protocol="udp", dst_port=PORT)
            sender = self.lab.net.probe("h1", "source", self.lab.net.address("h2"), PORT, 300, 1000, 0.001)
            try:
                assert sender.stdout
                sent = json.loads(sender.stdout.readline())["sent"]
            finally:
                traffic.end(sender)
            self.lab.api.delete(a)
            forward = until(lambda: self.final(a), 40, "the receipt is final")["forward"]
            self.note("%d sent, %d entered, %d delivered", sent, forward["entered"]["packets"], forward["delivered"]["packets"])
            self.assertEqual([sent, sent], [forward[way]["packets"] for way in ("entered", "delivered")])

    def final(self, allocation: str) -> Any:
        receipt = self.lab.api.call("GET", "/api/v1/allocations/" + allocation)[0]["receipt"]
        return receipt if receipt is not None and receipt["final"] else None
