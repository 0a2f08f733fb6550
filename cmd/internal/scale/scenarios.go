//go:build linux

package main

// scenarios are all scenarios, in the order in which they are measured.
var scenarios = []scenario{
	{name: "request/9", about: "one request until it is active, 9 switches, 18 hosts", run: requests(3, 2, 0), old: true},
	{name: "request/100", about: "the same, 100 switches, 1,000 hosts, 1,000 active", run: requests(10, 10, 1000), old: true},
	{name: "request/1024", about: "the same, 1,024 switches, 4,096 hosts, 10,000 active", run: requests(32, 4, 10_000)},
	{name: "due/2000", about: "2,000 due in one second, 100 switches, 1,000 hosts, 1,000 active", run: due(10, 10, 1000, 2000), old: true},
	{name: "due/10000", about: "10,000 due in one second, 100 switches, 1,000 hosts, 1,000 active", run: due(10, 10, 1000, 10_000)},
	{name: "cut", about: "a link under 1,000 of 10,000 active is cut, 100 switches, 1,000 hosts", run: cut(10, 10, 10_000)},
	{name: "lost", about: "a switch with 2,000 of 10,000 active is lost, 100 switches, 1,000 hosts", run: lose(10, 10, 10_000)},
	{name: "cold", about: "1,024 switches connect, 2,048 links, no hosts", run: cold(32, 1), least: 10, worst: []string{"s", "cpu-s", "MiB"}, old: true},
	{name: "starved", about: "the same with a quarter of a processor", run: cold(32, 0.25), worst: []string{"s"}, old: true},
	{name: "idle", about: "the same switches, idle, statistics on", run: idle(32), old: true},
	{name: "polled", about: "1,024 switches with 100 entries of 12,288 allocations, asked every 5 s", run: polled(32), most: 1},
	{name: "reconnect/bare", about: "the same switches reconnect at once", run: reconnect(32, 0), old: true},
	{name: "reconnect/hosts", about: "the same with 4,096 hosts known", run: reconnect(32, 4)},
	{name: "openvswitch", about: "an Open vSwitch with 100,000 entries reconnects, and one that lacks 1,000 and has 1,000 strange ones", run: benchmark("conga/controller", "ReconnectOpenVSwitch")},
	{name: "live", about: "the allocator with 1,000,000 live reservations, as a benchmark", run: benchmark("conga/allocator", "MillionLive")},
	{name: "completed", about: "the store opens with 1,000,000 completed allocations", run: completed(1_000_000)},
	{name: "released", about: "50,000 requests with idempotency keys, each released at once, 9 switches", run: released(50_000), old: true},
	{name: "hostile/parts", about: "peers answer a question without end, 9 switches, 50 active", run: hostile(attacks["parts"])},
	{name: "hostile/ports", about: "a peer tells of 133,500 ports", run: hostile(attacks["ports"])},
	{name: "hostile/errors", about: "peers send errors", run: hostile(attacks["errors"])},
	{name: "hostile/removed", about: "peers tell of made-up entries that were removed", run: hostile(attacks["removed"])},
	{name: "hostile/packets", about: "peers hand up frames of made-up hosts", run: hostile(attacks["packets"])},
	{name: "hostile/echoes", about: "peers ask whether the daemon is there", run: hostile(attacks["echoes"])},
	{name: "hostile/flaps", about: "peers say of ports that they are up and down", run: hostile(attacks["flaps"])},
	{name: "hostile/switches", about: "5,000 peers connect as switches", run: hostile(attacks["switches"])},
	{name: "hostile/silent", about: "peers connect and say nothing, 20 a second", run: hostile(attacks["silent"])},
	{name: "hostile/together", about: "all of these at once, which two processors cannot serve in time", run: hostile(together)},
	{name: "unruly/mute", about: "one of 100 switches answers nothing: requests elsewhere", run: unruly("mute")},
	{name: "unruly/stalled", about: "one of 100 switches reads nothing", run: unruly("stalled")},
	{name: "unruly/late", about: "one of 100 switches answers after 5 s", run: unruly("late")},
	{name: "unruly/refusing", about: "one of 100 switches refuses every entry", run: unruly("refusing")},
	{name: "unruly/reconnects", about: "one of 100 switches reconnects each second", run: unruly("reconnects")},
	{name: "unruly/floods", about: "a host of one of 100 switches sends from made-up addresses", run: unruly("floods")},
	{name: "peers", about: "the first ping between 32 hosts, with Open vSwitch, beside other controllers", run: peers, old: true},
}

// divided returns a number of allocations or hosts for a quick look, at least
// least.
func (r *run) divided(n, least int) int { return max(n/r.divide, min(n, least)) }

// side returns how many switches a row has if there are to be that many fewer.
func (r *run) side(n int) int {
	side := n
	for side > 3 && side*side*r.divide > n*n {
		side--
	}
	return side
}
