#!/usr/bin/env bash
# Open vSwitch 3.1.0 (Debian 12, userspace datapath): what does a flow-removed message
# say that the entry has forwarded?
#
# Guess: all of it. The message is the last word on an entry, so that whoever bills or
# reports by it need not ask before; a question for its counters is what may lag.
# Behaviour: it lags as well. Both say what the entry had forwarded when the revalidators
# last came round, which they do each half second: 300 packets in 0.3 s just before the
# entry is deleted are told as any number from 0 on, and what is missing is told nowhere.
# It is whole if anything in the flow table has been changed 50 ms before, be it an entry
# of another match, since that wakes them, or if half a second has passed.
# So: change something else first, or wait, or count by a meter, which knows at once.
. "$(dirname "$0")/lab.bash"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
stdbuf -oL ovs-ofctl -O OpenFlow13 monitor br0 128 >"$tmp/told" 2>&1 &
monitor=$!
until ofctl dump-flows br0 >/dev/null && [ -S "$OVS_RUNDIR/br0.mgmt" ]; do sleep 0.1; done
sleep 1

# told COMMAND prints how many of 300 packets that arrived at b are told of by the
# flow-removed message of an entry that is deleted after COMMAND.
told() {
  local before messages
  messages=$(grep -c REMOVED "$tmp/told" || true)
  ofctl add-flow br0 "send_flow_rem,priority=5,udp,tp_dst=5000,actions=output:12"
  sleep "0.$((RANDOM % 9))"
  before=$(received)
  send 5000 300 1000
  "$@"
  ofctl --strict del-flows br0 "priority=5,udp,tp_dst=5000"
  until [ "$(grep -c REMOVED "$tmp/told" || true)" -gt "$messages" ]; do sleep 0.05; done
  [ $(($(received) - before)) = 300 ] || { echo "Not all packets arrived."; exit 1; }
  sed -n 's/.*REMOVED.*pkts\([0-9]*\) .*/\1/p' "$tmp/told" | tail -n 1
}

another() {
  ofctl add-flow br0 "priority=4,udp,tp_dst=6000,actions=drop"
  sleep 0.05
  ofctl --strict del-flows br0 "priority=4,udp,tp_dst=6000"
}

least() { sort -n | head -n 1; }

at_once=$(for _ in 1 2 3 4 5 6 7 8; do told true; done | least)
changed=$(for _ in 1 2 3 4; do told another; done | least)
waited=$(for _ in 1 2 3 4; do told sleep 0.7; done | least)
kill $monitor
echo "deleted at once, the message tells of as few as $at_once packets of 300"
expect "fewer than 200 of 300, deleted at once" yes "$([ "$at_once" -lt 200 ] && echo yes || echo no)"
expect "least of 300, with another entry changed before" 300 "$changed"
expect "least of 300, 0.7 s later" 300 "$waited"
