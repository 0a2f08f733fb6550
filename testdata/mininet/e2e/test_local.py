"""The machine that a switch runs on, with an address on its bridge."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from mininet.topo import Topo

from harness import traffic
from harness.daemon import OPENFLOW_PORT
from harness.ovs import run, vsctl
from harness.wait import until
from topologies import Line

from .case import Case

BRIDGE = "10.0.0.200"
DOOR = str(Path(__file__).parent.parent / "harness" / "door.py")


def ping(address: str, count: int = 5) -> int:
    """Sends pings from the bridge and returns how many were lost."""
    argv = ["ping", "-n", "-q", "-c", str(count), "-i", "0.1", "-W", "2", "-I", BRIDGE, address]
    out = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    words = next(line for line in out.splitlines() if "packets transmitted" in line).split()
    return int(words[0]) - int(words[3])


class Local(Case):
    @classmethod
    def topo(cls) -> Topo:
        return Line(2, 2)

    @classmethod
    def begin(cls) -> None:
        cls.lab.net.start()
        # All bridges here are one machine's, which would answer on each of them.
        run(["sysctl", "-q", "net.ipv4.conf.all.arp_ignore=1"])
        for switch in cls.lab.net.switches:
            run(["ip", "link", "set", switch, "up"])
        run(["ip", "addr", "add", BRIDGE + "/24", "dev", "s1"])
        cls.connect()
        cls.lab.start_congad()
        cls.lab.net.wait_connected()
        cls.lab.wait_reachable(40)

    @classmethod
    def connect(cls) -> None:
        """Says by what way switches come to the controller."""

    def bridges(self) -> set:
        """The switches whose own network stack is known as a host."""
        return set(re.findall(r'msg="host found".* at=(\w+):LOCAL ', self.lab.congad.log.read_text()))

    def test_reached(self) -> None:
        """The bridge and the hosts reach each other, the bridge is a host at
        LOCAL, and bridges without an address are none."""
        net = self.lab.net
        lost = sum(ping(net.address(h)) for h in net.hosts)
        back = 0
        for h in net.hosts:
            out, _ = net.popen(h, "ping", "-n", "-q", "-c", "5", "-i", "0.1", "-W", "2", BRIDGE).communicate(timeout=20)
            back += 0 if " 0% packet loss" in out else 1
        self.note("%d of %d pings lost", lost, 5 * len(net.hosts))
        self.assertEqual((lost, back), (0, 0))
        self.assertEqual(self.bridges(), {"0000000000000001"})

    def test_allocation(self) -> None:
        """An allocation from the bridge holds its entries at LOCAL, and
        they carry it."""
        net = self.lab.net
        until(lambda: ping(net.address("h3")) == 0, 10, "the bridge is found")
        a = self.lab.api.create(BRIDGE, net.address("h3"), 3600, bandwidth=10_000_000)
        self.lab.wait_state(a, "active")
        self.assertEqual(ping(net.address("h3"), 20), 0)
        packets = self.lab.packets()
        self.note("%d packets counted by entries", packets)
        self.assertGreaterEqual(packets, 80)  # there and back, on two switches
        for found in self.lab.entries()["s1"]:
            self.assertGreaterEqual(found.packets, 20, found)


class InBand(Local):
    """The switches reach their controller, which is behind h1, over the bridge
    of s1 and its port to h1."""

    @classmethod
    def connect(cls) -> None:
        net, path = cls.lab.net, str(cls.lab.directory / "door")
        inside = subprocess.Popen([sys.executable, DOOR, "unix", path, "127.0.0.1", str(OPENFLOW_PORT)],
                                  stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(traffic.end, inside)
        assert inside.stdout and inside.stdout.readline() == "ready\n"
        controller = net.address("h1")
        outside = net.popen("h1", sys.executable, DOOR, "tcp", controller, str(OPENFLOW_PORT), path)
        cls.addClassCleanup(traffic.end, outside)
        assert outside.stdout and outside.stdout.readline() == "ready\n"
        net.target = "tcp:%s:%d" % (controller, OPENFLOW_PORT)
        for switch in net.switches:
            vsctl("remove", "Bridge", switch, "other_config", "disable-in-band")  # as Mininet has it
            vsctl("set-controller", switch, net.target, "--", "set", "Controller", switch, "max_backoff=1000",
                  "connection_mode=in-band")

    def test_control(self) -> None:
        """The switches keep their controller while an allocation is between
        the two, and come back to it after it was restarted."""
        net = self.lab.net
        until(lambda: ping(net.address("h1")) == 0, 10, "the bridge is found")
        a = self.lab.api.create(BRIDGE, net.address("h1"), 3600, bandwidth=1_000_000)
        self.lab.wait_state(a, "active")
        for _ in range(20):
            self.assertTrue(net.connected())
            time.sleep(0.2)
        self.lab.congad.stop()
        until(lambda: not net.connected(*net.switches[:1]), 10, "the connection has ended")
        began = time.monotonic()
        self.lab.restart_congad()
        net.wait_connected()
        self.note("connected %.1f s after a restart", time.monotonic() - began)
        self.lab.wait_state(a, "active")
        self.assertEqual(ping(net.address("h3")), 0)
