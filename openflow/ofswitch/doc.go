// Package ofswitch is an OpenFlow 1.3 switch that runs in memory, with the
// links and hosts to make a network of it. Tests, benchmarks and the demo use
// it where Open vSwitch would need root.
//
// A [Switch] holds real flow tables, groups and meters, and answers errors as
// Open vSwitch does, so a test can ask which port a packet leaves by instead of
// which message was sent. A [Network] connects switches and hosts by links with
// a capacity, a delay and a loss; [Linear], [Ring], [Diamond], [Torus] and
// [FatTree] build common ones. [Faults] make a switch misbehave.
//
// # Where Open vSwitch and the specification differ
//
// The switch follows Open vSwitch 3.1: packet-ins are never buffered or cut
// short; a band without a burst has a burst of one second, and says so in its
// configuration; entries that go with their meter send no flow removed; a
// packet that misses in a later table still has its action set done; several
// outputs in one list of write actions leave the last. The port NORMAL does
// nothing.
//
// # Goroutines and locks
//
// A connection to a controller has one goroutine, which reads, obeys and
// answers, and a second one while the controller reads slower than it is
// written to. A network has one, which carries all frames, and sends what they
// cause to the controllers once a burst of them is through. Timeouts use a
// timer a switch.
//
// Locks are taken in the order switch, host, network or connection; Tap,
// OnSend, OnMessage and the functions of Faults are called with the switch
// locked, and Handle with nothing locked. A flow mod that Reject or OnMessage
// is shown is valid only during the call.
package ofswitch
