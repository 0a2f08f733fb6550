package flow

import (
	"fmt"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// TestEnforced says of each number of meters a switch may have whether best
// effort is held back there, and from which circuit on rates are not enforced;
// it is what the switch is given.
func TestEnforced(t *testing.T) {
	const circuits = 5
	for meters, want := range map[uint32]struct {
		unmetered bool
		unpoliced uint32
	}{0: {true, 1}, 1: {false, 1}, 2: {false, 1}, 3: {false, 11}, 6: {false, 14}, 7: {false, 0}, 19: {false, 0}, 20: {false, 0}, 100: {false, 0}} {
		sw := threeTables
		sw.Meters, sw.Numbered = meters, true
		n := square(t, sw)
		w := NewWanted(n.Policy)
		w.SetNetwork(n.Snapshot)
		if unmetered, unpoliced := w.Enforced(1); unmetered || unpoliced != 0 {
			t.Errorf("%d meters: unmetered %v, unpoliced from %d before the switch is watched", meters, unmetered, unpoliced)
		}
		for d := range n.Switches {
			w.Watch(d)
		}
		for i := range circuits {
			c := forth(fmt.Sprint(i), 10+uint32(i), bitrate.Mbps)
			c.Key.Proto, c.Key.DstPort = path.ProtoUDP, path.Port(uint16(i+1))
			n.Circuits = append(n.Circuits, c)
			w.SetCircuit(c.ID, []path.Circuit{c})
		}
		takeAll(w, func(openflow.DPID, Patch) {})
		unmetered, unpoliced := w.Enforced(1)
		if unmetered != want.unmetered || unpoliced != want.unpoliced {
			t.Errorf("%d meters: unmetered %v, unpoliced from %d; want %+v", meters, unmetered, unpoliced, want)
		}
		n.Policed = Policed(n)
		given := Compile(n, 1).Meters
		for handle := uint32(10); handle < 10+circuits; handle++ {
			if _, is := given[purpose.PolicerID(handle)]; is != (unpoliced == 0 || handle < unpoliced) {
				t.Errorf("%d meters: circuit %d has a policer: %v, unpoliced from %d", meters, handle, is, unpoliced)
			}
		}
		if unmetered, unpoliced := w.Enforced(99); unmetered || unpoliced != 0 {
			t.Errorf("a switch that there is none of: unmetered %v, unpoliced from %d", unmetered, unpoliced)
		}
	}
	for name, p := range map[string]Policy{"without meters": {Forwarding: ForwardL2}, "without best effort": {Forwarding: ForwardNone, Meter: true}} {
		sw := threeTables
		sw.Meters, sw.Numbered = 0, true
		n := square(t, sw)
		w := NewWanted(p)
		w.SetNetwork(n.Snapshot)
		w.Watch(1)
		if unmetered, unpoliced := w.Enforced(1); unmetered || unpoliced != 0 {
			t.Errorf("a policy %s: unmetered %v, unpoliced from %d", name, unmetered, unpoliced)
		}
	}
}

// TestSharedPortsTeachNothing: what comes in by a port that leads to a segment
// which other ports of ours are on goes on without its source being learned;
// what other edge ports bring is.
func TestSharedPortsTeachNothing(t *testing.T) {
	sw := threeTables
	sw.DPID = 1
	sw.Ports = map[openflow.PortNo]topology.Port{
		1: {ID: at(1, 1), Up: true, Role: topology.Edge, Shared: true}, 2: {ID: at(1, 2), Up: true, Role: topology.Edge},
	}
	byPort := map[string]*Rule{}
	for _, r := range newView(Policy{Forwarding: ForwardL2}, sw, nil, nil).base() {
		if r.Table == tableLearning && r.Priority == prioShared {
			byPort[r.Match.String()] = r
		}
	}
	r := byPort["in_port=1"]
	if len(byPort) != 1 || r == nil || len(r.Instructions) != 1 || r.Instructions[0].Type != openflow.InstructionGotoTable || r.Instructions[0].Table != tableForwarding {
		t.Errorf("%+v", byPort)
	}
}
