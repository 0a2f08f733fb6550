package ofswitch

import (
	"slices"
	"time"

	"conga/openflow"
)

// Habits are ways in which switches differ from Open vSwitch and still keep to
// OpenFlow. Zero are none.
type Habits struct {
	NoFields       []openflow.Field           // of matches that are refused
	NoMasks        []openflow.Field           // that are refused with a mask
	NoInstructions []openflow.InstructionType // that are refused
	NoActions      []openflow.ActionType      // that are refused
	NoGroups       bool                       // groups, and questions about them, are refused
	NoRemovals     bool                       // flow mods that ask for flow-removed messages are refused
	MeterRange     bool                       // meters have numbers from 1 to MaxMeters (§7.3.5.15), others are refused
	NoMeterFlags   openflow.MeterFlags        // of meters that are refused
	NoDropBands    bool                       // meters that drop are refused
	MostBurst      uint32                     // of meters, in kbit or packets; those with a longer one are refused; 0: any
	OneQueue       bool                       // frames leave by queue 0, whatever entries say, as from Open vSwitch's userspace datapath
	NoQueueCounts  bool                       // questions for what queues count are refused
	MeterTick      time.Duration              // how often the buckets of meters are filled; 0: with each packet
	MostEntries    int                        // flow entries in all tables together; 0: any

	// MeterFeatures changes what the switch says of its meters.
	MeterFeatures func(*openflow.MeterFeatures)
	// Lag is how long packets of a sort that was seen before take the entries
	// of before, after the last change of any. 0: they do not.
	Lag time.Duration
	// Alter changes a flow mod before the switch obeys it, as one does that
	// keeps entries in another form than it was given.
	Alter func(*openflow.FlowMod)
	// AlterStatus changes what a message about a port says, as in a switch
	// that says what no longer holds. What the switch says when it is asked
	// stays true.
	AlterStatus func(*openflow.PortStatus)
	// AlterMeter changes a meter mod as Alter does a flow mod.
	AlterMeter func(*openflow.MeterMod)
}

// altered returns the message as the switch's habits change it, and m as it is
// if they do not.
func (h *Habits) altered(m openflow.Message) openflow.Message {
	switch m := m.(type) {
	case *openflow.FlowMod:
		if h.Alter != nil {
			own := *m
			own.Match, own.Instructions = slices.Clone(m.Match), slices.Clone(m.Instructions)
			for i := range own.Instructions {
				own.Instructions[i].Actions = slices.Clone(own.Instructions[i].Actions)
			}
			h.Alter(&own)
			return &own
		}
	case *openflow.MeterMod:
		if h.AlterMeter != nil {
			own := *m
			own.Bands = slices.Clone(m.Bands)
			h.AlterMeter(&own)
			return &own
		}
	}
	return m
}

// check returns how the switch's habits have a flow mod refused; nil if they do
// not.
func (h *Habits) check(m *openflow.FlowMod) *openflow.Error {
	for i := range m.Match {
		switch f := m.Match[i].Field(); {
		case slices.Contains(h.NoFields, f):
			return errBadMatchField()
		case m.Match[i].Masked() && slices.Contains(h.NoMasks, f):
			return errBadDLMask()
		}
	}
	if h.NoRemovals && m.Flags&openflow.FlowSendFlowRem != 0 {
		return errBadFlags()
	}
	for i := range m.Instructions {
		in := &m.Instructions[i]
		if slices.Contains(h.NoInstructions, in.Type) {
			return errUnsupInst()
		}
		for j := range in.Actions {
			if slices.Contains(h.NoActions, in.Actions[j].Type) {
				return errBadActionType()
			}
		}
	}
	return nil
}

// roomLocked reports whether there is room for another entry in a table.
func (s *Switch) roomLocked(t *table) bool {
	if most := s.cfg.Habits.MostEntries; most > 0 {
		n := 0
		for i := range s.tables {
			n += s.tables[i].count
		}
		if n >= most {
			return false
		}
	}
	return t.count < s.cfg.MaxEntries
}
