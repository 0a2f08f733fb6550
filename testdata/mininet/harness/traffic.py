"""Traffic between hosts, and what came of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from .network import Network
from .wait import until

HEADERS = 14 + 20 + 8  # bytes of Ethernet, IPv4 and UDP in front of a payload
LISTEN = "0A"  # the state in /proc/net/tcp


@dataclass(frozen=True)
class Goodput:
    """What a TCP transfer achieved."""

    mbits: float
    retransmits: int
    flood: float  # Mbit/s that the flooding host sent meanwhile, Ethernet headers included

    def __str__(self) -> str:
        return "%.1f Mbit/s" % self.mbits


class NotBegun(RuntimeError):
    """What iperf3 says over TCP before it sends did not get through."""


@dataclass(frozen=True)
class Offered:
    """What came of a stream of UDP that was sent at a rate."""

    packets: int
    lost: int
    size: int  # bytes of a frame
    seconds: float

    @property
    def arrived_bits(self) -> int:
        """Bits of the frames that arrived."""
        return (self.packets - self.lost) * self.size * 8

    def __str__(self) -> str:
        return "%.0f kbit/s" % (self.arrived_bits / self.seconds / 1000)


def _listening(pid: int, port: int) -> bool:
    for family in "tcp", "tcp6":
        for line in Path("/proc/%d/net/%s" % (pid, family)).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                return True
    return False


@contextlib.contextmanager
def server(net: Network, host: str, port: int) -> Iterator[None]:
    """An iperf3 server for one transfer."""
    process = net.popen(host, "iperf3", "-s", "-1", "-p", str(port))
    try:
        pid = net.host(host).pid
        until(lambda: _listening(pid, port), 10, "iperf3 listens on %s:%d" % (host, port))
        yield
    finally:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """Ends a process that we started."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def transfer(net: Network, src: str, dst: str, port: int = 5201, seconds: int = 8, v6: bool = False,
             flooding: str = "") -> Goodput:
    """Sends TCP as fast as it goes and returns what arrived, payload only. A
    transfer that comes to a standstill counts as 0. `flooding` names a host
    whose output is measured meanwhile."""
    with server(net, dst, port):
        client = net.popen(src, "iperf3", "-J", "-6" if v6 else "-4", "-c", net.address(dst, v6), "-p", str(port),
                           "-t", str(seconds), "--connect-timeout", "5000")
        began = time.monotonic()
        before = net.sent_bytes(flooding) if flooding else 0
        try:
            out = client.communicate(timeout=seconds + 15)[0]
        except subprocess.TimeoutExpired:
            out = "{}"
        finally:
            end(client)
        took = time.monotonic() - began
        flood = (net.sent_bytes(flooding) - before) * 8 / took / 1e6 if flooding else 0.0
    try:
        result: Dict[str, Any] = json.loads(out)["end"]
        return Goodput(result["sum_received"]["bits_per_second"] / 1e6, result["sum_sent"].get("retransmits", 0), flood)
    except (ValueError, KeyError):
        return Goodput(0.0, 0, flood)


def offer(net: Network, src: str, dst: str, mbits: float, port: int, seconds: int, payload: int = 1200) -> Offered:
    """Sends UDP at this rate of payload and returns how much the receiver lost.
    iperf3 speaks TCP on the same port, which has to pass; where it does not,
    NotBegun is raised."""
    with server(net, dst, port):
        client = net.popen(src, "iperf3", "-J", "-u", "-c", net.address(dst), "-p", str(port), "-b", "%gM" % mbits,
                           "-l", str(payload), "-t", str(seconds), "--connect-timeout", "5000")
        try:
            out = client.communicate(timeout=seconds + 15)[0]
        finally:
            end(client)
    result: Dict[str, Any] = json.loads(out)
    if "sum" not in result.get("end", {}):
        raise NotBegun("offer: %s" % result.get("error", out))
    total = result["end"]["sum"]
    return Offered(total["packets"], total["lost_packets"], payload + HEADERS, total["seconds"])


