#!/usr/bin/env bash
# Scapy 2.5.0 (Debian 12), scapy.contrib.openflow3: are flow mods and table entries read as
# they are, and written again as they were but for the field that was changed?
#
# Guess: yes, and another priority alone is written well.
# Behaviour: with another IPv4 address in the match, behind the Ethernet type as it must be,
# the Ethernet type is written twice. The header keeps the length from before, so that the
# next message on the connection begins in the middle of this one. What is put out behind an
# action that sets a field is read two bytes too early: port 2 as 1,048,576, and one more
# output after it. A reply with the entries of a table (OFPMP_FLOW) is not read at all: it
# raises an AttributeError.
# So: what is sent with Scapy is built from nothing, field by field, and what switches hold
# is read with something else.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && apt-get download -qq -o APT::Sandbox::User=root python3-scapy=2.5.0+dfsg-2 >/dev/null && dpkg -x python3-scapy_*.deb root)
PYTHONPATH="$tmp/root/usr/lib/python3/dist-packages" python3 - <<'PYTHON'
import logging, struct, sys

logging.getLogger("scapy").setLevel(logging.ERROR)
import scapy
from scapy.contrib.openflow3 import OpenFlow3


def expect(what, before, now):
    print("%s: %s" % (what, now))
    if before != now:
        sys.exit("This has changed: it was %s." % (before,))


def message(kind, body):
    return struct.pack("!BBHI", 4, kind, 8 + len(body), 7) + body


def padded(b):
    return b + bytes(-len(b) % 8)


def field(number, value):
    return struct.pack("!HBB", 0x8000, number << 1, len(value)) + value


def match(*fields):
    b = b"".join(fields)
    return padded(struct.pack("!HH", 1, 4 + len(b)) + b)


def apply(*actions):
    b = b"".join(actions)
    return struct.pack("!HH4x", 4, 8 + len(b)) + b


def flow_mod(m, instructions):
    return message(14, struct.pack("!QQBBHHHIIIHH", 1, 0, 0, 0, 0, 0, 100, 2**32 - 1, 2**32 - 1, 2**32 - 1, 0, 0) + m + instructions)


def output(port):
    return struct.pack("!HHIH6x", 0, 16, port, 65535)


def set_field(f):
    b = padded(struct.pack("!HH", 25, 0) + f)
    return b[:2] + struct.pack("!H", len(b)) + b[4:]


ETH_DST, ETH_TYPE, IPV4_SRC = 3, 5, 11
ip, mac = field(ETH_TYPE, b"\x08\x00"), field(ETH_DST, b"\x02\0\0\0\0\1")
from_host = field(IPV4_SRC, b"\x0a\0\0\1")
expect("version of Scapy", "2.5.0", scapy.__version__.split("+")[0])

addressed = flow_mod(match(ip, from_host), apply(output(2)))
p = OpenFlow3(addressed)
p.priority = 101
expect("with another priority it is as meant", True, bytes(p) == addressed[:30] + b"\0\x65" + addressed[32:])
p.match.oxm_fields[1].ipv4_src = "10.0.0.2"
expect("Ethernet types with another address", 2, bytes(p).count(ip))
expect("length in its header, and length", (96, 102), (p.len, len(bytes(p))))

rewriting = flow_mod(match(), apply(set_field(mac), output(2)))
actions = OpenFlow3(rewriting).instructions[0].actions
expect("actions behind one that sets a field", 2, len(actions) - 1)
expect("port 2 is read as", 1048576, actions[1].port)

entry = match(ip) + apply(output(2))
table = message(19, struct.pack("!HH4x", 1, 0) + struct.pack("!HBxIIHHHH4xQQQ", 48 + len(entry), 0, 1, 2, 100, 0, 0, 0, 1, 2, 3) + entry)
try:
    seen = type(OpenFlow3(table)).__name__
except AttributeError as e:
    seen = type(e).__name__
expect("a table's entries are read as", "AttributeError", seen)
PYTHON
