// Package ofswitch is an OpenFlow 1.3 switch that runs in memory, with the links and hosts to make a
// network of it. Tests, benchmarks and the demo use it where Open vSwitch would need root.
//
// A [Switch] holds real flow tables, groups and meters, and answers errors as Open vSwitch does, so a test
// can ask which port a packet leaves by instead of which message was sent. A [Network] connects switches
// and hosts by links with a capacity, a delay and a loss; [Linear], [Ring], [Diamond] and [FatTree] build
// common ones. [Faults] make a switch misbehave.
package ofswitch
