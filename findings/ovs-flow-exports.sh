#!/usr/bin/env bash
# Open vSwitch 3.1.0 (Debian 12, userspace datapath) exports one datagram with 1,000
# bytes of data by NetFlow 5, IPFIX and sFlow at once.
#
# Guess: NetFlow and IPFIX give the IP packet, 1,028 bytes, as both formats define
# their octets; sFlow gives the frame that the entry counts, 1,042 bytes.
# Behaviour: NetFlow's octets have the Ethernet header in them, 1,042. IPFIX gives
# 1,028 and, as layer2OctetDeltaCount, 1,042. sFlow adds the FCS that was never
# there: 1,046, of which 4 are said to be stripped.
# So: three exports of one switch differ by up to 1.7 % at this size and by 40 % for
# small packets. What compares a receipt with an export names both layers; a
# receipt counts what the entry counts.
. "$(dirname "$0")/lab.bash"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
python3 "$(dirname "$0")/collect.py" 16 >"$tmp/seen" &
collector=$!
ofctl add-flow br0 "udp,tp_dst=5001,actions=output:12"
vsctl -- --id=@n create netflow 'targets="127.0.0.1:2055"' active_timeout=2 \
  -- --id=@i create ipfix 'targets="127.0.0.1:4739"' sampling=1 cache_active_timeout=2 cache_max_flows=100 \
  -- --id=@s create sflow agent=lo 'targets="127.0.0.1:6343"' sampling=1 polling=0 header=64 \
  -- set bridge br0 netflow=@n ipfix=@i sflow=@s >/dev/null
sleep 2
send 5001 100 100
wait $collector

sum() { sed -n "s/^$1 .*\b$2=\([0-9]*\).*/\1/p" "$tmp/seen" | awk '{ s += $1 } END { print s / 100 }'; }
expect "flow entry, bytes a packet" 1042 \
  "$(ofctl dump-flows br0 udp | sed -n 's/.*n_bytes=\([0-9]*\).*/\1/p' | awk '{ print $1 / 100 }')"
expect "NetFlow 5, octets a packet" 1042 "$(sum netflow octets)"
sed -i '/direction=1/d' "$tmp/seen" # each frame is exported where it leaves, too
expect "IPFIX, octetDeltaCount a packet" 1028 "$(sum ipfix octetDeltaCount)"
expect "IPFIX, layer2OctetDeltaCount a packet" 1042 "$(sum ipfix layer2OctetDeltaCount)"
expect "sFlow, samples with their lengths" "100 sflow frame_length=1046 stripped=4" \
  "$(grep '^sflow' "$tmp/seen" | sort | uniq -c | sed 's/^ *//')"
