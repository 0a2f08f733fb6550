"""A network and the daemon that controls it, for one group of tests."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Set

from mininet.topo import Topo

from . import flows
from .api import Client, Json
from .daemon import OPENFLOW_PORT, PROJECT, USER, Congad
from .network import Network
from .ovs import dump_caches, empty_caches, ofctl
from .wait import passes, until

# The cable that the diamond shapes, and what the daemon is told of it.
BOTTLENECK = "s1-s2"
BOTTLENECK_LINK = {"a": "0000000000000001:3", "b": "0000000000000002:1", "capacity": "100M"}
# What it carries where it is filled. Open vSwitch in userspace forwards by one
# thread, which floods of 200 Mbit/s leave no time on a slow machine: it then drops
# whatever comes, and no test can tell that from a promise not kept.
SHAPED = 40  # Mbit/s
SHAPED_LINK = {**BOTTLENECK_LINK, "capacity": "%dM" % SHAPED}


class Lab:
    """`options` configure the daemon."""

    def __init__(self, topo: Topo, congad: str, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.congad = Congad(congad, directory, **options)
        self.net = Network(topo, OPENFLOW_PORT)
        self.api: Client = Client("")

    def start(self) -> None:
        """Starts the network, then the daemon, and waits until hosts reach each
        other."""
        self.net.start()
        self.start_congad()
        self.net.wait_connected()
        self.wait_reachable(40)

    def start_congad(self) -> None:
        """Starts the daemon and logs in."""
        self.congad.start()
        self.api = self.congad.client()
        self.api.login(USER, PROJECT)

    def wait_reachable(self, seconds: float = 15, families: Iterable[bool] = (False, True)) -> None:
        """Waits until all hosts reach each other, with IPv4 and IPv6 unless told.

        Open vSwitch before 3.1.3 may go on dropping what its entries forward
        (findings/ovs-changed-entry.sh), so its caches are emptied, once and not in
        silence, when half the time is over."""
        stale = time.monotonic() + seconds / 2
        emptied = False

        def reachable() -> None:
            nonlocal emptied
            self.congad.must_run()
            if not emptied and time.monotonic() > stale:
                emptied = True
                print("     the caches of all switches are emptied: hosts do not reach each other", flush=True)
                empty_caches()
            for v6 in families:
                lost = self.net.ping_all(v6)
                assert not lost, "IPv%d does not reach: %s" % (6 if v6 else 4, lost)

        passes(reachable, seconds, "all hosts reach each other")

    def restart_congad(self) -> None:
        """Starts the daemon again; the key that we have goes on."""
        self.congad.start()

    def stop(self) -> None:
        try:
            self.congad.stop()
        finally:
            self.net.stop()

    def allocate(self, src: str, dst: str, duration: int = 3600, v6: bool = False, wait: float = 15,
                 **optional: Any) -> str:
        """Allocates between two hosts and waits until the allocation is active."""
        a = self.api.create(self.net.address(src, v6), self.net.address(dst, v6), duration, **optional)
        self.wait_state(a, "active", wait)
        return a

    def wait_state(self, allocation: str, state: str, seconds: float = 15) -> Json:
        """Waits until an allocation is in this state and returns its details."""

        def reached() -> Json:
            details = self.api.get(allocation)
            assert details["state"] == state, details
            return details

        return until(reached, seconds, "allocation is " + state)

    def path(self, details: Json) -> List[str]:
        """The switches of an allocation's path, by name."""
        names = {self.net.topo.nodeInfo(s)["dpid"]: s for s in self.net.switches}
        return [names[hop["dpid"]] for hop in details["path"]]

    def wait_links(self, seconds: float = 15) -> None:
        """Waits until the daemon knows every link between switches, both ways."""
        wanted = 2 * sum(1 for a, b in self.net.topo.links() if self.net.topo.isSwitch(a) and self.net.topo.isSwitch(b))
        until(lambda: self.api.metric("conga_links") == wanted, seconds, "all %d links are known" % wanted)

    def release_all(self) -> None:
        """Deletes every allocation and waits until the switches are clear."""
        for a in self.api.list():
            self.api.delete(a["allocation_id"])
        passes(self.no_entries, 15, "no allocation has entries")

    def entries(self) -> Dict[str, List[flows.Entry]]:
        """The allocations' entries in the whole network, by switch."""
        return flows.allocated(self.net.switches)

    def no_entries(self) -> None:
        left = self.entries()
        assert not left, "entries of allocations left: %s" % left

    def entries_on(self, path: Iterable[str], src: str, dst: str, v6: bool = False, per_switch: int = 2) -> None:
        """Fails unless exactly the switches on the path hold entries of
        allocations: `per_switch` each, with as many in either direction, and
        those of path MTU messages, which are from anywhere."""
        wanted: Set[str] = set(path)
        found = self.entries()
        assert set(found) == wanted, "entries on %s, wanted on %s" % (sorted(found), sorted(wanted))
        ends = self.net.address(src, v6), self.net.address(dst, v6)
        for switch, entries in found.items():
            forth = [e for e in entries if (e.src, e.dst) == ends]
            back = [e for e in entries if (e.dst, e.src) == ends]
            entries = [e for e in entries if e.src]
            assert len(entries) == per_switch and len(forth) == len(back) == per_switch // 2, (switch, entries)

    def packets(self, settle: float = 1.2, within: float = 10) -> int:
        """Packets that the allocations' entries have counted, once that number
        stands still: the switches count with a delay."""
        deadline = time.monotonic() + within
        last = -1
        while True:
            now = sum(e.packets for entries in self.entries().values() for e in entries)
            if now == last or time.monotonic() > deadline:
                return now
            last = now
            time.sleep(settle)

    def diagnose(self, directory: Path) -> str:
        """Writes what the switches and the daemon say into a directory, and
        returns a summary."""
        directory.mkdir(parents=True, exist_ok=True)
        try:
            text = dump_caches()
        except Exception as e:  # whatever is broken, the rest still tells something
            text = str(e)
        (directory / "caches").write_text(text)
        for switch, command in itertools.product(
                self.net.switches, ("dump-flows", "dump-meters", "meter-stats", "dump-ports", "show")):
            try:
                text = ofctl(command, switch)
            except Exception as e:
                text = str(e)
            (directory / ("%s.%s" % (switch, command))).write_text(text)
        for name, command in (("neighbours", ("ip", "neigh")), ("neighbours6", ("ip", "-6", "neigh"))):
            told = ["%s\n%s" % (h, self.net.popen(h, *command).communicate(timeout=10)[0]) for h in self.net.hosts]
            (directory / name).write_text("\n".join(told))
        allocations: Optional[object] = None
        for path in ("links", "switches"):
            try:
                (directory / path).write_text("\n".join(str(x) for x in self.api.call("GET", "/" + path)))
            except Exception as e:
                (directory / path).write_text(str(e))
        try:
            allocations = self.api.list()
        except Exception as e:
            allocations = e
        if self.congad.log.exists():
            (directory / "congad.log").write_bytes(self.congad.log.read_bytes())
        (directory / "allocations").write_text(str(allocations))
        return "allocations: %s\nlast lines of congad:\n%s\nmore in %s" % (
            allocations, self.congad.tail(15) if self.congad.log.exists() else "", directory)
