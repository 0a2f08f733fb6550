"""Whatever is restarted, the daemon or a switch: nothing acknowledged is lost,
established paths go on, and what belongs to others stays."""

from __future__ import annotations

import time
from collections import Counter
from typing import Callable, Dict, List, Tuple

from mininet.topo import Topo

from harness import flows, traffic
from harness.flows import Entry
from harness.lab import BOTTLENECK_LINK
from harness.ovs import ofctl
from harness.wait import passes, until
from topologies import Diamond

from .case import Case, Settings

SHORT, AROUND = ("s1", "s2", "s4"), ("s1", "s3", "s5", "s4")
KILLS = 50
REPAIR = 2.0  # seconds from the return of a switch until it holds what it should
AVOIDED = 6.0  # until a switch that has not come back with the others is avoided
HEAL = 1.0  # and of all, when Open vSwitch has come back
FOREIGN = 0xF0E1  # cookie of somebody else's entry


class Restart(Case):
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    @classmethod
    def begin(cls) -> None:
        super().begin()
        for switch in cls.lab.net.switches:
            cls.add_foreign(switch)

    @staticmethod
    def add_foreign(switch: str) -> None:
        ofctl("add-flow", switch, "cookie=%#x,table=0,priority=1,ip,nw_dst=203.0.113.9,actions=drop" % FOREIGN)

    def tearDown(self) -> None:
        super().tearDown()
        self.foreign_entries_are_there()

    def foreign_entries_are_there(self) -> None:
        for switch in self.lab.net.switches:
            self.assertEqual(1, sum(e.cookie == FOREIGN for e in flows.dump(switch)), "foreign entry on " + switch)

    # The daemon is restarted.

    def survives(self, end: Callable[[], object]) -> None:
        """Ends the daemon and starts it again under traffic; the switches must
        not notice."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        waiting = self.lab.api.create("10.0.0.3", "10.0.0.4", 600, start_time=int(time.time()) + 3600)
        before, began = self.lab.entries(), time.monotonic()
        streams = [traffic.Stream(self.lab.net, "h1", "h2"), traffic.Stream(self.lab.net, "h3", "h4", port=7008)]
        try:
            end()
            time.sleep(1.5)  # without a daemon
            self.lab.restart_congad()
            self.lab.net.wait_connected()
            self.assertEqual("active", self.lab.api.get(a)["state"])
            self.assertEqual("pending", self.lab.api.get(waiting)["state"])
            time.sleep(4)  # for the daemon to do whatever it does to switches that have connected
            after, elapsed = self.lab.entries(), time.monotonic() - began
            allocated, best_effort = [s.finish() for s in streams]
        except BaseException:
            for s in streams:
                s.abandon()
            raise
        self.note("allocated: %d of %d packets lost, slowest %.0f ms; best effort: %d of %d lost",
                  allocated["lost"], allocated["sent"], allocated["worst_ms"], best_effort["lost"], best_effort["sent"])
        self.lab.entries_on(SHORT, "h1", "h2")
        self.untouched(before, after, elapsed)
        self.assertEqual("active", self.lab.api.get(a)["state"])
        self.assertEqual("pending", self.lab.api.get(waiting)["state"])
        self.assertEqual(0, allocated["lost"], allocated)
        self.assertEqual(0, best_effort["lost"], best_effort)

    def untouched(self, before: Dict[str, List[Entry]], after: Dict[str, List[Entry]], elapsed: float) -> None:
        """The same entries, and none of them put in again."""
        self.assertEqual(set(before), set(after))
        for switch in before:
            old = {(e.key, e.cookie, e.actions): e for e in before[switch]}
            new = {(e.key, e.cookie, e.actions): e for e in after[switch]}
            self.assertEqual(set(old), set(new), switch)
            for k, e in new.items():
                self.assertGreater(e.duration, old[k].duration + elapsed - 1.5, "put in again: %s" % e.match)

    def test_daemon_killed_under_traffic(self) -> None:
        self.survives(self.lab.congad.kill)

    def test_daemon_stopped_under_traffic(self) -> None:
        self.survives(self.lab.congad.stop)

    def test_killed_after_every_answer(self) -> None:
        """50 times: an allocation is acknowledged, the daemon killed at once."""
        made: Dict[str, Tuple[int, int]] = {}
        began = time.monotonic()
        for n in range(KILLS):
            port, bandwidth = 10_000 + n, 100_000 + n
            a = self.lab.api.create("10.0.0.1", "10.0.0.2", 3600, protocol="udp", dst_port=port, bandwidth=bandwidth)
            self.lab.congad.kill()
            made[a] = port, bandwidth
            self.lab.restart_congad()
            details = self.lab.api.get(a)
            self.assertEqual((port, bandwidth), (details["dst_port"], details["bandwidth"]))
            self.assertIn(details["state"], ("pending", "active"))
        self.note("%d kills in %.0f s", KILLS, time.monotonic() - began)
        listed = {a["allocation_id"]: (a["dst_port"], a["bandwidth"]) for a in self.lab.api.list()}
        self.assertEqual(made, {a: listed[a] for a in made if a in listed})
        paths = {port: self.lab.path(self.lab.wait_state(a, "active", seconds=30)) for a, (port, _) in made.items()}

        def entries_follow() -> None:
            """Every allocation has its two entries on its path, wherever the
            switches that had connected in time let it go, and nowhere else.
            One of them has those of fragments, which name no port, as well."""
            wanted = Counter({(switch, str(port)): 2 for port, path in paths.items() for switch in path})
            found = Counter((switch, e.field("tp_dst") or e.field("tp_src"))
                            for switch, entries in self.lab.entries().items() for e in entries
                            if e.field("tp_dst") != "0")
            self.assertEqual(wanted, found)

        passes(entries_follow, 10, "entries of all")

    # A switch is restarted.

    def repaired(self, switch: str, wanted: List[Entry]) -> None:
        """Fails unless the switch holds these entries again, apart from what
        best-effort meters and the path's position may have changed."""
        missing = {e.key for e in wanted} - {e.key for e in flows.dump(switch) if e.ours}
        self.assertFalse(missing, "missing on %s" % switch)

    def test_edge_switch_returns(self) -> None:
        """s1 loses its controller and with it all its entries."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        wanted = [e for e in flows.dump("s1") if e.ours]
        self.lab.net.forget_controller("s1")
        until(lambda: not flows.dump("s1"), 5, "s1 is empty")
        time.sleep(1)  # away
        self.lab.net.return_controller("s1")
        self.add_foreign("s1")  # after Open vSwitch has flushed what there was
        took = passes(lambda: self.repaired("s1", wanted), 15, "s1 holds what it should")
        self.note("repaired after %.2f s", took)
        self.lab.wait_state(a, "active")
        self.lab.entries_on(SHORT, "h1", "h2")
        self.lab.wait_reachable(10)
        self.assertLessEqual(took, REPAIR)

    def test_core_switch_returns(self) -> None:
        """s2 does; the allocation may have moved meanwhile, but is on one path."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        wanted = [e for e in flows.dump("s2") if e.ours and e.kind != flows.ALLOCATION]
        self.lab.net.forget_controller("s2")
        until(lambda: not flows.dump("s2"), 5, "s2 is empty")
        time.sleep(1)  # away
        self.lab.net.return_controller("s2")
        self.add_foreign("s2")
        took = passes(lambda: self.repaired("s2", wanted), 15, "s2 holds what it should")
        self.note("repaired after %.2f s", took)
        self.lab.wait_state(a, "active")
        path = SHORT if "s2" in self.lab.entries() else AROUND
        self.note("allocation on %s", "-".join(path))
        passes(lambda: self.lab.entries_on(path, "h1", "h2"), 5, "entries on one path")
        self.lab.wait_reachable(10)
        self.assertLessEqual(took, REPAIR)

    def test_all_switches_return(self) -> None:
        """Open vSwitch itself crashes, and comes back with nothing."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        wanted = {s: [e for e in flows.dump(s) if e.ours and e.kind != flows.ALLOCATION] for s in self.lab.net.switches}
        Settings.switches.restart_switches()
        self.lab.net.wait_connected()
        for switch in self.lab.net.switches:
            self.add_foreign(switch)

        def all_repaired() -> None:
            for switch, entries in wanted.items():
                self.repaired(switch, entries)
            details = self.lab.api.get(a)
            self.assertEqual("active", details["state"])
            self.lab.entries_on(self.lab.path(details), "h1", "h2")

        took = passes(all_repaired, 30, "all switches hold what they should")
        self.note("repaired after %.2f s", took)
        self.lab.wait_reachable()
        self.assertLessEqual(took, HEAL)

    def test_switch_stays_away(self) -> None:
        """s2 dies while the daemon is down, and its neighbours' ports stay up:
        hosts reach each other around it soon after the others have come back,
        and go on when it returns."""
        others = [s for s in self.lab.net.switches if s != "s2"]
        self.lab.congad.kill()
        self.lab.net.forget_controller("s2")
        until(lambda: not flows.dump("s2"), 5, "s2 is empty")
        self.lab.restart_congad()
        try:
            # What Open vSwitch says of it is some seconds old.
            until(lambda: self.lab.api.metric("conga_switches_connected") == len(others), 20, "the others are back")
            took = passes(lambda: self.assertEqual(0, self.lab.net.ping("h1", "h2", wait=1)), 14, "hosts reach each other around it")
            passes(lambda: self.assertEqual([], self.lab.net.ping_all()), 5, "all do")
        finally:
            self.lab.net.return_controller("s2")
            self.add_foreign("s2")
        self.note("around it after %.1f s", took)
        self.assertEqual(0, self.lab.net.ping("h1", "h2", count=200))
        self.lab.net.wait_connected()
        self.lab.wait_reachable(10)
        self.assertLessEqual(took, AVOIDED)

    def test_entries_deleted(self) -> None:
        """Somebody deletes all entries of a connected switch."""
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        times = []
        for switch in SHORT:
            wanted = [e for e in flows.dump(switch) if e.ours]
            ofctl("del-flows", switch)
            times.append(passes(lambda: self.repaired(switch, wanted), 15, "%s holds what it should" % switch))
            self.add_foreign(switch)
        self.note("repaired after %s s", ", ".join("%.2f" % t for t in times))
        self.assertEqual("active", self.lab.api.get(a)["state"])
        self.lab.entries_on(SHORT, "h1", "h2")
        self.lab.wait_reachable(10)
        self.assertLessEqual(max(times), REPAIR)

    def test_z_foreign_entries_are_there_at_the_end(self) -> None:
        self.foreign_entries_are_there()
