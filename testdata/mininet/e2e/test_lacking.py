"""A switch that has no room for all that best effort needs, and a port with
more hosts than are learned."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from mininet.topo import Topo

from harness import flows, traffic
from harness.api import ApiError
from harness.ovs import vsctl
from harness.wait import passes, until
from topologies import Line

from .case import Case

TABLE, ROOM = 2, 9  # the table of hosts, and how many entries it takes in s2: not one for each host
CROWDED = 100  # Mbit/s that a host gets that is not learned; by the controller's meter it would be 14


class Lacking(Case):
    @classmethod
    def topo(cls) -> Topo:
        return Line(n=3, k=3)

    def setUp(self) -> None:
        super().setUp()
        vsctl("--", "--id=@t", "create", "Flow_Table", "flow_limit=%d" % ROOM, "overflow_policy=refuse",
              "--", "set", "Bridge", "s2", "flow_tables:%d=@t" % TABLE)
        self.addCleanup(vsctl, "clear", "Bridge", "s2", "flow_tables")

    def switch(self) -> Dict[str, Any]:
        try:
            return self.lab.congad.operator().call("GET", "/api/switches/0000000000000002")[0]
        except ApiError as e:
            raise AssertionError("not yet: %s" % e) from None

    def limitations(self) -> List[str]:
        with self.lab.api.opener.open(self.lab.api.base + "/readyz", timeout=5) as answer:
            parts = json.loads(answer.read())["parts"]
        return [l for p in parts for l in p.get("limitations", [])]

    def degraded(self) -> None:
        """Fails unless the switch's ports are open, and it says what it lacks,
        in its resource, in /readyz and in a metric."""
        sw = self.switch()
        assert all(p["role"] != "undetermined" for p in sw["ports"] if p["up"]), sw["ports"]
        assert any("full" in l for l in sw["limitations"]), sw["limitations"]
        assert any("0000000000000002" in l for l in self.limitations()), self.limitations()
        assert self.lab.api.metric('conga_switch_limitations{dpid="0000000000000002"}') > 0

    def test_full_table(self) -> None:
        """A switch that has lost its entries and has room for some of them only
        opens its ports, carries best effort and allocations, and says so, over
        restarts of the daemon."""
        for when in "its return", "a restart":
            if when == "a restart":
                self.lab.congad.kill()
                self.lab.restart_congad()
            else:
                self.lab.net.forget_controller("s2")
                until(lambda: not flows.dump("s2"), 5, "s2 is empty")
                self.lab.net.return_controller("s2")
            self.lab.net.wait_connected()
            self.note("%s: it says so after %.1f s", when, passes(self.degraded, 20, "it is degraded"))
            self.lab.wait_reachable(20)
            a = self.lab.allocate("h1", "h7", bandwidth=10_000_000)
            self.assertEqual(0, self.lab.net.ping("h1", "h7", count=50))
            self.lab.api.delete(a)
            passes(self.lab.no_entries, 15, "its entries are gone")
        self.assertLessEqual(len([e for e in flows.dump("s2") if e.table == TABLE]), ROOM)


class Crowded(Case):
    """One host is learned at a port, and no more for a while."""

    fills = True
    options = {"learning": {"hosts_per_port": 1, "addresses_per_host": 64, "silence": "10m"}}

    @classmethod
    def topo(cls) -> Topo:
        return Line(n=2, k=1)

    def test_many_hosts_at_a_port(self) -> None:
        """What comes from a host that finds no room among those that are learned
        is carried as fast as the rest, and it is counted and said."""
        net = self.lab.net
        first = traffic.transfer(net, "h1", "h2", seconds=3)
        net.host("h1").cmd("ip link set h1-eth0 address 02:09:00:00:00:07")  # as another host behind that port
        self.addCleanup(net.host("h1").cmd, "ip link set h1-eth0 address 02:00:00:00:00:01")
        net.probe("h1", "announce", "h1-eth0", net.address("h1"), 1, 0).communicate(timeout=10)
        until(lambda: net.ping("h1", "h2") == 0, 20, "it reaches the other")

        def crowded() -> None:
            ports = self.lab.congad.operator().call("GET", "/api/switches/0000000000000001")[0]["ports"]
            limit = next(p["limitation"] for p in ports if p["port"] == 1) or ""
            assert "network.learning.hosts_per_port" in limit, limit
            assert self.lab.api.metric('conga_hosts_unlearned_total{bound="port"}') > 0

        passes(crowded, 10, "the port says that it has more hosts")
        second = self.measure("learned %s, not learned" % first, lambda: traffic.transfer(net, "h1", "h2", seconds=3),
                              lambda got: got.mbits >= CROWDED)
        self.assertGreaterEqual(second.mbits, CROWDED)
