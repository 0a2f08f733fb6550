"""Runs on a Mininet host. Prints "ready", works until its input ends, then
prints its findings as one line of JSON.

    probe.py echo PORT                  answers UDP
    probe.py stream HOST PORT SECONDS   sends numbered UDP at this interval to an echo
    probe.py shout INTERFACE COUNT      broadcasts this many numbered frames, 20 a second
    probe.py hear INTERFACE             counts those frames
    probe.py sink PORT                  counts UDP datagrams
    probe.py source HOST PORT COUNT SIZE SECONDS
                                        sends datagrams of this size at this interval, in fragments if need be
    probe.py hurdle SOURCE HOST COUNT SECONDS
                                        sends messages that a packet is too big, as if from the source
    probe.py warned SOURCE              counts those messages
    probe.py announce INTERFACE ADDRESS COUNT SECONDS
                                        sends gratuitous ARP this often, each after this time
    probe.py overhear INTERFACE ADDRESS counts UDP packets that are for this address, and those in frames for this host
    probe.py scatter INTERFACE SECONDS  sends to one station that is not there after another, each after this time
    probe.py marks INTERFACE PORT       tells when UDP to this port last came without DSCP, in Unix time
    probe.py accept PORT                takes a TCP connection and says there how many bytes came
    probe.py carry HOST PORT BYTES      sends so many bytes over TCP, and tells what the other end says, and when
    probe.py relay INTERFACE INTERFACE  passes on the controller's probes between two interfaces
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import sys
import time
from typing import Callable, Dict

ETHERTYPE = 0x88B5  # for local experiments
PATIENCE = 1.5  # seconds without a packet after which none is waited for
BURST = 50  # packets at most that are sent at once by a sender that was held up


def done(timeout: float = 0) -> bool:
    """Whether the input has ended, waiting for that at most so long."""
    ready, _, _ = select.select([sys.stdin], [], [], max(timeout, 0))
    return bool(ready) and not sys.stdin.readline()


class Pace:
    """The moments at which packets are sent. A sender that the machine has held
    up does not make good what it missed: a switch in userspace loses what comes
    in such a burst, and a test would take that for loss in the network."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.next = time.monotonic()

    def wait(self) -> float:
        """Seconds until a packet is due."""
        return self.next - time.monotonic()

    def sent(self) -> None:
        self.next = max(self.next, time.monotonic() - BURST * self.interval) + self.interval


def udp(host: str) -> socket.socket:
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    return s


def echo(port: str) -> dict:
    s = udp("::")
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", int(port)))
    print("ready", flush=True)
    answered = 0
    while True:
        ready, _, _ = select.select([s, sys.stdin], [], [])
        if s in ready:
            data, sender = s.recvfrom(2048)
            s.sendto(data, sender)
            answered += 1
        elif not sys.stdin.readline():
            return {"answered": answered}


def stream(host: str, port: str, seconds: str) -> dict:
    s = udp(host)
    s.connect((host, int(port)))
    s.setblocking(False)
    print("ready", flush=True)
    at: Dict[int, float] = {}
    answers: Dict[int, float] = {}
    pace, began = Pace(float(seconds)), time.monotonic()
    end = None
    sent = 0
    while end is None or (time.monotonic() < end and len(answers) < sent):
        if end is None and pace.wait() <= 0:
            at[sent] = time.monotonic()
            try:
                s.send(struct.pack("!Q", sent) + bytes(56))
            except OSError:
                pass  # it is then missed like one lost on the way
            sent += 1
            pace.sent()
        wait = pace.wait() if end is None else end - time.monotonic()
        ready, _, _ = select.select([s] if end else [s, sys.stdin], [], [], max(wait, 0))
        if s in ready:
            try:
                number = struct.unpack("!Q", s.recv(2048)[:8])[0]
                answers.setdefault(number, time.monotonic())
                end = end and time.monotonic() + PATIENCE
            except OSError:
                pass  # an ICMP error; the packet is missed
        if sys.stdin in ready and not sys.stdin.readline():
            end = time.monotonic() + PATIENCE
    lost = sorted(set(at) - set(answers))
    return {
        "sent": sent, "lost": len(lost), "lost_at": [round(at[n] - began, 3) for n in lost[:20]],
        "worst_ms": round(1000 * max((answers[n] - at[n] for n in answers), default=0), 1),
    }


def raw(interface: str) -> socket.socket:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    s.bind((interface, ETHERTYPE))
    return s


def shout(interface: str, count: str) -> dict:
    s = raw(interface)
    source = s.getsockname()[4]
    print("ready", flush=True)
    for n in range(int(count)):
        s.send(b"\xff" * 6 + source + struct.pack("!HQ", ETHERTYPE, n) + bytes(38))
        if done(0.05):
            break
    return {"sent": n + 1}


def hear(interface: str) -> dict:
    s = raw(interface)
    print("ready", flush=True)
    copies: Dict[int, int] = {}
    waiting = [s, sys.stdin]
    while True:
        ready, _, _ = select.select(waiting, [], [], None if sys.stdin in waiting else PATIENCE)
        if s in ready:
            frame, sender = s.recvfrom(2048)
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            number = struct.unpack("!Q", frame[14:22])[0]
            copies[number] = copies.get(number, 0) + 1
        elif sys.stdin in ready:
            if not sys.stdin.readline():
                waiting.remove(sys.stdin)
        else:
            return {"different": len(copies), "copies": sum(copies.values())}


def sink(port: str) -> dict:
    s = udp("::")
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", int(port)))
    return count(s, lambda sender: True)


