"""A Mininet network on userspace Open vSwitch, looking for its controller on
the loopback."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Tuple

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Controller, Host, OVSSwitch, Switch
from mininet.topo import Topo

from .ovs import ofctl, run, vsctl
from .wait import until

PROBE = Path(__file__).with_name("probe.py")


class Elsewhere(Controller):
    """A controller that Mininet neither starts nor stops nor calls."""

    def checkListening(self) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self, *args: object, **kwargs: object) -> None:
        Host.stop(self, *args, **kwargs)


class Network:
    """A started network, of Open vSwitch unless told. Its hosts are reached by
    name."""

    def __init__(self, topo: Topo, controller_port: int, switch: Optional[Callable[..., Switch]] = None) -> None:
        setLogLevel("error")
        Mininet.inited = True  # or Mininet changes limits of the whole machine
        self.topo = topo
        self.bridges = switch is None
        self.target = "tcp:127.0.0.1:%d" % controller_port
        self.net = Mininet(
            topo=topo, build=False, autoSetMacs=False, controller=None,
            switch=switch or partial(OVSSwitch, datapath="user", protocols="OpenFlow13", failMode="secure"),
        )
        self.net.addController("controller", controller=Elsewhere, ip="127.0.0.1", port=controller_port)

    def start(self) -> None:
        self.net.start()

    def stop(self) -> None:
        """Stops Mininet, and removes by name what a failed start left."""
        try:
            self.net.stop()
        finally:
            for name in self.switches if self.bridges else ():
                vsctl("--if-exists", "del-br", name)
            names = _interfaces("/proc/self/net/dev")
            for name in self.switches:
                for interface in names:
                    if interface == name or interface.startswith(name + "-eth"):
                        subprocess.run(["ip", "link", "del", interface], capture_output=True, check=False)

    @property
    def switches(self) -> List[str]:
        return sorted(self.topo.switches())

    @property
    def hosts(self) -> List[str]:
        return sorted(self.topo.hosts(), key=lambda name: int(name[1:]))

    def host(self, name: str) -> Host:
        return self.net.get(name)

    def address(self, name: str, v6: bool = False) -> str:
        if v6:
            return self.topo.nodeInfo(name)["ip6"]
        return self.topo.nodeInfo(name)["ip"].partition("/")[0]

    def popen(self, host: str, *argv: str) -> "subprocess.Popen[str]":
        """Starts a program in the namespace of a host."""
        return self.host(host).popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def probe(self, host: str, *argv: object) -> "subprocess.Popen[str]":
        """Starts probe.py on a host and waits until it says that it is ready."""
        process = self.popen(host, sys.executable, str(PROBE), *[str(a) for a in argv])
        assert process.stdout
        line = process.stdout.readline()
        if line != "ready\n":
            process.kill()
            raise RuntimeError("probe %s on %s: %s" % (argv, host, line + process.communicate()[0]))
        return process

    def ping(self, src: str, dst: str, count: int = 1, v6: bool = False, wait: int = 2) -> int:
        """Sends pings and returns how many were lost."""
        argv = ["ping", "-6" if v6 else "-4", "-n", "-q", "-c", str(count), "-i", "0.05", "-W", str(wait)]
        out, _ = self.popen(src, *argv, self.address(dst, v6)).communicate(timeout=wait + count + 20)
        for line in out.splitlines():
            if "packets transmitted" in line:
                words = line.split()
                return int(words[0]) - int(words[3])
        raise RuntimeError("ping: " + out)

    def ping_all(self, v6: bool = False, wait: int = 1, in_turn: bool = False) -> List[Tuple[str, str]]:
        """Pings between all pairs of hosts and returns the pairs that failed. A
        host pings the others at once, or in turn, which costs the machine less."""
        script = "for a in %s; do ping %s -n -q -c 1 -W %d $a >/dev/null 2>&1 || echo $a{} done; wait"
        script = script.replace("{}", ";" if in_turn else " &")
        names = {self.address(h, v6): h for h in self.hosts}
        running = []
        for h in self.hosts:
            others = " ".join(a for a, n in names.items() if n != h)
            running.append((h, self.popen(h, "sh", "-c", script % (others, "-6" if v6 else "-4", wait))))
        return [(h, names[a]) for h, p in running for a in p.communicate(timeout=60)[0].split()]

    def trunks(self) -> List[str]:
        """Interfaces with a switch at either end."""
        found = []
        for a, b, info in self.topo.links(withInfo=True):
            if self.topo.isSwitch(a) and self.topo.isSwitch(b):
                found.append("%s-eth%d" % (info["node1"], info["port1"]))
                found.append("%s-eth%d" % (info["node2"], info["port2"]))
        return sorted(found)

    def packets(self, interfaces: Optional[Iterable[str]] = None) -> Dict[str, int]:
        """Packets that interfaces of switches have sent, the trunks' unless told."""
        counters = _interfaces("/proc/self/net/dev")
        return {i: counters[i][1] for i in (self.trunks() if interfaces is None else interfaces)}

    def sent_bytes(self, host: str) -> int:
        """Bytes that a host has sent."""
        return _interfaces("/proc/%d/net/dev" % self.host(host).pid)["%s-eth0" % host][0]

    def received_bytes(self, host: str) -> int:
        """Bytes that a host has received."""
        return _interfaces("/proc/%d/net/dev" % self.host(host).pid)["%s-eth0" % host][2]

    def connected(self, *switches: str) -> bool:
        """Whether these switches, or all, have their controller."""
        return all(vsctl("get", "Controller", _controller(s), "is_connected").strip() == "true"
                   for s in switches or self.switches)

    def wait_connected(self, *switches: str, seconds: float = 20) -> None:
        until(lambda: self.connected(*switches), seconds, "switches connected")

    def add_controller(self, port: int) -> None:
        """Gives every switch a second controller."""
        for switch in self.switches:
            vsctl("set-controller", switch, self.target, "tcp:127.0.0.1:%d" % port)
            for controller in _controller(switch).split(", "):
                vsctl("set", "Controller", controller, "max_backoff=1000")

    def roles(self, switch: str) -> Dict[str, str]:
        """What each controller is to a switch, by the controller's port."""
        found = {}
        for controller in _controller(switch).split(", "):
            target, role = (vsctl("get", "Controller", controller, column).strip().strip('"')
                            for column in ("target", "role"))
            found[target.rpartition(":")[2]] = role
        return found

    def forget_controller(self, switch: str) -> None:
        """Takes the controller away; Open vSwitch then flushes all entries."""
        vsctl("del-controller", switch)

    def return_controller(self, switch: str) -> None:
        """Gives the controller back, with Mininet's patience of a second."""
        vsctl("set-controller", switch, self.target, "--", "set", "Controller", switch, "max_backoff=1000")

    def renew_cable(self, a: str, b: str) -> None:
        """Puts new interfaces in the place of those of two switches: same names and
        numbers of ports, but all that they have counted is gone."""
        for interface in a, b:
            vsctl("del-port", interface)
        run(["ip", "link", "del", a])
        run(["ip", "link", "add", a, "type", "veth", "peer", "name", b])
        for interface in a, b:
            run(["ip", "link", "set", interface, "up"])
            vsctl("add-port", interface.partition("-")[0], interface, "--", "set", "Interface", interface,
                  "ofport_request=" + interface.rpartition("eth")[2])

    def set_link(self, interface: str, up: bool) -> None:
        """Takes an interface of a switch up or down."""
        run(["ip", "link", "set", interface, "up" if up else "down"])

    def set_port(self, interface: str, up: bool) -> None:
        """Takes a port of a switch up or down with a port mod."""
        ofctl("mod-port", interface.partition("-")[0], interface.rpartition("eth")[2], "up" if up else "down")


def _controller(switch: str) -> str:
    controllers = vsctl("get", "Bridge", switch, "controller").strip().strip("[]")
    if not controllers:
        raise OSError("%s has no controller" % switch)
    return controllers


def _interfaces(path: str) -> Dict[str, Tuple[int, int, int]]:
    """Bytes and packets sent, and bytes received, by interface."""
    counters = {}
    for line in Path(path).read_text().splitlines()[2:]:
        name, _, values = line.partition(":")
        fields = values.split()
        counters[name.strip()] = int(fields[8]), int(fields[9]), int(fields[0])
    return counters
