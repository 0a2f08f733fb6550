"""Where the flow entries of an allocation are, and when."""

from __future__ import annotations

import time

from mininet.topo import Topo

from harness.api import ApiError
from harness.lab import BOTTLENECK_LINK
from harness.wait import passes, until
from topologies import Diamond

from .case import Case

SHORT = ("s1", "s2", "s4")
GONE = 5.0  # seconds for entries to be taken out


class Life(Case):
    options = {"links": [BOTTLENECK_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def gone(self, seconds: float = GONE) -> None:
        self.note("entries gone after %.1f s", passes(self.lab.no_entries, seconds, "no allocation has entries"))

    def test_active_then_deleted(self) -> None:
        a = self.lab.allocate("h1", "h2", bandwidth=40_000_000)
        self.lab.entries_on(SHORT, "h1", "h2")  # at once: active means that they are in
        for entry in (e for entries in self.lab.entries().values() for e in entries):
            self.assertIn("in_port=", entry.match)
            self.assertRegex(entry.actions, r"ip_dscp|mod_nw_tos")
        details = self.lab.api.get(a)
        self.assertEqual(details["start_time"] + 3600, details["end_time"])
        self.assertEqual(("10.0.0.1", "10.0.0.2"), (details["src_ip"], details["dst_ip"]))
        self.assertEqual([None, None], [details["src_port"], details["dst_port"]])
        self.lab.api.delete(a)
        self.gone()
        details = self.lab.api.get(a)
        self.assertEqual("complete", details["state"])
        self.assertTrue(details["reason"].startswith("released by "), details)
        self.lab.api.delete(a)  # out of the history
        with self.assertRaises(ApiError) as refused:
            self.lab.api.get(a)
        self.assertEqual(404, refused.exception.status)
        self.assertEqual(0, self.lab.net.ping("h1", "h2", count=5))

    def test_expires(self) -> None:
        a = self.lab.allocate("h1", "h2", duration=4)
        self.lab.entries_on(SHORT, "h1", "h2")
        end = self.lab.api.get(a)["end_time"]
        details = self.lab.wait_state(a, "complete")
        self.lab.no_entries()  # at once: complete means that they are out
        self.note("complete %.1f s after its end", time.time() - end)
        self.assertEqual(details["end_time"] - details["start_time"], 4)
        self.assertGreaterEqual(time.time(), end)

    def test_shortened(self) -> None:
        """A shorter duration moves the end, also of an active allocation."""
        a = self.lab.allocate("h1", "h2")
        began = self.lab.api.get(a)["start_time"]
        duration = int(time.time()) - began + 3
        updated = self.lab.api.update(a, duration=duration)
        self.assertEqual(began + duration, updated["end_time"])
        self.lab.entries_on(SHORT, "h1", "h2")
        self.lab.wait_state(a, "complete")
        self.lab.no_entries()

    def test_expires_while_the_daemon_is_down(self) -> None:
        a = self.lab.allocate("h1", "h2", duration=4)
        end = self.lab.api.get(a)["end_time"]
        self.lab.congad.kill()
        until(lambda: time.time() > end + 1, 10, "the window ends")
        self.lab.entries_on(SHORT, "h1", "h2")  # nobody has touched them
        self.lab.restart_congad()
        self.lab.wait_state(a, "complete")
        self.gone()

    def test_moved_by_an_update(self) -> None:
        """Another destination moves the entries."""
        a = self.lab.allocate("h1", "h2")
        updated = self.lab.api.update(a, dst_ip=self.lab.net.address("h3"))
        self.assertEqual("10.0.0.3", updated["dst_ip"])
        passes(lambda: self.lab.entries_on(("s1",), "h1", "h3"), 10, "entries on s1 only")
        self.lab.wait_state(a, "active")

    def test_address_not_seen_yet(self) -> None:
        """Accepted, pending with a reason, and active once the host speaks."""
        a = self.lab.api.create("10.0.0.1", "10.0.0.66")
        details = self.lab.api.get(a)
        self.assertEqual("pending", details["state"])
        self.assertIn("10.0.0.66", details.get("reason") or "")
        self.note("reason: %s", details["reason"])
        self.lab.no_entries()
        self.lab.net.popen("h4", "ip", "addr", "add", "10.0.0.66/24", "dev", "h4-eth0").communicate()
        try:
            self.lab.net.popen("h4", "ping", "-n", "-c", "1", "-W", "2", "-I", "10.0.0.66", "10.0.0.3").communicate()
            began = time.monotonic()
            self.lab.wait_state(a, "active")
            self.note("active %.1f s after its first packet", time.monotonic() - began)
            self.assertEqual({"s1", "s2", "s4"}, set(self.lab.entries()))
        finally:
            self.lab.net.popen("h4", "ip", "addr", "del", "10.0.0.66/24", "dev", "h4-eth0").communicate()
