package flow

import (
	"errors"
	"testing"

	"conga/controller/purpose"
	"conga/openflow"
)

// grouped returns a state of one entry of a circuit that leads to a group.
func grouped(queue uint32) (st *State, id openflow.GroupID, rule *Rule) {
	st = NewState()
	id, _ = purpose.GroupID(4, 5)
	rule = newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(1)}, openflow.ApplyActions(openflow.GroupAction(id)))
	st.add(rule)
	st.Groups[id] = Group{{Port: 4, Queued: true, Queue: queue}, {Port: 5}}
	return st, id, rule
}

// commands carries out the next steps but for those that are refused, and
// returns the commands of those about groups, and how many there were of
// others.
func commands(r *Reconciler, refused map[int]error) (groups []openflow.GroupModCommand, others int) {
	for _, s := range r.Next(100, t0) {
		if m, ok := s.Message.(*openflow.GroupMod); ok {
			groups = append(groups, m.Command)
		} else {
			others++
		}
	}
	r.Landed(refused)
	return groups, others
}

func groupRefusal(code openflow.GroupModFailedCode) error {
	return &openflow.Error{ErrType: openflow.ErrorTypeGroupModFailed, Code: uint16(code)}
}

// TestGroupsThatAreRefused: a circuit is not confirmed before its group is
// answered for. What a switch refuses is left alone until it is tried again,
// and is not short of a group any more once none is wanted.
func TestGroupsThatAreRefused(t *testing.T) {
	st, id, rule := grouped(1)
	r := NewReconciler(st.Whole(), 1)
	if !r.Grouped() {
		t.Error("no group is wanted")
	}
	r.Begin()
	if circuits, all := r.Confirmed(); circuits != 0 || all != 0 {
		t.Errorf("confirmed up to %d and %d before anything is sent", circuits, all)
	}
	full := groupRefusal(openflow.GroupModFailedOutOfGroups)
	steps := r.Next(1, t0)
	if len(steps) != 2 || steps[0].Group == nil || *steps[0].Group != st.Groups[id] || steps[0].GroupID != id || steps[1].Rule == nil {
		t.Fatalf("first come %+v", steps)
	}
	if circuits, _ := r.Confirmed(); circuits != 0 {
		t.Errorf("confirmed up to %d while the group is under way", circuits)
	}
	r.Landed(map[int]error{0: full, 1: errors.New("there is no such group")})
	if !r.Ungrouped() || r.HoldsGroups(st.Groups) || !r.HoldsGroups(nil) {
		t.Error("a refused group is there, or not wanted")
	}
	if steps := r.Next(100, t0); len(steps) != 0 {
		t.Errorf("what is refused is sent again: %+v", steps)
	}
	if !r.Retry(t0) || r.Ungrouped() {
		t.Error("nothing is tried again")
	}
	if groups, others := commands(r, nil); len(groups) != 1 || groups[0] != openflow.GroupAdd || others != 1 || !r.HoldsGroups(st.Groups) {
		t.Errorf("tried again are %v, and %d others", groups, others)
	}
	if circuits, all := r.Confirmed(); circuits != 1 || all != 1 {
		t.Errorf("confirmed up to %d and %d", circuits, all)
	}
	if r.Retry(t0) {
		t.Error("there is something to try again")
	}
	next := Group{{Port: 4}, {Port: 5}}
	p := NewPatch()
	p.Groups[id] = &next
	r.Want(p, 2, 2)
	another, _ := purpose.GroupID(7, 8)
	if r.HoldsGroups(map[openflow.GroupID]Group{id: next}) || r.HoldsGroups(map[openflow.GroupID]Group{another: st.Groups[id]}) || !r.HoldsGroups(st.Groups) {
		t.Error("another group is taken for the one that is there")
	}
	p = NewPatch()
	last := Group{{Port: 4, Queued: true, Queue: 9}, {Port: 5}}
	p.Groups[id] = &last
	r.Want(p, 3, 3)
	if circuits, _ := r.Confirmed(); circuits != 1 {
		t.Errorf("confirmed up to %d before the group is changed", circuits)
	}
	if groups, _ := commands(r, map[int]error{0: full}); len(groups) != 1 || groups[0] != openflow.GroupModify || !r.Ungrouped() {
		t.Errorf("changed by %v", groups)
	}
	p = NewPatch()
	p.Rules[rule.Key()], p.Groups[id] = nil, nil
	r.Want(p, 4, 4)
	if r.Ungrouped() {
		t.Error("a group is lacking that is not wanted")
	}
	for range 3 {
		commands(r, nil)
	}
	if circuits, all := r.Confirmed(); circuits != 4 || all != 4 || r.Holds() != 0 || !r.HoldsGroups(nil) {
		t.Errorf("in the end it holds %d entries, confirmed up to %d and %d", r.Holds(), circuits, all)
	}
}

