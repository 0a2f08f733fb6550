"""The daemon under test: one process with a data directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

from .api import Client
from .wait import until

OPENFLOW_PORT = 6653
API_PORT = 8443
USER, PROJECT = "alice", "astro"


def configuration(data: Path, plaintext: bool = True, shift: int = 0, role: str = "master", links: Optional[List[Dict[str, Any]]] = None,
                  projects: Optional[List[Dict[str, Any]]] = None, stats: Optional[Dict[str, Any]] = None, **network: Any) -> Dict[str, Any]:
    """A configuration for the loopback, with one project, unless told, whose
    member needs no password. `links` and `network` go under the key network,
    `stats` under its own; `shift` is added to the ports of a daemon beside another."""
    return {
        "data": str(data),
        "api": {"listen": "127.0.0.1:%d" % (API_PORT + shift), "plaintext": plaintext},
        "openflow": {"listen": "127.0.0.1:%d" % (OPENFLOW_PORT + shift), **({"role": role} if role != "master" else {})},
        "network": {"links": links or [], **network},
        **({"stats": stats} if stats else {}),
        "directory": {
            "projects": projects or [{"id": PROJECT, "members": [USER]}],
            "users": [{"id": USER}],
            "allow_passwordless": True,
        },
        "log": {"level": "debug"},
    }


class Congad:
    """Starts and stops the daemon. Its output goes to congad.log in `directory`
    and is continued over restarts."""

    def __init__(self, binary: str, directory: Path, plaintext: bool = True, shift: int = 0, role: str = "master",
                 **network: Any) -> None:
        self.binary = binary
        self.directory = directory
        self.plaintext = plaintext
        self.shift = shift
        directory.mkdir(parents=True)
        self.log = directory / "congad.log"
        self.config = directory / "conga.yaml"
        # JSON is YAML too.
        self.config.write_text(json.dumps(configuration(directory / "data", plaintext, shift, role, **network), indent=2))
        self.process: Optional["subprocess.Popen[bytes]"] = None

    def start(self, seconds: float = 20) -> None:
        """Starts the daemon and waits until its API answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--config", str(self.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NO_COLOR": "1"}, start_new_session=True,
            )
        probe = Client(self.url) if self.plaintext else None

        def answers() -> bool:
            self.must_run()
            return (probe or self.client()).ready()

        until(answers, seconds, "congad answers")

    def must_run(self) -> None:
        """Raises if the daemon has ended."""
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError("congad ended with status %d:\n%s" % (self.process.returncode, self.tail()))

    @property
    def url(self) -> str:
        return "%s://127.0.0.1:%d" % ("http" if self.plaintext else "https", API_PORT + self.shift)

    def client(self) -> Client:
        """A client without a key; over HTTPS it trusts the certificate that the
        daemon made, and only that."""
        if self.plaintext:
            return Client(self.url)
        return Client(self.url, str(self.certificate()))

    def operator(self) -> Client:
        """A client with the operator's key."""
        client = self.client()
        client.key = (self.directory / "data" / "admin.key").read_text().strip()
        return client

    def certificate(self) -> Path:
        for path in sorted((self.directory / "data").rglob("*")):
            if path.is_file() and path.stat().st_size < 1 << 16 and b"BEGIN CERTIFICATE" in path.read_bytes():
                return path
        raise OSError("no certificate in the data directory")

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 20) -> int:
        """Stops the daemon in order and returns its exit status."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("congad did not stop within %g s of SIGTERM" % seconds) from None

    def tail(self, lines: int = 40) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
