#!/usr/bin/env bash
# tcpdump 4.99.3 (Debian 12): which versions of OpenFlow does it read from a hello?
#
# Guess: those that are offered: bit n of the bitmap is wire version n (OpenFlow 1.3.5,
# section 7.5.1), so that 0x12, what Open vSwitch says when it is set to OpenFlow10 and
# OpenFlow13, is 1.0 and 1.3.
# Behaviour: each is told one too high, as 1.1 and 1.4; 1.0 is never told. The version in
# the header beside it is right.
# So: whom a switch agrees with is read from the header and the hexadecimal number.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && apt-get download -qq -o APT::Sandbox::User=root tcpdump=4.99.3-1 libpcap0.8 libdbus-1-3 libsystemd0 >/dev/null && for deb in *.deb; do dpkg -x "$deb" root; done)
libraries=$tmp/root/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH="$libraries:$tmp/root${libraries#"$tmp/root/usr"}"
python3 - "$tmp/hello.pcap" <<'PYTHON'
import struct, sys

hello = struct.pack("!BBHIHHI", 4, 0, 16, 1, 1, 8, 1 << 1 | 1 << 4)
tcp = struct.pack("!HHIIBBHHH", 40000, 6653, 1, 1, 5 << 4, 0x18, 65535, 0, 0) + hello
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2") + tcp
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack("<IIII", 1, 0, len(ip), len(ip)) + ip)
PYTHON
seen=$("$tmp/root/usr/bin/tcpdump" -Z root -nvvvr "$tmp/hello.pcap" 2>/dev/null)

expect() {
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "This has changed: it was $2."; exit 1; }
}
expect "version of tcpdump" 4.99.3 "$("$tmp/root/usr/bin/tcpdump" --version 2>&1 | sed -n 's/^tcpdump version //p')"
expect "version in the header" 1.3 "$(sed -n 's/.*OpenFlow.* version \([0-9.]*\), type HELLO.*/\1/p;s/^\t*version \([0-9.]*\), type HELLO.*/\1/p' <<<"$seen")"
expect "versions of a hello with the bits 1 and 4" "0x00000012 (1.1, 1.4)" "$(sed -n 's/.*bitmap \(0x.*)\).*/\1/p' <<<"$seen")"
