# Sourced by the scripts beside it: a private Open vSwitch between two hosts, from
# pinned Debian packages in a temporary folder. Needs root and Debian 12.
# shellcheck shell=bash
set -eu

# Open vSwitch and what of its libraries a plain Debian lacks. A script names what
# it needs besides, each as NAME=VERSION or NAME, in $packages before it sources this.
packages="openvswitch-switch=3.1.0-2+deb12u1 openvswitch-common=3.1.0-2+deb12u1
  libbpf1 libcap-ng0 libelf1 libevent-2.1-7 libgmp10 libhogweed6 libnettle8 libnuma1
  libssl3 libunbound8 libxdp1 ${packages:-}"

# The packages are unpacked first; all else happens in namespaces of its own, which
# end with the script.
if [ -z "${FINDINGS_FOLDER:-}" ]; then
  FINDINGS_FOLDER=$(mktemp -d)
  export FINDINGS_FOLDER
  trap 'rm -rf "$FINDINGS_FOLDER"' EXIT
  mkdir "$FINDINGS_FOLDER/deb" "$FINDINGS_FOLDER/root"
  # shellcheck disable=SC2086
  (cd "$FINDINGS_FOLDER/deb" && apt-get download -qq -o APT::Sandbox::User=root $packages >/dev/null)
  for deb in "$FINDINGS_FOLDER"/deb/*.deb; do dpkg -x "$deb" "$FINDINGS_FOLDER/root"; done
  unshare --net --pid --mount --fork --kill-child --mount-proc bash "$0" "$@"
  exit
fi

tmp=$FINDINGS_FOLDER
libraries=/usr/lib/$(uname -m)-linux-gnu
export PATH="$tmp/root/usr/lib/openvswitch-switch:$tmp/root/usr/bin:$tmp/root/usr/sbin:$PATH"
export LD_LIBRARY_PATH="$tmp/root$libraries:$tmp/root${libraries#/usr}"

# start_switch makes bridge br0 with host a (10.0.0.1) at port 11 and host b
# (10.0.0.2) at port 12, and meter 1 of 100 packets/s. Hosts are namespaces that
# `in_host a CMD` enters; nothing is sent but what a script sends.
start_switch() {
  export OVS_RUNDIR=$tmp OVS_DBDIR=$tmp OVS_LOGDIR=$tmp
  local host number=1
  ip link set lo up
  sysctl -qw net.ipv6.conf.default.disable_ipv6=1
  mount -t tmpfs none /run && mkdir -p /run/netns
  for host in a b; do
    ip netns add $host
    ip link add ${host}0 type veth peer name ${host}1
    ip link set ${host}1 netns $host address 02:00:00:00:00:0$number
    in_host $host sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    ip -n $host addr add 10.0.0.$number/24 dev ${host}1
    ip -n $host link set ${host}1 up
    ip link set ${host}0 up
    ip -n $host neigh add 10.0.0.$((3 - number)) lladdr 02:00:00:00:00:0$((3 - number)) dev ${host}1
    number=$((number + 1))
  done
  ovsdb-tool create "$tmp/conf.db" "$tmp/root/usr/share/openvswitch/vswitch.ovsschema"
  ovsdb-server --remote="punix:$tmp/db.sock" --pidfile="$tmp/db.pid" --detach --log-file=/dev/null "$tmp/conf.db" 2>/dev/null
  vsctl --no-wait init
  ovs-vswitchd "unix:$tmp/db.sock" --pidfile="$tmp/vswitchd.pid" --detach --log-file=/dev/null 2>/dev/null
  vsctl add-br br0 -- set bridge br0 datapath_type=netdev protocols=OpenFlow13 fail-mode=secure \
    -- add-port br0 a0 -- set interface a0 ofport_request=11 \
    -- add-port br0 b0 -- set interface b0 ofport_request=12
  ofctl add-meter br0 meter=1,pktps,burst,band=type=drop,rate=100,burst_size=100
}

vsctl() { ovs-vsctl --db="unix:$tmp/db.sock" "$@"; }
ofctl() { ovs-ofctl -O OpenFlow13 "$@"; }
in_host() { local host=$1; shift; ip netns exec "$host" "$@"; }

# send sends COUNT datagrams with 1,000 bytes of data from a's port 4000, or the one
# named, to b's UDP port, RATE a second.
send() {
  in_host a python3 - "$@" <<'PYTHON'
import socket, sys, time
port, count, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("10.0.0.1", int(sys.argv[4]) if len(sys.argv) > 4 else 4000))
start = time.monotonic()
for number in range(1, count + 1):
    sender.sendto(bytes(1000), ("10.0.0.2", port))
    time.sleep(max(0, start + number / rate - time.monotonic()))
PYTHON
}

# received prints how many packets b's interface has received.
received() { in_host b cat /sys/class/net/b1/statistics/rx_packets; }

# expect fails unless what was seen is what was seen before.
expect() {
  echo "$1: $3"
  [ "$2" = "$3" ] || { echo "This has changed: it was $2."; exit 1; }
}
