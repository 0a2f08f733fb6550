package flow

import (
	"fmt"
	"strings"

	"conga/openflow"
)

// A switch may keep what it is given in another form, whose meaning is not
// quite the same: without a mark or a queue, or with a rate that it rounds.
// What comes back so twice, each time after it was written, is taken for what
// it was to be from then on; the switch is said to do that, and is taken at its
// word where it does so again.
//
// What would have packets take another course is no habit; see [ErrMeddled].

// mostHabits bounds what is kept of a switch that gives back everything in
// another form.
const mostHabits = 100_000

// habit is how a switch keeps something: what was written, and what was found.
type habit[T any] struct {
	wrote, found T
	taken        bool // it came back so twice
}

// habits are those of one switch.
type habits struct {
	rules  map[openflow.EntryKey]*habit[*Rule]
	meters map[openflow.MeterID]*habit[Meter]

	ofRules, ofMeters string // the first that was taken, as a sentence; "": none was
}

func newHabits() habits {
	return habits{rules: map[openflow.EntryKey]*habit[*Rule]{}, meters: map[openflow.MeterID]*habit[Meter]{}}
}

// holds reports whether an entry that is there, as the switch tells of it, is
// what a rule has become there.
func (h *habits) holds(r *Rule, cookie openflow.Cookie, in []openflow.Instruction) bool {
	if len(h.rules) == 0 || r.doubt {
		return false
	}
	x := h.rules[r.Key()]
	return x != nil && x.taken && x.wrote.Equal(r) && x.found.Cookie == cookie && sameInstructions(x.found.Instructions, in)
}

// take takes note that a switch was found to hold another entry than it was
// given. It reports whether that is how it keeps it.
func (h *habits) take(k openflow.EntryKey, wrote, found *Rule) bool {
	x := h.rules[k]
	switch {
	case x == nil && len(h.rules) == mostHabits:
		return false
	case x == nil || !x.wrote.Equal(wrote) || !x.found.Equal(found):
		x = &habit[*Rule]{wrote: wrote, found: found, taken: h.ofRules != ""}
		h.rules[k] = x
	default:
		x.taken = true
	}
	if x.taken && h.ofRules == "" {
		h.ofRules = fmt.Sprintf("It keeps entries in another form than it is given: of %q it has %q.", textOf(wrote), textOf(found))
	}
	return x.taken
}

// holdsMeter reports whether a meter that is there is what one that was given
// has become there.
func (h *habits) holdsMeter(id openflow.MeterID, m, found Meter) bool {
	x := h.meters[id]
	return m == found || x != nil && x.taken && x.wrote == m && x.found == found
}

// takeMeter takes note that a switch was found to hold another meter than it
// was given. It reports whether that is how it keeps it.
func (h *habits) takeMeter(id openflow.MeterID, wrote, found Meter) bool {
	x := h.meters[id]
	switch {
	case x == nil && len(h.meters) == mostHabits:
		return false
	case x == nil || x.wrote != wrote || x.found != found:
		x = &habit[Meter]{wrote: wrote, found: found, taken: h.ofMeters != ""}
		h.meters[id] = x
	default:
		x.taken = true
	}
	if x.taken && h.ofMeters == "" {
		h.ofMeters = fmt.Sprintf("It keeps meters in another form than it is given: of %s it has %s.", wrote.text(), found.text())
	}
	return x.taken
}

// sentences returns what the switch does.
func (h *habits) sentences() (out []string) {
	for _, s := range [...]string{h.ofRules, h.ofMeters} {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// textOf returns what a rule does.
func textOf(r *Rule) string {
	var list []string
	for _, in := range r.Instructions {
		list = append(list, in.String())
	}
	return strings.Join(list, ",")
}

// text returns the meter as people write it.
func (m Meter) text() string {
	if m.Packets {
		return fmt.Sprintf("%d packets/s with a burst of %d", m.Rate, m.Burst)
	}
	return fmt.Sprintf("%d kbit/s with a burst of %d kbit", m.Rate, m.Burst)
}
