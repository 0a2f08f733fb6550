#!/usr/bin/env bash
# Open vSwitch 3.1.0 (Debian 12, userspace datapath): when does a stream follow an
# entry that has changed?
#
# Guess: within a second of the barrier's answer, whatever was cached before.
# Behaviour: never, as long as it keeps sending, if its cached flow overlaps with a
# later and wider one. An entry for eight ports that drops gives way to one for 128
# ports that drops as well, and that one is changed to send to a host. Packets of the
# older stream go on being dropped, seconds after both cached flows were looked at
# again, while the entry's counter says that all of them were sent; those to another
# port arrive. The datapath holds an action that the switch believes to have changed,
# and no later change elsewhere mends it. It depends on the order in which the masks
# of cached flows are tried, so up to five times are; the first mostly shows it.
# Released versions from 3.1.3 and 3.2.0 on say that they no longer do it.
# So: neither a barrier nor an entry's counters show where a stream goes; that is
# to be had from the ports. Emptying the cache of such a switch helps.
. "$(dirname "$0")/lab.bash"
start_switch
expect "version of Open vSwitch" 3.1.0 "$(ovs-vswitchd --version | sed -n '1s/.* //p')"
counter() { ofctl dump-flows br0 "udp,tp_dst=$wide" | sed -n 's/.*n_packets=\([0-9]*\).*/\1/p'; }
empty_cache() { ovs-appctl -t "$tmp/ovs-vswitchd.$(cat "$tmp/vswitchd.pid").ctl" dpctl/del-flows netdev@ovs-netdev; }

# change makes and changes the entries beside a stream, and notes what arrived of
# it and was counted in three seconds then.
change() {
  ofctl del-flows br0
  empty_cache
  ofctl add-flow br0 "udp,tp_dst=5888/0xff80,actions=drop"
  send 5890 3200 200 4002 & # another and busier stream, whose cached flow has the wider mask
  sleep 1
  ofctl add-flow br0 "udp,tp_dst=5000/0xfff8,actions=drop"
  send 5001 600 40 4001 & # for 15 seconds
  sleep 2
  ofctl add-flow br0 "udp,tp_dst=$wide,actions=drop"
  ofctl --strict del-flows br0 "udp,tp_dst=5000/0xfff8"
  sleep 1.5
  send 5040 5 40
  sleep 1
  ofctl mod-flows br0 "udp,tp_dst=$wide,actions=output:12"
  sleep 1.5
  local before counted
  before=$(received) counted=$(counter)
  sleep 3
  arrived=$(($(received) - before)) counted=$(($(counter) - counted))
  told=$([ "$counted" -gt 100 ] && echo yes || echo "no, $counted")
}

wide=4992/0xff80 arrived=
for try in 1 2 3 4 5; do
  change
  [ "$arrived" != 0 ] || break
  wait
done
expect "packets of the stream that arrived, in three seconds" 0 "$arrived"
expect "more than 100 were sent, as the entry counts them" yes "$told"
before=$(received)
send 5041 20 40
expect "packets to another port that arrived, of 20" 20 "$(($(received) - before))"
before=$(received)
empty_cache
sleep 0.5
expect "and more of the stream once the cache was emptied" yes "$([ "$(($(received) - before))" -gt 5 ] && echo yes || echo no)"
echo "seen at try $try"
wait
