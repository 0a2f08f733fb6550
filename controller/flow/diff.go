package flow

import (
	"cmp"
	"maps"
	"slices"

	"conga/openflow"
)

// Step is one message of a plan and what it changes, so that the refusal of the
// message can be put down to a rule or a meter.
type Step struct {
	Message openflow.Message
	Rule    *Rule            // wanted by the message, or nil
	Removes *Rule            // taken out by the message, or nil
	MeterID openflow.MeterID // changed by the message, or 0
	Meter   *Meter           // wanted by the message, or nil
}

// Diff returns the steps that turn present into want, in the order in which
// they must be sent: meters before the entries that use them, later tables
// before those that lead there and high priorities before low ones, so that no
// packet meets half a pipeline; additions before deletions; meters that nothing
// uses any more last. What is right already is not touched.
func Diff(present, want *State) []Step {
	var steps []Step
	for _, id := range slices.Sorted(maps.Keys(want.Meters)) {
		steps = appendMeter(steps, present, id, want.Meters[id])
	}
	missing := ordered(want.Rules, func(k Key, r Rule) bool {
		have, ok := present.Rules[k]
		return !ok || !have.Equal(r)
	})
	for _, r := range missing {
		have, ok := present.Rules[r.Key()]
		steps = append(steps, Step{Message: install(r, ok && have.Cookie == r.Cookie), Rule: &r})
	}
	strangers := ordered(present.Rules, func(k Key, _ Rule) bool {
		_, ok := want.Rules[k]
		return !ok
	})
	for _, r := range slices.Backward(strangers) {
		steps = append(steps, Step{Message: remove(r), Removes: &r})
	}
	for _, id := range slices.Sorted(maps.Keys(present.Meters)) {
		if _, ok := want.Meters[id]; !ok {
			m := &openflow.MeterMod{Command: openflow.MeterDelete, Flags: openflow.MeterKbps, ID: id}
			steps = append(steps, Step{Message: m, MeterID: id})
		}
	}
	return steps
}

func appendMeter(steps []Step, present *State, id openflow.MeterID, m Meter) []Step {
	command := openflow.MeterAdd
	if have, ok := present.Meters[id]; ok {
		if have == m {
			return steps
		}
		command = openflow.MeterModify
	}
	return append(steps, Step{Message: m.modify(id, command), MeterID: id, Meter: &m})
}

// ordered picks rules and lists them with later tables and higher priorities
// first.
func ordered(rules map[Key]Rule, pick func(Key, Rule) bool) (out []Rule) {
	for k, r := range rules {
		if pick(k, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(b.Table, a.Table), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.key, b.key))
	})
	return out
}

// install is the message that puts a rule in. An entry of the same owner keeps
// its counters; OpenFlow's modify leaves the cookie, so another owner's is
// replaced.
func install(r Rule, keepCounters bool) *openflow.FlowMod {
	command := openflow.FlowAdd
	if keepCounters {
		command = openflow.FlowModifyStrict
	}
	return &openflow.FlowMod{
		Command: command, Table: r.Table, Priority: r.Priority, Cookie: r.Cookie, Flags: flags,
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		Match: r.Match, Instructions: r.Instructions,
	}
}

// remove is the message that takes out exactly this entry, and only if it is
// still its owner's.
func remove(r Rule) *openflow.FlowMod {
	return &openflow.FlowMod{
		Command: openflow.FlowDeleteStrict, Table: r.Table, Priority: r.Priority,
		Cookie: r.Cookie, CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Match: r.Match,
	}
}

// Apply changes present as a step does when the switch accepts it.
func (s *State) Apply(step Step) {
	switch {
	case step.Rule != nil:
		s.Rules[step.Rule.Key()] = *step.Rule
	case step.Removes != nil:
		delete(s.Rules, step.Removes.Key())
	case step.Meter != nil:
		s.Meters[step.MeterID] = *step.Meter
	case step.MeterID != 0:
		delete(s.Meters, step.MeterID)
	}
}
