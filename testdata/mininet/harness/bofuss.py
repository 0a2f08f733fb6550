"""BOFUSS, the software switch that is built from its sources as ofdatapath and
ofprotocol."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any, List

from mininet.node import Switch

DIGITS = 12  # of a datapath ID, hexadecimal, which ofdatapath takes


class Bofuss(Switch):
    """A switch of two processes, the datapath and the one that speaks with the
    controller, with sockets and logs in a directory of its own."""

    def __init__(self, name: str, directory: Path, **params: Any) -> None:
        super().__init__(name, **params)
        self.directory = directory
        directory.mkdir(parents=True)
        self.processes: List["subprocess.Popen[bytes]"] = []

    def start(self, controllers: Any) -> None:
        socket = self.directory / "datapath"
        for i in self.intfList():
            self.cmd("sysctl -q -w net.ipv6.conf.%s.disable_ipv6=1" % i)  # ports are no hosts
        ports = ",".join(str(i) for i in self.intfList() if not i.IP())
        self._run("ofdatapath", "-i", ports, "punix:%s" % socket, "-d", self.dpid[-DIGITS:], "--no-slicing")
        targets = ",".join("tcp:%s:%d" % (c.IP(), c.port) for c in controllers)
        self._run("ofprotocol", "unix:%s" % socket, targets, "--fail=closed", "--max-backoff=1",
                  "--listen=punix:%s" % (self.directory / "listen"))

    def _run(self, program: str, *args: str) -> None:
        with open(self.directory / (program + ".log"), "wb") as log:
            self.processes.append(subprocess.Popen(
                [program, *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def dpctl(self, *args: str) -> str:
        """Runs dpctl and returns what it prints."""
        done = subprocess.run(["dpctl", "unix:%s" % (self.directory / "listen"), *args], capture_output=True,
                              text=True, timeout=30, check=False)
        return done.stdout + done.stderr

    def stop(self, deleteIntfs: bool = True) -> None:
        while self.processes:
            process = self.processes.pop()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        super().stop(deleteIntfs)
