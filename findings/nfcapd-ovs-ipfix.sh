#!/usr/bin/env bash
# nfcapd 1.7.1 (Debian 12) collects the IPFIX of Open vSwitch 3.1.0: two flows of 100
# datagrams with 1,000 bytes of data, one after the other.
#
# Guess: nfdump lists both with 100 packets and 102,800 bytes, once where they enter
# and once where they leave.
# Behaviour: 199 and 200 packets for the first flow and 399 and 400 for the second.
# The records have packetDeltaCount, which is right, and packetTotalCount, which
# RFC 7012 defines for the observation point, not the flow; nfcapd keeps the latter.
# Both flows have lasted for 0 s since the epoch or before, since nfcapd does not know
# the elements that Open vSwitch gives times in (158 and 159).
# So: who compares a receipt with nfdump lets the switch send NetFlow 5.
packages="nfdump=1.7.1-2+deb12u1"
. "$(dirname "$0")/lab.bash"
expect "version of nfcapd" 1.7.1 "$(nfcapd -V | sed -n '1s/.*Version: \([0-9.]*\).*/\1/p')"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
mkdir "$tmp/flows"
nfcapd -b 127.0.0.1 -p 4739 -w "$tmp/flows" -I switch >/dev/null 2>&1 &
collector=$!
ofctl add-flow br0 "udp,actions=output:12"
vsctl -- --id=@i create ipfix 'targets="127.0.0.1:4739"' sampling=1 cache_active_timeout=2 cache_max_flows=100 \
  -- set bridge br0 ipfix=@i >/dev/null
sleep 2
before=$(received)
send 5001 100 100
sleep 4
send 5002 100 100
sleep 4
kill $collector
wait $collector
expect "packets that arrived" 200 "$(($(received) - before))"
expect "port and packets by nfdump" "5001 199, 5001 200, 5002 399, 5002 400, " \
  "$(nfdump -q -R "$tmp/flows" -o "fmt:%dp %pkt" | awk '{ print $1, $2 }' | sort | tr '\n' ',' | sed 's/,/, /g')"
