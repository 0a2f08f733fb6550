package flow

import (
	"conga/controller/purpose"
	"conga/openflow"
)

// A guard is how an entry keeps loops out.
type guard uint8

const (
	noGuard guard = iota
	watch         // it has loops found, and no port opens before it; a switch that refuses it goes without
	bar           // no port opens while it is refused
)

// Rule is a flow entry that is wanted or present. Rules are shared between
// states and are not changed once they are in one.
type Rule struct {
	Table        openflow.TableID
	Priority     uint16
	Cookie       openflow.Cookie
	Match        openflow.Match // canonical
	Instructions []openflow.Instruction

	key   string // of the match; kept, since making it costs as much as all the rest
	doubt bool   // the entry may be gone; it equals none
	guard guard  // how it keeps loops out
	host  bool   // it is one of those towards hosts
}

// Key returns the identity of the rule.
func (r *Rule) Key() openflow.EntryKey {
	return openflow.EntryKey{Table: r.Table, Priority: r.Priority, Match: r.key}
}

// doubtful returns the rule as one that may be there or not: the switch has
// reported one like it gone, and the order of the two is not known.
func (r *Rule) doubtful() *Rule {
	d := *r
	d.doubt = true
	return &d
}

// flags are on every rule of ours: the switch reports when one goes.
const flags = openflow.FlowSendFlowRem

// Equal reports whether both rules have the same effect and owner.
func (r *Rule) Equal(o *Rule) bool {
	return r == o || !r.doubt && !o.doubt && r.Cookie == o.Cookie && sameInstructions(r.Instructions, o.Instructions)
}

// Meter is a meter with one drop band.
type Meter struct {
	Packets bool   // rate and burst are packets/s and packets, not kbit/s and kbit
	Rate    uint32 // kbit/s, the unit of the wire; or packets/s
	Burst   uint32 // kbit; or packets
}

// State is what one switch holds, or should hold, of ours.
type State struct {
	Rules  map[openflow.EntryKey]*Rule
	Meters map[openflow.MeterID]Meter
	Groups map[openflow.GroupID]Group
}

// NewState returns a state with nothing in it.
func NewState() *State {
	return &State{Rules: map[openflow.EntryKey]*Rule{}, Meters: map[openflow.MeterID]Meter{}, Groups: map[openflow.GroupID]Group{}}
}

// newRule returns a rule with its match made canonical and its key made.
func newRule(k purpose.Kind, t openflow.TableID, prio uint16, m openflow.Match, in ...openflow.Instruction) *Rule {
	r := &Rule{Table: t, Priority: prio, Cookie: purpose.MakeCookie(k, 0), Match: m.Canonical(), Instructions: in}
	r.key = r.Match.Key()
	return r
}

// add puts a rule in unless one with its key is already there: of two that
// have the same key, the first stays.
func (s *State) add(r *Rule) {
	k := r.Key()
	if _, taken := s.Rules[k]; !taken {
		s.Rules[k] = r
	}
}

// addMeter puts a meter in unless one with its identifier is already there.
func (s *State) addMeter(id openflow.MeterID, m Meter) {
	if _, taken := s.Meters[id]; !taken {
		s.Meters[id] = m
	}
}

// FromStats reads a flow entry as a switch reports it. ok is false if the
// entry is not ours.
func FromStats(fs *openflow.FlowStats) (r *Rule, ok bool) {
	if !purpose.Ours(fs.Cookie) {
		return nil, false
	}
	r = &Rule{
		Table: fs.Table, Priority: fs.Priority, Cookie: fs.Cookie,
		Match: fs.Match.Canonical(), Instructions: fs.Instructions,
	}
	r.key = r.Match.Key()
	return r, true
}

// flags returns the flags of the meter.
func (m Meter) flags() openflow.MeterFlags {
	flags := openflow.MeterKbps
	if m.Packets {
		flags = openflow.MeterPktps
	}
	if m.Burst > 0 {
		flags |= openflow.MeterBurst
	}
	return flags
}

// readMeter reads a meter as a switch reports it; the zero meter is one beyond
// what [Meter] can hold.
func readMeter(c openflow.MeterConfig) (m Meter) {
	m.Packets = c.Flags&openflow.MeterPktps != 0 // kbit/s is what is meant without either (section 7.3.4.4)
	if c.Flags&(openflow.MeterKbps|openflow.MeterPktps) == openflow.MeterKbps|openflow.MeterPktps || len(c.Bands) != 1 || c.Bands[0].Type != openflow.MeterBandDrop {
		return Meter{}
	}
	if m.Rate = c.Bands[0].Rate; c.Flags&openflow.MeterBurst != 0 {
		m.Burst = c.Bands[0].BurstSize
	}
	return m
}

// modify returns the message that adds or changes the meter.
func (m Meter) modify(id openflow.MeterID, command openflow.MeterModCommand) *openflow.MeterMod {
	return &openflow.MeterMod{
		Command: command, Flags: m.flags(), ID: id,
		Bands: []openflow.MeterBand{{Type: openflow.MeterBandDrop, Rate: m.Rate, BurstSize: m.Burst}},
	}
}
