package flow

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// TestGroupIDs: a group says of which ports it is.
func TestGroupIDs(t *testing.T) {
	ids := map[openflow.GroupID]bool{}
	for _, a := range []openflow.PortNo{1, 2, 8190, openflow.PortLocal} {
		for _, b := range []openflow.PortNo{1, 2, 8190, openflow.PortLocal} {
			id, ok := purpose.GroupID(a, b)
			x, y := purpose.GroupPorts(id)
			if !ok || ids[id] || x != a || y != b || !purpose.OurGroup(id) {
				t.Errorf("the group of %v and %v is %x, of %v and %v", a, b, id, x, y)
			}
			ids[id] = true
		}
	}
	for _, no := range []openflow.PortNo{8191, 70000} {
		if _, ok := purpose.GroupID(1, no); ok {
			t.Errorf("port %d has a group", no)
		}
	}
}

// protected returns a circuit from port 1 of switch 1 to port 1 of switch 3,
// over switch 2 and as a backup over switch 4.
func protected() path.Circuit {
	return path.Circuit{
		ID: "a", Handle: 7, Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2))}, Rate: bitrate.Mbps,
		Path:   path.Path{{DPID: 1, In: 1, Out: 2}, {DPID: 2, In: 1, Out: 2}, {DPID: 3, In: 2, Out: 1}},
		Backup: path.Path{{DPID: 1, In: 1, Out: 3}, {DPID: 4, In: 1, Out: 2}, {DPID: 3, In: 3, Out: 1}},
	}
}

// TestGroupsWherePathsPart: traffic leaves through a group where it could go on
// by the backup, and only there; without such groups it goes by the path.
func TestGroupsWherePathsPart(t *testing.T) {
	for _, lacks := range []topology.Lacks{0, topology.LacksFailover} {
		want := map[openflow.DPID]map[openflow.PortNo]openflow.PortNo{ // by ingress port: egress port, or that of the group's backup times 100
			1: {1: 302, 2: 1, 3: 1}, 2: {1: 2, 2: 1}, 3: {1: 302, 2: 1, 3: 1}, 4: {1: 2, 2: 1},
		}
		for d, ports := range want {
			queue := uint32(3)
			sw := topology.Switch{DPID: d, Connected: true, Tables: 254, Meters: 100, Lacks: lacks, Ports: map[openflow.PortNo]topology.Port{
				1: {Up: true}, 2: {Up: true, Queue: &queue}, 3: {Up: true},
			}}
			n := &Network{
				Snapshot: &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{d: sw}}, Routes: NewRoutes(&topology.Snapshot{}),
				Policy: Policy{Forwarding: ForwardNone, UseQueue: true, Queue: 3}, Circuits: []path.Circuit{protected()},
			}
			st, got := Compile(n, d), map[openflow.PortNo]openflow.PortNo{}
			for _, r := range st.Rules {
				if k, _ := purpose.ReadCookie(r.Cookie); k != purpose.Allocation || r.Priority == prioTooBig {
					continue
				}
				in, _ := r.Match.Get(openflow.FieldInPort)
				got[openflow.PortNo(in.Uint64())] = outputOf(r)
				if id := r.group(); id != 0 {
					first, second := purpose.GroupPorts(id)
					got[openflow.PortNo(in.Uint64())] = 100*second + first
					if want := (Group{{Port: 2, Queued: true, Queue: 3}, {Port: 3}}); st.Groups[id] != want {
						t.Errorf("switch %d: group %+v, want %+v", d, st.Groups[id], want)
					}
				}
			}
			if lacks != 0 && ports[1] == 302 {
				ports[1] = 2
			}
			if !maps.Equal(got, ports) || lacks != 0 && len(st.Groups) > 0 {
				t.Errorf("switch %d, which lacks %b: %v, want %v; groups %v", d, lacks, got, ports, st.Groups)
			}
		}
	}
}

