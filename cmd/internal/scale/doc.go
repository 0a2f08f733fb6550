// Command scale measures what the daemon costs in large networks.
//
// It builds congad and runs it as a process of its own, with a temporary data
// directory and configuration, and makes in its own process a torus of emulated
// switches that connect to it over TCP. It speaks HTTPS to the daemon as
// clients do. Everything is measured from outside: wall time, the daemon's CPU
// time and memory as the kernel tells them, and the messages that reach the
// switches. What is measured is also checked: an allocation counts as active
// when the interface says so, and every entry of its path must be in the
// switches.
//
// Usage:
//
//	go run ./cmd/internal/scale [flags]
//	make scale [SCALEFLAGS="flags"] [OLD=commit]
//
// The flags are:
//
//	-run names    scenarios, separated by commas; a name stands for all that begin
//	              with it. Default: all
//	-n 3          how often each is measured; the median counts
//	-old commit   measure that commit's daemon too, in turn, and print the ratios;
//	              it is built in a temporary worktree of this repository
//	-oldn 1       how often the old daemon is measured
//	-congad path  measure this program instead of building one
//	-divide 1     divide the number of switches, hosts and allocations, for a quick look
//	-limit 5m     what has not happened after that long is given up
//	-time 10m     for how long polled measures, after 1.6 times as long in which its
//	              history fills
//	-markdown     print a Markdown table
//	-profile dir  write CPU and memory profiles of what is measured into a directory,
//	              one of each for a scenario; not with -congad
//	-keep         keep the daemons' directories, with their logs
//	-v            tell on stderr what is going on
//	-list         print the scenarios
//
// A figure's name is the scenario's, and a figure of the old daemon begins with
// old:. bounds.txt has the bounds, which are those of the whole network also if
// -divide makes a smaller one. A scenario that does not come to its end is
// printed with the reason, and the next one follows. The exit code is 1 if any
// did not.
//
// What is measured of a failure, of switches that connect, and of requests:
//
//	s            from the event until all is confirmed
//	clear-s      until no entry leads into what has failed
//	quiet-s      until the last message that changes a switch
//	cpu-s        the daemon's CPU until then
//	affected     allocations that the event concerns
//	pending      allocations that have no path after it
//	flow-mods    all that the switches were sent
//	repeated     those of them that a switch had been sent before
//	switches     how many were written
//	needless     those of them that nothing required to be written
//	rerouted     best-effort routes that were changed though their way still existed
//	p50-ms, p95-ms, p99-ms  of so many in a hundred the time is at most this
//	worst-s, worst-cpu-s, worst-MiB  of all runs, where others are the median
//
// openvswitch and peers start Open vSwitch and need root.
package main
