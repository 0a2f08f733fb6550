#!/usr/bin/env bash
# Open vSwitch 3.1.0 (Debian 12, userspace datapath): which packets does IPFIX call
# dropped?
#
# Guess: those that a meter drops, and none of those that arrive.
# Behaviour: the other way round. 100 frames that get a VLAN tag arrive, all of them, and
# the record of where they leave tells 100 as dropped. Of 400 frames a meter drops
# half, and their records tell 0. packetTotalCount is no flow's: it goes on from
# record to record over all flows.
# So: losses are to be had from meters and ports, never from the IPFIX of a switch.
. "$(dirname "$0")/lab.bash"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
python3 "$(dirname "$0")/collect.py" 24 >"$tmp/seen" &
collector=$!
ofctl add-flow br0 "udp,tp_dst=5002,actions=push_vlan:0x8100,set_field:4106->vlan_vid,output:12"
ofctl add-flow br0 "udp,tp_dst=5003,actions=meter:1,output:12"
vsctl -- --id=@i create ipfix 'targets="127.0.0.1:4739"' sampling=1 cache_active_timeout=3 cache_max_flows=100 \
  -- set bridge br0 ipfix=@i >/dev/null
sleep 2
before=$(received)
send 5002 100 200
sleep 4
expect "frames with a tag that arrived" 100 "$(($(received) - before))"
before=$(received)
send 5003 400 400
sleep 4
metered=$(($(received) - before))
wait $collector

value() { sed -n "s/.*direction=$2 .*\b$1=\([0-9]*\).*\bport=$3\b.*/\1/p" "$tmp/seen" | awk '{ s += $1 } END { print s }'; }
expect "frames with a tag, told as dropped where they leave" 100 "$(value droppedPacketDeltaCount 1 5002)"
expect "metered frames, told as dropped where they enter" 0 "$(value droppedPacketDeltaCount 0 5003)"
expect "metered frames, told as dropped where they leave" 0 "$(value droppedPacketDeltaCount 1 5003)"
expect "between 150 and 250 of 400 got through the meter" yes \
  "$([ "$metered" -gt 150 ] && [ "$metered" -lt 250 ] && echo yes || echo "no, $metered")"
