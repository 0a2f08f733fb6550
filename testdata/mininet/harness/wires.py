"""What is plugged into switches and is none of ours: bridges, and programs that
pass frames on."""

from __future__ import annotations

import subprocess
import sys
from typing import Dict, List, Tuple

from mininet.node import Host

from .network import PROBE
from .ovs import ofctl, run, vsctl


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


class Foreign:
    """A switch that is none of ours: an Open vSwitch without a controller. What
    is plugged in first is its port 1, and so on."""

    def __init__(self, name: str, mode: str) -> None:
        self.name = name
        self.plugs: List[Tuple[str, str]] = []  # our end of each cable, and the switch that it is a port of or ""
        vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev", "fail_mode=" + mode)

    def _add(self, near: str, far: str, switch: str, *settings: str) -> None:
        run(["ip", "link", "set", near, "up"])
        self.plugs.append((far if switch else near, switch))
        vsctl("add-port", self.name, near, *settings, "--", "set", "Interface", near, "ofport_request=%d" % len(self.plugs))

    def cable(self, switch: str, port: int) -> None:
        """Leads a cable to a port of one of our switches."""
        far, near = "%s-eth%d" % (switch, port), "%s-%s" % (self.name, switch) + str(port)
        run(["ip", "link", "add", far, "type", "veth", "peer", "name", near])
        run(["ip", "link", "set", far, "up"])
        self._add(near, far, switch)
        vsctl("add-port", switch, far, "--", "set", "Interface", far, "ofport_request=%d" % port)

    def plug(self, host: Host, interface: str, address: str, mac: str, *settings: str) -> None:
        """Gives a host one more interface, which leads to a port here that has
        these settings."""
        near = "%s-%s" % (self.name, interface)
        run(["ip", "link", "add", near, "type", "veth", "peer", "name", interface])
        run(["ip", "link", "set", interface, "netns", str(host.pid)])
        # Each interface answers for its own addresses only.
        said = host.cmd("sysctl -q net.ipv4.conf.all.arp_ignore=1; ethtool -K %s tx off >/dev/null 2>&1; "
                        "ip link set %s address %s up && ip addr add %s/24 dev %s"
                        % (interface, interface, mac, address, interface))
        if said.strip():
            raise RuntimeError("interface of %s: %s" % (host.name, said))
        self._add(near, interface, "", *settings)

    def remove(self) -> None:
        """Removes the switch, its cables and their ports."""
        vsctl("del-br", self.name)
        for end, switch in self.plugs:
            if switch:
                vsctl("--if-exists", "del-port", switch, end)
            run(["ip", "link", "del", end])


class Tagging(Foreign):
    """One whose hosts are each in a VLAN, which it tags on the way to ours."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "standalone")

    def host(self, host: Host, interface: str, address: str, mac: str, vlan: int) -> None:
        self.plug(host, interface, address, mac, "tag=%d" % vlan)


class Cards(Foreign):
    """What joins two network cards of a host to one that it uses both at a time,
    as bonding does: what is for one port of UDP leaves by the second, all else
    by the first, by which alone it hears what is for all."""

    def __init__(self, name: str, *at: Tuple[str, int]) -> None:
        super().__init__(name, "secure")
        for switch, port in at:
            self.cable(switch, port)

    def host(self, host: Host, interface: str, address: str, mac: str, port: int) -> None:
        self.plug(host, interface, address, mac)
        for entry in ("priority=1,in_port=3,actions=1", "priority=2,in_port=3,udp,udp_dst=%d,actions=2" % port,
                      "priority=1,in_port=1,actions=3", "priority=1,in_port=2,actions=3",
                      "priority=2,in_port=2,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=drop"):
            ofctl("add-flow", self.name, entry)

    def fail(self) -> None:
        """Has the first card go down, and the second do all the work."""
        ofctl("del-flows", self.name)
        run(["ip", "link", "set", self.plugs[0][0], "down"])
        for entry in "in_port=3,actions=2", "in_port=2,actions=3":
            ofctl("add-flow", self.name, entry)


def deafen(interface: str, deaf: bool = True) -> None:
    """Has nothing leave by an interface that is up all the same, as by a fibre
    of which one half is broken, or has it leave again."""
    run(["tc", "qdisc", "replace", "dev", interface, "root", "blackhole" if deaf else "noqueue"])


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
