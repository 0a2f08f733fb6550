package flow

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/openflow"
)

// device carries messages out as OpenFlow 1.3.5 says.
type device struct {
	*rapid.T
	entries map[openflow.EntryKey]*deviceEntry
	meters  map[openflow.MeterID]Meter
}

type deviceEntry struct {
	openflow.FlowStats
	packets int // counted since it was added
}

func newDevice(t *rapid.T) *device {
	return &device{T: t, entries: map[openflow.EntryKey]*deviceEntry{}, meters: map[openflow.MeterID]Meter{}}
}

func (d *device) carryOut(m openflow.Message) {
	switch m := m.(type) {
	case *openflow.FlowMod:
		d.flowMod(m)
	case *openflow.MeterMod:
		d.meterMod(m)
	default:
		d.Fatalf("a step is a %T", m)
	}
}

func (d *device) flowMod(m *openflow.FlowMod) {
	k := openflow.EntryKey{Table: m.Table, Priority: m.Priority, Match: m.Match.Canonical().Key()}
	if m.BufferID != openflow.NoBuffer || m.OutPort != openflow.PortAny || m.OutGroup != openflow.GroupAny {
		d.Fatalf("%+v is about some packets or ports only", m)
	}
	e := d.entries[k]
	switch m.Command {
	case openflow.FlowAdd:
		if m.Flags&openflow.FlowSendFlowRem == 0 {
			d.Fatalf("%+v does not ask for a flow-removed message", m)
		}
		d.entries[k] = &deviceEntry{FlowStats: openflow.FlowStats{
			Table: m.Table, Priority: m.Priority, Cookie: m.Cookie, Match: m.Match, Instructions: m.Instructions,
		}}
	case openflow.FlowModifyStrict:
		if e == nil || m.CookieMask != 0 && e.Cookie&m.CookieMask != m.Cookie&m.CookieMask {
			return // no entry is added
		}
		e.Instructions = m.Instructions // the cookie and the counters stay
	case openflow.FlowDeleteStrict:
		if e != nil && e.Cookie&m.CookieMask == m.Cookie&m.CookieMask {
			delete(d.entries, k)
		}
	default:
		d.Fatalf("%+v is about more than one entry", m)
	}
}

func (d *device) meterMod(m *openflow.MeterMod) {
	_, there := d.meters[m.ID]
	if m.Command == openflow.MeterDelete {
		delete(d.meters, m.ID)
		return
	}
	if there != (m.Command == openflow.MeterModify) {
		d.Fatalf("%+v, and the meter is there: %t", m, there)
	}
	_, read, ours := (*Numbers)(nil).ReadMeter(openflow.MeterConfig{Flags: m.Flags, Meter: m.ID, Bands: m.Bands})
	if !ours {
		d.Fatalf("%+v is no meter of ours", m)
	}
	d.meters[m.ID] = read
}

func (d *device) state() *State {
	st := NewState()
	for _, e := range d.entries {
		if r, ok := FromStats(&e.FlowStats); ok {
			st.add(r)
		}
	}
	maps.Copy(st.Meters, d.meters)
	return st
}

// inOrder reports whether steps about entries come in an order in which no
// packet meets half a pipeline.
func inOrder(steps []Step) bool {
	return slices.IsSortedFunc(steps, func(a, b Step) int {
		switch {
		case a.ofMeter() && !b.ofMeter():
			return -1
		case b.ofMeter():
			return 0
		case (a.Rule != nil) != (b.Rule != nil):
			if a.Rule != nil {
				return -1
			}
			return 1
		case a.Rule != nil:
			return cmp.Or(cmp.Compare(b.Rule.Table, a.Rule.Table), cmp.Compare(b.Rule.Priority, a.Rule.Priority))
		}
		return cmp.Or(cmp.Compare(a.Removes.Table, b.Removes.Table), cmp.Compare(a.Removes.Priority, b.Removes.Priority))
	})
}

// TestMessagesLeadThere carries the messages out: in the end the switch holds
// what is wanted, and an entry counts on for as long as it is one owner's.
func TestMessagesLeadThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDevice(t)
		foreign := openflow.FlowStats{Priority: 7, Cookie: 0xbeef, Match: openflow.Match{openflow.InPort(9)}}
		d.entries[openflow.EntryKey{Priority: 7, Match: foreign.Match.Key()}] = &deviceEntry{FlowStats: foreign, packets: 5}
		now := someState(t)
		r := NewReconciler(now.Whole(), 1)
		for _, rule := range someState(t).Rules {
			d.entries[rule.Key()] = &deviceEntry{FlowStats: openflow.FlowStats{
				Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: rule.Match, Instructions: rule.Instructions,
			}}
		}
		for _, e := range d.entries {
			r.Tell(&e.FlowStats)
		}
		r.Begin()
		for generation := uint64(2); generation < 5; generation++ {
			d.arrive(r, now)
			next := someState(t)
			r.Want(leading(now, next), generation, generation)
			now = next
		}
		d.arrive(r, now)
		if e := d.entries[openflow.EntryKey{Priority: 7, Match: foreign.Match.Key()}]; e == nil || e.packets < 5 {
			t.Fatal("another program's entry was touched")
		}
	})
}

// leading returns what leads from one state to another.
func leading(from, to *State) Patch {
	p := NewPatch()
	for k := range from.Rules {
		p.Rules[k] = nil
	}
	maps.Copy(p.Rules, to.Rules)
	for id := range from.Meters {
		p.Meters[id] = nil
	}
	for id, m := range to.Meters {
		p.Meters[id] = &m
	}
	return p
}

// arrive carries out all steps that there are.
func (d *device) arrive(r *Reconciler, want *State) {
	counted, owner := map[openflow.EntryKey]int{}, map[openflow.EntryKey]openflow.Cookie{}
	for k, e := range d.entries {
		e.packets++
		counted[k], owner[k] = e.packets, e.Cookie
	}
	for range 100 {
		steps := soon(r, 3)
		if len(steps) == 0 {
			break
		}
		if !inOrder(steps) {
			d.Fatalf("out of order: %+v", steps)
		}
		for _, s := range steps {
			d.carryOut(s.Message)
		}
		r.Landed(nil)
	}
	if diff := difference(d.state(), want); diff != "" {
		d.Fatal("the switch ", diff)
	}
	for k, e := range d.entries {
		if before, was := owner[k]; was && (before == e.Cookie) != (e.packets == counted[k]) {
			d.Fatalf("entry %+v of %x has counted %d, of %d for owner %x", k, e.Cookie, e.packets, counted[k], before)
		}
	}
	if c, all := r.Confirmed(); c != all || r.UnderWay() {
		d.Fatalf("confirmed are %d and %d", c, all)
	}
}

// drain takes all steps for done, and returns them.
func drain(r *Reconciler) (all []Step) {
	for steps := soon(r, 100); len(steps) > 0; steps = soon(r, 100) {
		all = append(all, steps...)
		r.Landed(nil)
	}
	return all
}

func begun(rules ...*Rule) *Reconciler {
	st := NewState()
	for _, r := range rules {
		st.add(r)
	}
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	return r
}