// TestReadGroup: what a switch is given is what is read, and anything else is
// not.
func TestReadGroup(t *testing.T) {
	g := Group{{Port: 2, Queued: true, Queue: 3}, {Port: 3}}
	id, _ := purpose.GroupID(2, 3)
	d := openflow.GroupDesc{GroupType: openflow.GroupTypeFF, Group: id, Buckets: g.buckets()}
	if got, ours := ReadGroup(d); got != g || !ours {
		t.Errorf("%+v %v", got, ours)
	}
	for name, spoil := range map[string]func(*openflow.GroupDesc){
		"another type":   func(d *openflow.GroupDesc) { d.GroupType = openflow.GroupTypeAll },
		"one bucket":     func(d *openflow.GroupDesc) { d.Buckets = d.Buckets[:1] },
		"another output": func(d *openflow.GroupDesc) { d.Buckets[1].Actions = []openflow.Action{openflow.Output(9, 0)} },
		"another action": func(d *openflow.GroupDesc) {
			d.Buckets[1].Actions = append(d.Buckets[1].Actions, openflow.Output(9, 0))
		},
		"nothing watched": func(d *openflow.GroupDesc) { d.Buckets[0].WatchPort = openflow.PortAny },
	} {
		d := openflow.GroupDesc{GroupType: d.GroupType, Group: id, Buckets: g.buckets()}
		spoil(&d)
		if got, ours := ReadGroup(d); got == g || !ours {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if d.Group = 7; purpose.OurGroup(7) {
		t.Error("group 7 is ours")
	} else if _, ours := ReadGroup(d); ours {
		t.Error("group 7 is read as ours")
	}
}

// groupDevice is a switch with groups, in which entries may be lost.
type groupDevice struct {
	*rapid.T
	*State
	now time.Time
}

// take carries out a step, and returns how the switch refuses it.
func (d *groupDevice) take(s Step) error {
	switch m := s.Message.(type) {
	case *openflow.GroupMod:
		_, there := d.Groups[m.ID]
		switch {
		case m.Command == openflow.GroupDelete:
			for k, r := range d.Rules {
				if r.group() == m.ID {
					d.Fatalf("group %x goes, and takes %v with it", m.ID, k)
				}
			}
			delete(d.Groups, m.ID)
		case m.Command == openflow.GroupAdd && there:
			return &openflow.Error{ErrType: openflow.ErrorTypeGroupModFailed, Code: uint16(openflow.GroupModFailedGroupExists)}
		case m.Command == openflow.GroupModify && !there:
			return &openflow.Error{ErrType: openflow.ErrorTypeGroupModFailed, Code: uint16(openflow.GroupModFailedUnknownGroup)}
		default:
			d.Groups[m.ID], _ = ReadGroup(openflow.GroupDesc{GroupType: m.GroupType, Group: m.ID, Buckets: m.Buckets})
		}
	case *openflow.FlowMod:
		if s.Rule == nil {
			delete(d.Rules, s.Removes.Key())
			break
		}
		if _, there := d.Groups[s.Rule.group()]; s.Rule.group() != 0 && !there {
			return &openflow.Error{ErrType: openflow.ErrorTypeBadAction, Code: uint16(openflow.BadActionBadOutGroup)}
		}
		d.Rules[s.Rule.Key()] = s.Rule
	}
	return nil
}

// drawGrouped returns a state of entries that lead to groups.
func drawGrouped(t *rapid.T) *State {
	st := NewState()
	for n := range openflow.PortNo(3) {
		if rapid.IntRange(0, 3).Draw(t, "there") == 0 {
			continue
		}
		spare := openflow.PortNo(rapid.IntRange(5, 7).Draw(t, "spare"))
		id, _ := purpose.GroupID(4, spare)
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(n + 1)}, openflow.ApplyActions(openflow.GroupAction(id)))
		if rapid.IntRange(0, 3).Draw(t, "plain") == 0 {
			r.Instructions = []openflow.Instruction{openflow.ApplyActions(openflow.Output(4, 0))}
		} else {
			st.Groups[id] = Group{{Port: 4, Queued: true, Queue: uint32(rapid.IntRange(0, 1).Draw(t, "queue"))}, {Port: spare}}
		}
		st.add(r)
	}
	return st
}

// TestGroupsArrive: groups come before the entries that lead to them and go
// after them, whatever is lost meanwhile; other programs' stay.
func TestGroupsArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &groupDevice{t, drawGrouped(t), t0}
		now := drawGrouped(t)
		r := NewReconciler(now.Whole(), 1)
		tell(r, d.State)
		for generation := uint64(2); generation < 8; generation++ {
			for range rapid.IntRange(0, 4).Draw(t, "rounds") {
				d.round(r)
			}
			switch rapid.IntRange(0, 3).Draw(t, "trouble") {
			case 0: // another program deletes a group
				for _, id := range slices.Sorted(maps.Keys(d.Groups)) {
					delete(d.Groups, id)
					for k, rule := range d.Rules {
						if rule.group() == id {
							delete(d.Rules, k)
							r.Vanished(k, rule.Cookie)
						}
					}
					break
				}
			case 1:
				r.Asked()
				r.Found(&State{Rules: maps.Clone(d.Rules), Meters: map[openflow.MeterID]Meter{}, Groups: maps.Clone(d.Groups)})
			}
			next := drawGrouped(t)
			p := leading(now, next)
			for id := range now.Groups {
				p.Groups[id] = nil
			}
			for id, g := range next.Groups {
				p.Groups[id] = &g
			}
			r.Want(p, generation, generation)
			now = next
		}
		for range 40 {
			if d.round(r) == 0 {
				d.now = d.now.Add(mostPause) // what was deleted again and again is left alone for a while
				r.Retry(d.now)
				r.Asked()
				r.Found(&State{Rules: maps.Clone(d.Rules), Meters: map[openflow.MeterID]Meter{}, Groups: maps.Clone(d.Groups)})
			}
		}
		if diff := difference(d.State, now); diff != "" {
			t.Fatal(diff)
		}
		if circuits, all := r.Confirmed(); circuits != 7 || all != 7 || !r.HoldsGroups(d.Groups) {
			t.Fatalf("confirmed up to %d and %d", circuits, all)
		}
	})
}

// round carries out the next steps, and returns how many there were.
func (d *groupDevice) round(r *Reconciler) int {
	steps, refused := r.Next(100, d.now), map[int]error{}
	for i, s := range steps {
		if err := d.take(s); err != nil {
			refused[i] = err
		}
	}
	if len(steps) > 0 {
		if fresh := BlameGroups(steps, refused); fresh != 0 {
			d.Fatalf("%v has the switch lack %b", refused, fresh)
		}
		r.Landed(refused)
	}
	return len(steps)
}

// TestGroupsThatAreLacking: a switch that refuses groups lacks them.
func TestGroupsThatAreLacking(t *testing.T) {
	g := Group{{Port: 1}, {Port: 2}}
	for code, want := range map[openflow.GroupModFailedCode]topology.Lacks{
		openflow.GroupModFailedBadType: topology.LacksFailover, openflow.GroupModFailedWatchUnsupported: topology.LacksFailover,
		openflow.GroupModFailedOutOfGroups: topology.LacksFailover, openflow.GroupModFailedGroupExists: 0,
	} {
		err := &openflow.Error{ErrType: openflow.ErrorTypeGroupModFailed, Code: uint16(code)}
		if got := BlameGroups([]Step{groupStep(purpose.FirstGroup, nil, &g)}, map[int]error{0: err}); got != want {
			t.Errorf("%v: lacks %b", err, got)
		}
	}
}
