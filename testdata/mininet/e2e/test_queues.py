"""A queue that the switch does not use is found, said, and not promised with."""

from __future__ import annotations

from typing import Any, Dict

from mininet.topo import Topo

from harness import traffic
from harness.ovs import vsctl
from harness.wait import passes, until
from topologies import Line

from .case import Case

QUEUE = 5
TRUNK = "s1-eth2"
DPID = "%016x" % 1


class Queues(Case):
    """h1 -> h2 over a trunk with queues, in a datapath that sends all by queue 0."""

    fills = True
    options = {"priority": {"queue": QUEUE}}

    @classmethod
    def topo(cls) -> Topo:
        return Line(2, 1)

    @classmethod
    def begin(cls) -> None:
        cls.lab.start()
        cls.lab.wait_reachable()
        vsctl("--", "set", "port", TRUNK, "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb",
              "other-config:max-rate=100000000", "queues:0=@q0", "queues:%d=@q5" % QUEUE,
              "--", "--id=@q0", "create", "queue", "other-config:max-rate=100000000",
              "--", "--id=@q5", "create", "queue", "other-config:min-rate=50000000")
        cls.addClassCleanup(lambda: vsctl("--", "clear", "port", TRUNK, "qos"))
        cls.lab.congad.stop()
        cls.lab.restart_congad()
        until(lambda: cls.lab.api.metric("conga_switches_connected") == 2, 20, "the switches are back")
        cls.lab.wait_reachable()

    def switch(self) -> Dict[str, Any]:
        """The switch with the queues, as its resource shows it."""
        found: Dict[str, Any] = self.lab.congad.operator().call("GET", "/api/switches/" + DPID)[0]
        return found

    def test_unused(self) -> None:
        ports = {p["name"]: p["queue"] for p in self.switch()["ports"]}
        self.assertEqual(ports[TRUNK], QUEUE, ports)
        self.assertFalse([l for l in self.switch()["limitations"] if "queue" in l])
        a = self.lab.allocate("h1", "h2", bandwidth=5_000_000)
        self.assertIsNone(self.lab.api.get(a)["reason"])
        offered = traffic.offer(self.lab.net, "h1", "h2", 4, 5207, 3)

        def said() -> str:
            return "".join(l for l in self.switch()["limitations"] if "queue" in l)

        limitation = until(said, 40, "the queue is found not to be used")
        self.note("%s; %s", offered, limitation)
        self.assertIn("by another queue than %d at port 2" % QUEUE, limitation)

        def remarked() -> None:
            reason = self.lab.api.get(a)["reason"]
            assert reason and "does not use queue %d at port 2" % QUEUE in reason, reason

        passes(remarked, 10, "the allocation says so")
        log = self.lab.congad.log.read_text()
        self.assertEqual(log.count("by another queue than"), 1)
        self.unclaimed(a)
        self.lab.api.delete(a)

    def unclaimed(self, allocation: str) -> None:
        """Fails if the statistics claim what was delivered or dropped."""
        told: Dict[str, Any] = self.lab.api.call("GET", "/api/stats/allocations/" + allocation)[0]["forward"]
        self.assertIsNone(told["delivered"]["packets"], told)
        self.assertIsNone(told["dropped"]["packets"], told)
        self.assertGreater(told["entered"]["packets"], 100, told)
