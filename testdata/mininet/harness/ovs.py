"""Open vSwitch, in userspace, in a run directory of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import List, Sequence

from .wait import until

TRIES = 3
SCHEMA = "share/openvswitch/vswitch.ovsschema"


def schema() -> str:
    """Returns the database schema that goes with the ovs-vswitchd on PATH."""
    program = Path(shutil.which("ovs-vswitchd") or "/usr/sbin/ovs-vswitchd")
    beside = program.parent.parent / SCHEMA
    return str(beside if beside.exists() else Path("/usr") / SCHEMA)


def run(argv: Sequence[str], timeout: float = 30) -> str:
    """Runs a command and returns what it prints; raises with its errors."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError("%s: exit status %d: %s" % (" ".join(argv), done.returncode, done.stderr.strip()))
    return done.stdout


def ofctl(command: str, switch: str, *args: str) -> str:
    """Runs ovs-ofctl with OpenFlow 1.3, again if the switch, on a busy machine,
    closes the connection before a word was said."""
    for _ in range(TRIES):
        try:
            return run(["ovs-ofctl", "-O", "OpenFlow13", "--no-names", command, switch, *args])
        except RuntimeError as e:
            if "failed to open socket (Broken pipe)" not in str(e):
                raise
            last = e
    raise last


def vsctl(*args: str) -> str:
    """Runs ovs-vsctl."""
    return run(["ovs-vsctl", "--timeout=20", *args])


DATAPATH = "netdev@ovs-netdev"  # of all bridges


def dump_caches() -> str:
    """What the switches remember of packets that they have seen."""
    return run(["ovs-appctl", "dpctl/dump-flows", "-m", DATAPATH])


def empty_caches() -> None:
    """Has the switches look at every packet's entries again."""
    run(["ovs-appctl", "dpctl/del-flows", DATAPATH])


class OpenVSwitch:
    """ovsdb-server and ovs-vswitchd. Their environment is put into ours, so that
    ovs-vsctl, ovs-ofctl and Mininet find them and no others."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pidfiles: List[Path] = []
        self.priority = 1

    def start(self) -> None:
        self.directory.mkdir(parents=True)
        for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"):
            os.environ[name] = str(self.directory)
        database = self.directory / "conf.db"
        run(["ovsdb-tool", "create", str(database), schema()])
        self._daemon("ovsdb-server", str(database), "--remote=punix:%s/db.sock" % self.directory)
        vsctl("--no-wait", "init")
        self._daemon("ovs-vswitchd")

    def _daemon(self, program: str, *args: str) -> None:
        pidfile = self.directory / (program + ".pid")
        log = self.directory / (program + ".log")
        self.pidfiles.append(pidfile)
        run([program, *args, "--pidfile=%s" % pidfile, "--log-file=%s" % log, "-vconsole:off", "--detach",
             "--no-chdir"])
        if program == "ovs-vswitchd":
            _first(int(pidfile.read_text()), self.priority)

    def go_first(self, first: bool) -> None:
        """Says whether the switches are before those of other Open vSwitches, too."""
        self.priority = 2 if first else 1
        _first(int(self.pidfiles[-1].read_text()), self.priority)

    def restart_switches(self) -> None:
        """Ends ovs-vswitchd as a crash does and starts it again. All switches
        come back without entries and meters."""
        _end(self.pidfiles.pop(), signal.SIGKILL)
        self._daemon("ovs-vswitchd")

    def stop(self) -> None:
        """Ends what start started, and nothing else."""
        while self.pidfiles:
            _end(self.pidfiles.pop(), signal.SIGTERM)


def _end(pidfile: Path, by: signal.Signals) -> None:
    try:
        pid = int(pidfile.read_text())
        os.kill(pid, by)
    except (FileNotFoundError, ProcessLookupError):
        return
    until(lambda: not _alive(pid), 10, "%s ends" % pidfile.stem)


def _first(pid: int, priority: int) -> None:
    """Lets a process run whenever it can: a switch does not wait for other work
    of the machine."""
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(priority))
    except PermissionError:
        pass  # measurements are then as good as the machine is idle


def _alive(pid: int) -> bool:
    """Reports whether a process runs yet, or holds files: one of several threads
    is a zombie as soon as its first thread has ended, and the lock on its
    pidfile is held until the last one has."""
    try:
        fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state, threads = fields[0], int(fields[17])  # proc(5): the 3rd and the 20th
    return state != "Z" or threads > 1
