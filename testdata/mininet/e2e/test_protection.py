"""A protected allocation has a second path in the switches, to which they turn
without the controller."""

from __future__ import annotations

import os
import signal
import threading
from typing import Callable, List, Optional, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.ovs import ofctl
from harness.wait import passes, until
from topologies import Diamond

from .case import Case

RATE = 1000  # packets a second
LOST = 10  # of these at most when a link goes down
SHORT, AROUND = ["s1", "s2", "s4"], ["s1", "s3", "s5", "s4"]


class Protection(Case):
    long = True

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def setUp(self) -> None:
        super().setUp()
        self.allocation = self.lab.allocate("h1", "h2", bandwidth=40_000_000, protection="path")

    def paths(self) -> Tuple[object, object, Optional[str], str]:
        details = self.lab.api.get(self.allocation)
        return self.lab.path(details), self.lab.path({"path": details["backup_path"]}), details["carried_by"], details["state"]

    def carried(self, by: str, seconds: float = 10) -> float:
        """Waits until it is carried by one of its paths, which stay the same."""

        def is_so() -> None:
            self.assertEqual((SHORT, AROUND, by, "active"), self.paths())

        return passes(is_so, seconds, "it is carried by its " + by)

    def stream(self, seconds: float, change: Callable[[], object], after: float = 1) -> int:
        """Sends from h1 to h2, changes something meanwhile, and returns how many
        packets were lost."""
        timer = threading.Timer(after, change)
        timer.start()
        try:
            sent, arrived = traffic.arrivals(
                self.lab.net, ("h2", "sink", "7100"),
                ("h1", "source", self.lab.net.address("h2"), 7100, int(seconds * RATE), 64, 1 / RATE))
        finally:
            timer.cancel()
            timer.join()
        return sent - arrived

    def test_both_are_shown_and_held(self) -> None:
        """Groups are where the paths part, and go with the allocation; another
        program's group stays."""
        self.carried("path")
        ofctl("add-group", "s1", "group_id=7,type=all,bucket=output:1")
        for switch in "s1", "s4":
            self.assertEqual(1, ofctl("dump-groups", switch).count("type=ff"), switch)
        for switch in "s2", "s3", "s5":
            self.assertEqual(0, ofctl("dump-groups", switch).count("type=ff"), switch)
        ofctl("del-groups", "s4")  # with the entry that leads there
        until(lambda: ofctl("dump-groups", "s4").count("type=ff") == 1, 5, "the group is back")
        self.lab.net.ping("h1", "h2")
        self.lab.api.delete(self.allocation)
        until(lambda: ofctl("dump-groups", "s4").count("type=ff") == 0, 5, "the group has gone")
        until(lambda: ofctl("dump-groups", "s1").count("type=ff") == 0, 5, "the group has gone")
        self.assertEqual(1, ofctl("dump-groups", "s1").count("group_id=7,"))
        ofctl("del-groups", "s1", "group_id=7")

    def test_without_the_controller(self) -> None:
        """The link of the path goes down and returns while the daemon is
        stopped. What a busy machine adds is why there are several tries; what is
        lost on a return is excused once."""
        self.carried("path")
        process = self.lab.congad.process
        assert process

        returns: List[int] = []

        def lost() -> Tuple[int, int]:
            os.kill(process.pid, signal.SIGSTOP)
            try:
                down = self.stream(2, lambda: self.lab.net.set_link("s1-eth3", False))
                returns.append(self.stream(2, lambda: self.lab.net.set_link("s1-eth3", True)))
                return down, returns[-1]
            finally:
                self.lab.net.set_link("s1-eth3", True)
                os.kill(process.pid, signal.SIGCONT)
                self.carried("path", 30)

        # Each try is short: switches drop a controller that is silent.
        down, back = self.measure("lost of %d packets when the link went down, and when it returned:" % (2 * RATE), lost,
                                  lambda got: got[0] <= LOST and got[1] == 0, tries=6)
        self.assertLessEqual(down, LOST)
        self.assertEqual(0, back)
        self.assertLessEqual(sum(n > 0 for n in returns), 1, returns)

    def test_with_the_controller(self) -> None:
        """The daemon follows, and goes back once the path has been whole for ten
        seconds; nothing is lost on the way back."""
        self.carried("path")
        lost = self.stream(2, lambda: self.lab.net.set_link("s1-eth3", False))
        try:
            followed = self.carried("backup_path")
            back = self.stream(14, lambda: self.lab.net.set_link("s1-eth3", True))
            reverted = self.carried("path")
        finally:
            self.lab.net.set_link("s1-eth3", True)
        self.note("lost %d packets, and %d on the way back; followed after %.2f s, was back after 13 s and %.2f", lost, back, followed, reverted)
        self.assertEqual(0, back)

    def test_daemon_killed(self) -> None:
        """A restart changes nothing, be it on the path or on its backup."""
        self.carried("path")

        def again() -> None:
            self.lab.congad.kill()
            self.lab.restart_congad()

        lost = [self.stream(6, again)]
        self.lab.net.wait_connected()
        self.carried("path")
        self.lab.net.set_link("s1-eth3", False)
        try:
            self.carried("backup_path")
            lost.append(self.stream(6, again))
            self.lab.net.wait_connected()
            self.carried("backup_path", 20)
        finally:
            self.lab.net.set_link("s1-eth3", True)
        self.carried("path", 30)
        self.note("lost %s of %d packets", lost, 6 * RATE)
        self.assertEqual([0, 0], lost)

    def test_a_cut_that_no_switch_sees(self) -> None:
        """The far end of the path is cut: the controller turns to the backup."""
        self.carried("path")
        lost = self.stream(3, lambda: self.lab.net.set_link("s4-eth3", False))
        try:
            self.carried("backup_path")
            until(lambda: not self.lab.net.ping("h1", "h2"), 10, "hosts reach each other")
        finally:
            self.lab.net.set_link("s4-eth3", True)
        self.note("lost %d of %d packets", lost, 3 * RATE)
        self.assertLess(lost, RATE)