// TestGroupIsThereOrIsNot: a group that a switch says it has, or has not,
// against what was thought is changed, or added, at once.
func TestGroupIsThereOrIsNot(t *testing.T) {
	st, id, rule := grouped(1)
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	if groups, others := commands(r, map[int]error{0: groupRefusal(openflow.GroupModFailedGroupExists)}); len(groups) != 1 || groups[0] != openflow.GroupAdd || others != 1 {
		t.Fatalf("first come %v, and %d others", groups, others)
	}
	if groups, _ := commands(r, nil); len(groups) != 1 || groups[0] != openflow.GroupModify || r.Ungrouped() {
		t.Errorf("what was there all along is sent as %v", groups)
	}
	commands(r, nil)
	next := Group{{Port: 4}, {Port: 5}}
	p := NewPatch()
	p.Groups[id] = &next
	r.Want(p, 2, 2)
	if groups, _ := commands(r, map[int]error{0: groupRefusal(openflow.GroupModFailedUnknownGroup)}); len(groups) != 1 || groups[0] != openflow.GroupModify {
		t.Errorf("changed by %v", groups)
	}
	if groups, _ := commands(r, nil); len(groups) != 1 || groups[0] != openflow.GroupAdd || !r.HoldsGroups(map[openflow.GroupID]Group{id: next}) {
		t.Errorf("what was not there is sent as %v", groups)
	}
	r.Vanished(rule.Key(), rule.Cookie) // as when another program deletes the group
	if circuits, _ := r.Confirmed(); circuits != 0 {
		t.Errorf("confirmed up to %d although an entry and its group are gone", circuits)
	}
	if groups, others := commands(r, nil); len(groups) != 1 || groups[0] != openflow.GroupAdd || others != 1 {
		t.Errorf("after the loss of the entry %v are sent, and %d others", groups, others)
	}
}

// TestGroupsThatAreFound: what a switch is found to hold otherwise is put
// right, but for what was sent since it was asked.
func TestGroupsThatAreFound(t *testing.T) {
	st, id, _ := grouped(1)
	stray, _ := purpose.GroupID(7, 8)
	r := NewReconciler(st.Whole(), 1)
	tell(r, st)
	if groups, others := commands(r, nil); len(groups)+others != 0 {
		t.Errorf("%v and %d others are sent though all is there", groups, others)
	}
	found := func(groups map[openflow.GroupID]Group) {
		r.Found(&State{Rules: st.Rules, Meters: map[openflow.MeterID]Meter{}, Groups: groups})
	}
	for _, x := range []struct {
		name   string
		groups map[openflow.GroupID]Group
		want   []openflow.GroupModCommand
	}{
		{"as it is", st.Groups, nil},
		{"changed", map[openflow.GroupID]Group{id: {{Port: 4}, {Port: 5}}}, []openflow.GroupModCommand{openflow.GroupModify}},
		{"gone", map[openflow.GroupID]Group{}, []openflow.GroupModCommand{openflow.GroupAdd}},
		{"beside a stray one", map[openflow.GroupID]Group{id: st.Groups[id], stray: {{Port: 7}, {Port: 8}}}, []openflow.GroupModCommand{openflow.GroupDelete}},
	} {
		r.Asked()
		found(x.groups)
		var got []openflow.GroupModCommand
		for range 2 {
			groups, _ := commands(r, nil)
			got = append(got, groups...)
		}
		if len(got) != len(x.want) || len(got) > 0 && got[0] != x.want[0] || !r.HoldsGroups(st.Groups) {
			t.Errorf("found %s: %v is sent, want %v", x.name, got, x.want)
		}
	}
	r.Asked()
	next := Group{{Port: 4}, {Port: 5}}
	p := NewPatch()
	p.Groups[id] = &next
	r.Want(p, 2, 2)
	commands(r, nil)
	found(st.Groups) // as it was when the switch was asked
	if groups, _ := commands(r, nil); len(groups) != 0 || !r.HoldsGroups(map[openflow.GroupID]Group{id: next}) {
		t.Errorf("what was sent since is sent again: %v", groups)
	}
}

// TestGroupsGoAfterTheirEntries: a group that is not wanted stays as long as an
// entry leads to it that is about to change, or that the switch did not change:
// it would take the entry with it.
func TestGroupsGoAfterTheirEntries(t *testing.T) {
	st, id, rule := grouped(1)
	r := NewReconciler(st.Whole(), 1)
	tell(r, st)
	plain := *rule
	plain.Instructions = []openflow.Instruction{openflow.ApplyActions(openflow.Output(4, 0))}
	p := NewPatch()
	p.Rules[rule.Key()], p.Groups[id] = &plain, nil
	r.Want(p, 2, 2)
	if groups, others := commands(r, map[int]error{0: errors.New("not now")}); len(groups) != 0 || others != 1 {
		t.Errorf("first go %v, and %d others", groups, others)
	}
	if groups, others := commands(r, nil); len(groups)+others != 0 {
		t.Errorf("%v goes, and %d others, while the entry leads there", groups, others)
	}
	r.Retry(t0)
	if groups, others := commands(r, nil); len(groups) != 0 || others != 1 {
		t.Errorf("tried again go %v, and %d others", groups, others)
	}
	if groups, others := commands(r, nil); len(groups) != 1 || groups[0] != openflow.GroupDelete || others != 0 {
		t.Errorf("at last go %v, and %d others", groups, others)
	}
	if !r.HoldsGroups(nil) {
		t.Error("a group is left")
	}
}
