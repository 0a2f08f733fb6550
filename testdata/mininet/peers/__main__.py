"""Measures the first ping between all pairs of hosts with several controllers,
or those that are named, and prints a line of JSON for each:

    {"controller": "congad", "pairs": 992, "lost": 0, "cpu_s": 0.0463, "seconds": 1.4, "idle_cpu_s": 0.0152}

cpu_s is what the controller used from the first ping to the last answer, seconds
how long that took, and idle_cpu_s what it uses in as long without any ping.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

from harness.daemon import OPENFLOW_PORT, PROJECT, USER, Congad
from harness.network import Network
from harness.ovs import OpenVSwitch
from harness.wait import until
from topologies import Line

SETTLE = 3  # seconds between the last switch's connection and the first ping


def cpu(pid: int) -> float:
    """Seconds that the threads of a process have used, to the nanosecond, where
    /proc/PID/stat counts in ticks of a hundredth of a second."""
    return sum(int(p.read_text().split()[0]) for p in Path("/proc/%d/task" % pid).glob("*/schedstat")) / 1e9


class Peer:
    """A controller that is a command."""

    def __init__(self, argv: List[str], log: Path) -> None:
        self.argv, self.log = argv, log
        self.process: Optional["subprocess.Popen[bytes]"] = None

    def start(self) -> None:
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=str(self.log.parent))

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def ready(self) -> bool:
        return True

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Ours:
    """congad, which is ready when it knows all links."""

    def __init__(self, binary: str, directory: Path, links: int) -> None:
        self.congad, self.links = Congad(binary, directory), links

    def start(self) -> None:
        self.congad.start()
        self.api = self.congad.client()
        self.api.login(USER, PROJECT)

    @property
    def pid(self) -> int:
        assert self.congad.process
        return self.congad.process.pid

    def ready(self) -> bool:
        return self.api.metric("conga_links") == self.links

    def stop(self) -> None:
        self.congad.stop()


def controllers(directory: Path, links: int) -> Dict[str, Callable[[], "Ours | Peer"]]:
    port = str(OPENFLOW_PORT)
    learning = str(Path(__file__).with_name("learning.py"))
    return {
        "congad": lambda: Ours(os.environ["CONGAD"], directory / "congad", links),
        "ovs-testcontroller": lambda: Peer(
            ["ovs-testcontroller", "-O", "OpenFlow13", "ptcp:" + port], directory / "ovs-testcontroller.log"),
        "os-ken": lambda: Peer(
            ["osken-manager", "--ofp-tcp-listen-port", port, learning], directory / "os-ken.log"),
    }


def measure(name: str, make: Callable[[], "Ours | Peer"]) -> dict:
    net, controller = Network(Line(), OPENFLOW_PORT), make()
    try:
        net.start()
        controller.start()
        net.wait_connected(seconds=40)
        until(controller.ready, 30, name + " is ready")
        time.sleep(SETTLE)
        began, before = time.monotonic(), cpu(controller.pid)
        lost = net.ping_all(wait=2, in_turn=True)
        swept, used = time.monotonic() - began, cpu(controller.pid) - before
        time.sleep(SETTLE)
        before = cpu(controller.pid)
        time.sleep(swept)
        idle = cpu(controller.pid) - before
        pairs = len(net.hosts) * (len(net.hosts) - 1)
        return {"controller": name, "pairs": pairs, "lost": len(lost), "cpu_s": round(used, 4),
                "seconds": round(swept, 1), "idle_cpu_s": round(idle, 4)}
    finally:
        try:
            controller.stop()
        finally:
            net.stop()


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, interrupt)
    directory = Path(tempfile.mkdtemp(prefix="conga-peers."))
    topo = Line()
    links = 2 * sum(1 for a, b in topo.links() if topo.isSwitch(a) and topo.isSwitch(b))
    switches = OpenVSwitch(directory / "ovs")
    try:
        switches.start()
        for name in sys.argv[1:] or controllers(directory, links):
            make = controllers(Path(tempfile.mkdtemp(dir=directory)), links)[name]
            print(json.dumps(measure(name, make)), flush=True)
    except KeyboardInterrupt:
        return 1
    finally:
        switches.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


sys.exit(main())
