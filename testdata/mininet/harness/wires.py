"""What is plugged into switches and is none of ours: bridges, and programs that
pass frames on."""

from __future__ import annotations

import subprocess
import sys
from typing import Dict, List, Tuple

from .network import PROBE
from .ovs import run, vsctl


class Bridge:
    """An unmanaged switch: a Linux bridge without a spanning tree, which has an
    address of its own, as a host on it would. What is plugged in has carrier
    from then on."""

    def __init__(self, name: str, address: str = "") -> None:
        self.name = name
        self.plugs: Dict[str, Tuple[str, int]] = {}  # our end of each cable, and where the other is
        # An address of its own, or it takes one of what is plugged in.
        run(["ip", "link", "add", name, "address", "02:00:00:00:00:99", "type", "bridge", "stp_state", "0"])
        if address:
            run(["ip", "addr", "add", address + "/24", "dev", name])
        run(["ip", "link", "set", name, "up"])

    def cable(self, switch: str, port: int) -> str:
        """Leads a cable from a port of a switch to the bridge, and returns its
        end there, which is not plugged in yet."""
        far, near = "%s-eth%d" % (switch, port), "%s-%s" % (self.name, switch) + str(port)
        run(["ip", "link", "add", far, "type", "veth", "peer", "name", near])
        for end in far, near:
            run(["ip", "link", "set", end, "up"])
        vsctl("add-port", switch, far, "--", "set", "Interface", far, "ofport_request=%d" % port)
        self.plugs[near] = switch, port
        return near

    def plug(self, near: str) -> None:
        run(["ip", "link", "set", near, "master", self.name])

    def unplug(self, near: str) -> None:
        run(["ip", "link", "set", near, "nomaster"])

    def remove(self) -> None:
        """Removes the bridge, its cables and their ports."""
        for near, (switch, port) in self.plugs.items():
            vsctl("--if-exists", "del-port", switch, "%s-eth%d" % (switch, port))
            run(["ip", "link", "del", near])
        run(["ip", "link", "del", self.name])


def beside(*argv: object) -> "subprocess.Popen[str]":
    """Starts probe.py where the switches are, and waits until it is ready."""
    process = subprocess.Popen([sys.executable, str(PROBE), *[str(a) for a in argv]], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    line = process.stdout.readline()
    if line != "ready\n":
        process.kill()
        raise RuntimeError("probe %s: %s" % (argv, line + process.communicate()[0]))
    return process
