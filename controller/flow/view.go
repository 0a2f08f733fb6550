package flow

import (
	"maps"
	"slices"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// view is one switch with what its rules follow from, circuits and hosts aside.
type view struct {
	policy Policy
	sw     topology.Switch
	tree   map[topology.PortID]bool
	floods []openflow.Action // outputs to which the switch floods

	limits map[openflow.PortNo]openflow.MeterID // best-effort meter of each port that carries reservations
	flood  openflow.MeterID                     // of what is flooded; 0: none
	meters map[openflow.MeterID]Meter           // all but the policers
	few    *budget                              // nil: not reckoned yet

	ways      map[openflow.PortNo][]openflow.Instruction // towards a port, shared by what goes there
	crossings map[crossing][]openflow.Instruction
}

// newView returns the view of a switch on whose ports so much is reserved.
func newView(p Policy, sw topology.Switch, tree map[topology.PortID]bool, reserved map[openflow.PortNo]bitrate.Rate) *view {
	v := &view{policy: p, sw: sw, tree: tree, crossings: map[crossing][]openflow.Instruction{}}
	v.floods = v.floodPorts()
	v.reserve(reserved)
	return v
}

// reserving returns the view of the same switch with other reservations.
func (v *view) reserving(reserved map[openflow.PortNo]bitrate.Rate) *view {
	w := &view{policy: v.policy, sw: v.sw, tree: v.tree, floods: v.floods, few: v.few, crossings: v.crossings}
	w.reserve(reserved)
	return w
}

// twin returns a view of the switch that another goroutine can use at the same
// time: both keep what they find out for themselves.
func (v *view) twin() *view {
	w := *v
	w.crossings, w.ways = maps.Clone(v.crossings), maps.Clone(v.ways)
	return &w
}

func (v *view) reserve(reserved map[openflow.PortNo]bitrate.Rate) {
	v.meters = map[openflow.MeterID]Meter{}
	v.ways = map[openflow.PortNo][]openflow.Instruction{}
	if v.meterable() {
		if !v.sw.Numbered {
			v.meters[purpose.TrialID] = trialMeter(!v.lacks(topology.LacksBursts))
		}
		v.upMeters()
	}
	v.limits = v.bestEffortMeters(reserved)
	v.flood = v.floodMeter()
}

// floodPorts lists the outputs of what is flooded: usable edge ports, and
// trunks of the broadcast tree.
func (v *view) floodPorts() (out []openflow.Action) {
	for _, no := range slices.Sorted(maps.Keys(v.sw.Ports)) {
		if len(out) == maxFloodPorts {
			break
		}
		if p := v.sw.Ports[no]; usable(p) && (p.Role == topology.Edge || v.tree[p.ID]) {
			out = append(out, openflow.Output(no, 0))
		}
	}
	return out
}

// edges lists the outputs to usable edge ports.
func (v *view) edges() (out []openflow.Action) {
	for _, a := range v.floods {
		if v.sw.Ports[a.Port].Role == topology.Edge {
			out = append(out, a)
		}
	}
	return out
}

// usable reports whether traffic may be sent out of a port.
func usable(p topology.Port) bool { return p.Up && p.Role != topology.Undetermined }

// pipelined reports whether best effort takes three tables here.
func (v *view) pipelined() bool {
	return v.policy.Forwarding == ForwardL2 && v.sw.Tables >= pipelineTables && !v.lacks(topology.LacksTables)
}

// lacks reports whether the switch cannot do something.
func (v *view) lacks(what topology.Lacks) bool { return v.sw.Lacks&what != 0 }

// lacksAny reports whether the switch cannot do one of several things.
func (v *view) lacksAny(needs []topology.Lacks) bool { return slices.ContainsFunc(needs, v.lacks) }

// through sends a frame through a meter, where there is one, and then does out.
func through(meter openflow.MeterID, out ...openflow.Action) []openflow.Instruction {
	if len(out) == 0 {
		return nil // drop
	}
	in := []openflow.Instruction{openflow.ApplyActions(out...)}
	if meter != 0 {
		in = append(in, openflow.Meter(meter))
	}
	return in
}

// towards sends a frame to a port; hosts behind the same port share the
// instructions.
func (v *view) towards(port openflow.PortNo) []openflow.Instruction {
	if port == sink {
		return nil
	}
	in, ok := v.ways[port]
	if !ok {
		in = through(v.limits[port], openflow.Output(port, 0))
		v.ways[port] = in
	}
	return in
}