@contextlib.contextmanager
def flood(net: Network, src: str, dst: str, mbits: int, port: int = 5209) -> Iterator[None]:
    """Floods with UDP at this rate of payload while the context lasts."""
    with floods(net, [(src, dst)], mbits, port):
        yield


@contextlib.contextmanager
def floods(net: Network, ways: Sequence[Tuple[str, str]], mbits: int, port: int = 5209) -> Iterator[None]:
    """Floods from one host to another in each of the ways. They begin at the same
    time: what iperf3 says over TCP before does not get through another's flood."""
    clients: List[Tuple[str, "subprocess.Popen[str]"]] = []
    with contextlib.ExitStack() as stack:
        for i, (_, dst) in enumerate(ways):
            stack.enter_context(server(net, dst, port + i))
        for i, (src, dst) in enumerate(ways):
            client = net.popen(src, "iperf3", "-u", "-c", net.address(dst), "-p", str(port + i), "-b", "%dM" % mbits,
                               "-l", "1400", "-t", "600", "--connect-timeout", "5000")
            stack.callback(end, client)
            clients.append((src, client))
        for src, client in clients:
            until(lambda: _rate(net, src) > 0.5 * mbits or client.poll() is not None, 20, "the flood flows", every=0)
            if client.poll() is not None:
                raise RuntimeError("flood: " + client.communicate()[0])
        yield


def _rate(net: Network, host: str, over: float = 0.25) -> float:
    """Mbit/s that a host sends."""
    began, before = time.monotonic(), net.sent_bytes(host)
    time.sleep(over)
    return (net.sent_bytes(host) - before) * 8 / (time.monotonic() - began) / 1e6


class Stream:
    """Numbered UDP packets from one host to another and back, a packet every
    `interval` seconds, until ended."""

    def __init__(self, net: Network, src: str, dst: str, port: int = 7007, interval: float = 0.005,
                 v6: bool = False) -> None:
        self.echo = net.probe(dst, "echo", port)
        try:
            self.sender = net.probe(src, "stream", net.address(dst, v6), port, interval)
        except BaseException:
            end(self.echo)
            raise

    def finish(self) -> Dict[str, Any]:
        """Stops sending and returns sent, lost, lost_at (seconds from the start)
        and worst_ms."""
        try:
            return json.loads(self.sender.communicate(timeout=20)[0])
        finally:
            end(self.echo)

    def abandon(self) -> None:
        """Ends both sides, whatever they do."""
        end(self.sender)
        end(self.echo)


def arrivals(net: Network, counter: Tuple[str, ...], sender: Tuple[object, ...]) -> Tuple[int, int]:
    """Runs two probes, a host and its arguments each: one that counts and one
    that sends. Returns how many were sent and how many arrived."""
    counting = net.probe(*counter)
    try:
        sending = net.probe(*sender)  # type: ignore[arg-type]
        try:
            assert sending.stdout and counting.stdin
            sent = json.loads(sending.stdout.readline())["sent"]
        finally:
            end(sending)
        counting.stdin.close()
        counting.stdin = None
        return sent, json.loads(counting.communicate(timeout=20)[0])["arrived"]
    finally:
        end(counting)


def broadcast(net: Network, src: str, count: int) -> Dict[str, Dict[str, int]]:
    """Broadcasts frames from a host and returns what every other host heard."""
    listeners: Dict[str, "subprocess.Popen[str]"] = {}
    heard: Dict[str, Dict[str, int]] = {}
    try:
        for h in net.hosts:
            if h != src:
                listeners[h] = net.probe(h, "hear", "%s-eth0" % h)
        shouting = net.probe(src, "shout", "%s-eth0" % src, count)
        assert shouting.stdout
        finding = shouting.stdout.readline()
        if json.loads(finding)["sent"] != count:
            raise RuntimeError("shout: " + finding)
        end(shouting)
        for process in listeners.values():
            assert process.stdin
            process.stdin.close()
        for h, process in listeners.items():
            process.stdin = None
            heard[h] = json.loads(process.communicate(timeout=10)[0])
    finally:
        for process in listeners.values():
            end(process)
    return heard
