#!/usr/bin/env bash
# Open vSwitch 3.1.0 (Debian 12, userspace datapath): what happens to one port while
# another one has more to send than it may?
#
# Guess: nothing. The full port drops what is too much for it, and each has its own queue.
# Behaviour: packets between two hosts that share nothing with the full port are lost, a
# fifth and more of them, although their link is idle. ovs-vswitchd sends to all ports by
# one packet socket for each thread, and what waits in a shaped port's queue counts against
# the socket's send buffer (net.core.wmem_default, some 90 frames); when that is full,
# nothing leaves for any port. The shaped port's own queue (1,000 packets) drops nothing.
# So: in a lab with shaped links, a flood on one link is no quiet neighbour to the others,
# unless a meter keeps it below the link's rate, or each switch has a larger buffer.
. "$(dirname "$0")/lab.bash"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
ofctl add-flow br0 "actions=NORMAL"

# A second pair: c at port 13 floods d at port 14, behind 10 Mbit/s.
for host in c d; do
  ip netns add $host
  ip link add ${host}0 type veth peer name ${host}1
  ip link set ${host}1 netns $host
  in_host $host sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n $host link set ${host}1 up
  ip link set ${host}0 up
  vsctl add-port br0 ${host}0
done
mac=$(in_host d cat /sys/class/net/d1/address)
ip -n c addr add 10.0.1.3/24 dev c1
ip -n c neigh add 10.0.1.4 lladdr "$mac" dev c1
ip -n d addr add 10.0.1.4/24 dev d1
ofctl add-flow br0 "priority=9,in_port=$(vsctl get interface c0 ofport),actions=output:$(vsctl get interface d0 ofport)"
tc qdisc add dev d0 root handle 1: htb default 1
tc class add dev d0 parent 1: classid 1:1 htb rate 10mbit

# flood RATE sends datagrams of 1,400 bytes from c to d at RATE Mbit/s for 8 s.
flood() {
  in_host c python3 - "$1" <<'PYTHON'
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gap, start, sent = 1442 * 8 / (float(sys.argv[1]) * 1e6), time.monotonic(), 0
while time.monotonic() < start + 8:
    sender.sendto(bytes(1400), ("10.0.1.4", 9))
    sent += 1
    time.sleep(max(0, start + sent * gap - time.monotonic()))
PYTHON
}

# lost prints how many of 500 packets from a to b and back are lost in 5 s.
lost() { in_host a ping -q -c 500 -i 0.01 -W 1 10.0.0.2 | sed -n 's/.*transmitted, \([0-9]*\) received.*/\1/p' | awk '{ print 500 - $1 }'; }

before=$(lost)
flood 8 &
sleep 1
below=$(lost)
wait $!
flood 20 &
sleep 1
above=$(lost)
wait $!
expect "lost of 500 with no flood" 0 "$before"
expect "lost of 500 with 8 Mbit/s through another port's 10" 0 "$below"
expect "packets that the other port's queue dropped" 0 "$(tc -s qdisc show dev d0 | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p')"
expect "more than 50 of 500 lost with 20 Mbit/s through another port's 10" yes "$([ "$above" -gt 50 ] && echo yes || echo "no, $above")"
