package flow

import (
	"cmp"

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
	GroupID openflow.GroupID // changed by the message, or 0
	Group   *Group           // wanted by the message, or nil
}

// ofMeter reports whether the step is about a meter.
func (s Step) ofMeter() bool { return s.MeterID != 0 }

// Prepares reports whether the step is about a meter or a group, which entries
// need.
func (s Step) Prepares() bool { return s.MeterID != 0 || s.GroupID != 0 }

// key returns the key of the entry that the step is about.
func (s Step) key() openflow.EntryKey {
	if s.Rule != nil {
		return s.Rule.Key()
	}
	return s.Removes.Key()
}

// compareSlots puts entries into the order in which they must be changed:
// additions before deletions; among additions later tables before those that
// lead there, and high priorities before low ones, so that no packet meets half
// a pipeline; among deletions the other way round.
func compareSlots(a, b *slot) int {
	switch {
	case a.want != nil && b.want != nil:
		return compareRules(a.want, b.want)
	case a.want != nil:
		return -1
	case b.want != nil:
		return 1
	}
	return compareRules(b.have, a.have)
}

// compareUrgent does that for entries of circuits, and for what keeps loops
// out: what keeps loops out comes first, and each circuit whole before the next
// one, so that a table which fills has few halves.
func compareUrgent(a, b *slot) int {
	if a.want != nil && b.want != nil {
		return cmp.Or(a.want.rank()-b.want.rank(), cmp.Compare(a.want.Cookie, b.want.Cookie), compareRules(a.want, b.want))
	}
	return compareSlots(a, b)
}

// rank returns 0 of a rule that keeps loops out, and 1 of others.
func (r *Rule) rank() int {
	if r.guard != noGuard {
		return 0
	}
	return 1
}

func compareRules(a, b *Rule) int {
	return cmp.Or(cmp.Compare(b.Table, a.Table), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.key, b.key))
}

// ruleStep returns the step from the entry that is there, or nil, to the one
// that is wanted, or nil.
func ruleStep(have, want *Rule) Step {
	if want == nil {
		return Step{Message: remove(have), Removes: have}
	}
	return Step{Message: install(want, have != nil && !have.doubt && have.Cookie == want.Cookie), Rule: want}
}

// meterStep returns the step from the meter that is there, or nil, to the one
// that is wanted, or nil.
func meterStep(id openflow.MeterID, have, want *Meter) Step {
	if want == nil {
		m := &openflow.MeterMod{Command: openflow.MeterDelete, Flags: openflow.MeterKbps, ID: id}
		return Step{Message: m, MeterID: id}
	}
	command := openflow.MeterAdd
	if have != nil {
		command = openflow.MeterModify
	}
	return Step{Message: want.modify(id, command), MeterID: id, Meter: want}
}

// install returns the message that puts a rule in. An entry of the same owner
// keeps its counters; OpenFlow's modify leaves the cookie, so another owner's
// is replaced.
func install(r *Rule, keepCounters bool) *openflow.FlowMod {
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

// remove returns the message that takes out exactly this entry, and only if it
// is still its owner's.
func remove(r *Rule) *openflow.FlowMod {
	return &openflow.FlowMod{
		Command: openflow.FlowDeleteStrict, Table: r.Table, Priority: r.Priority,
		Cookie: r.Cookie, CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Match: r.Match,
	}
}
