package flow

import (
	"maps"

	"conga/openflow"
)

// Patch is how the wanted state of one switch has changed.
type Patch struct {
	Rules  map[openflow.EntryKey]*Rule // nil: not wanted any more
	Meters map[openflow.MeterID]*Meter // nil: not wanted any more
	Groups map[openflow.GroupID]*Group // likewise
}

// NewPatch returns a patch that changes nothing.
func NewPatch() Patch { return newPatch(0) }

// newPatch returns a patch with room for so many rules.
func newPatch(rules int) Patch {
	return Patch{Rules: make(map[openflow.EntryKey]*Rule, rules), Meters: map[openflow.MeterID]*Meter{}, Groups: map[openflow.GroupID]*Group{}}
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool { return len(p.Rules)+len(p.Meters)+len(p.Groups) == 0 }

// Merge adds a later patch of the same switch.
func (p Patch) Merge(later Patch) {
	maps.Copy(p.Rules, later.Rules)
	maps.Copy(p.Meters, later.Meters)
	maps.Copy(p.Groups, later.Groups)
}

// Patch changes a wanted state as a patch says.
func (s *State) Patch(p Patch) {
	for k, r := range p.Rules {
		if r == nil {
			delete(s.Rules, k)
		} else {
			s.Rules[k] = r
		}
	}
	for id, m := range p.Meters {
		if m == nil {
			delete(s.Meters, id)
		} else {
			s.Meters[id] = *m
		}
	}
	for id, g := range p.Groups {
		if g == nil {
			delete(s.Groups, id)
		} else {
			s.Groups[id] = *g
		}
	}
}