def count(s: socket.socket, counts: Callable[[str], bool]) -> dict:
    """Counts what arrives from where it counts, until the input ends and nothing more comes."""
    print("ready", flush=True)
    arrived = 0
    waiting = [s, sys.stdin]
    while True:
        ready, _, _ = select.select(waiting, [], [], None if sys.stdin in waiting else PATIENCE)
        if s in ready:
            arrived += counts(s.recvfrom(1 << 16)[1][0])
        elif sys.stdin in ready:
            if not sys.stdin.readline():
                waiting.remove(sys.stdin)
        else:
            return {"arrived": arrived}


def repeat(times: str, seconds: str, send: Callable[[], object]) -> dict:
    """Sends so many times at this interval."""
    print("ready", flush=True)
    pace = Pace(float(seconds))
    for n in range(int(times)):
        if done(pace.wait()):
            break
        send()
        pace.sent()
    return {"sent": n + 1}


def source(host: str, port: str, times: str, size: str, seconds: str) -> dict:
    s = udp(host)
    # Fragments, whatever the path MTU was found to be.
    s.setsockopt(*((socket.IPPROTO_IPV6, 23, 0) if ":" in host else (socket.IPPROTO_IP, 10, 0)))
    payload = bytes(int(size))
    return repeat(times, seconds, lambda: s.sendto(payload, (host, int(port))))


def checksum(data: bytes) -> int:
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def hurdle(source: str, host: str, times: str, seconds: str) -> dict:
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    about = bytes(28)  # the packet that was too big, which is none of the host's
    message = struct.pack("!BBHHH", 3, 4, 0, 0, 1400) + about
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 1, 0, socket.inet_aton(source), socket.inet_aton(host))
    return repeat(times, seconds, lambda: s.sendto(header + message, (host, 0)))


def warned(source: str) -> dict:
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return count(s, lambda sender: sender == source)


def announce(interface: str, address: str, count: str, seconds: str) -> dict:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((interface, 0))
    source, ip = s.getsockname()[4], socket.inet_aton(address)
    frame = b"\xff" * 6 + source + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
    frame += source + ip + bytes(6) + ip + bytes(18)
    print("ready", flush=True)
    for n in range(int(count)):
        if float(seconds) and done(float(seconds)):
            break
        try:
            s.send(frame)
        except OSError:
            pass  # the interface is busy
    return {"sent": n}


def overhear(interface: str, address: str) -> dict:
    ipv4, udp = 0x0800, 17
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ipv4))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    s.bind((interface, ipv4))
    print("ready", flush=True)
    packets, own = 0, 0
    while True:
        ready, _, _ = select.select([s, sys.stdin], [], [])
        if s in ready:
            frame, sender = s.recvfrom(2048)
            if sender[2] != socket.PACKET_OUTGOING and frame[23] == udp and frame[30:34] == socket.inet_aton(address):
                packets += 1
                own += sender[2] == socket.PACKET_HOST
        elif not sys.stdin.readline():
            return {"packets": packets, "own": own}


def scatter(interface: str, seconds: str) -> dict:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    source = s.getsockname()[4]
    stations = itertools.cycle(range(60_000))
    frame = source + struct.pack("!H", ETHERTYPE) + bytes(46)
    return repeat("1000000000", seconds, lambda: s.send(struct.pack("!HI", 0x0200, next(stations)) + frame))


def marks(interface: str, port: str) -> dict:
    ipv4 = 0x0800
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ipv4))
    s.bind((interface, ipv4))
    print("ready", flush=True)
    last, marked = 0.0, 0
    while True:
        ready, _, _ = select.select([s, sys.stdin], [], [])
        if s in ready:
            frame, sender = s.recvfrom(2048)
            if sender[2] == socket.PACKET_OUTGOING or frame[23] != 17 or frame[36:38] != struct.pack("!H", int(port)):
                continue
            if frame[15] >> 2:
                marked += 1
            else:
                last = time.time()
        elif not sys.stdin.readline():
            return {"last_unmarked": last, "marked": marked}


def accept(port: str) -> dict:
    server = socket.create_server(("", int(port)))
    print("ready", flush=True)
    ready, _, _ = select.select([server, sys.stdin], [], [])
    arrived = 0
    if server in ready:
        s, _ = server.accept()
        while data := s.recv(1 << 16):
            arrived += len(data)
        s.sendall(b"%d" % arrived)
        s.close()
        done(PATIENCE)
    return {"arrived": arrived}


def carry(host: str, port: str, size: str) -> dict:
    print("ready", flush=True)
    s = socket.create_connection((host, int(port)))
    left, block = int(size), bytes(1 << 16)
    while left:
        left -= s.send(block[:left])
    s.shutdown(socket.SHUT_WR)
    return {"arrived": int(s.recv(64)), "done": time.time()}


def relay(one: str, other: str) -> dict:
    everything = 3
    ends = []
    for interface in one, other:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything))
        s.bind((interface, everything))
        ends.append(s)
    print("ready", flush=True)
    passed = 0
    while True:
        ready, _, _ = select.select([*ends, sys.stdin], [], [])
        for s, to in (ends, ends[::-1]):
            if s in ready:
                frame, sender = s.recvfrom(2048)
                if sender[2] != socket.PACKET_OUTGOING and frame[12:14] in (b"\x88\xcc", b"\x89\x42"):
                    to.send(frame)
                    passed += 1
        if sys.stdin in ready and not sys.stdin.readline():
            return {"passed": passed}


WORK = {"echo": echo, "stream": stream, "shout": shout, "hear": hear, "sink": sink, "source": source, "hurdle": hurdle,
        "warned": warned, "announce": announce, "overhear": overhear, "scatter": scatter, "marks": marks, "accept": accept,
        "carry": carry, "relay": relay}

if __name__ == "__main__":
    work = WORK[sys.argv[1]]
    print(json.dumps(work(*sys.argv[2:])), flush=True)
