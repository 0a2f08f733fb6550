package flow

import (
	"testing"

	"conga/controller/purpose"
	"conga/openflow"
)

// TestMeaning: forms in which a switch may list what it was given mean the
// same, and others do not.
func TestMeaning(t *testing.T) {
	mark, other, queue := openflow.SetField(openflow.IPDSCP(46)), openflow.SetField(openflow.IPDSCP(1)), openflow.SetQueue(3)
	to1, to2, up := openflow.Output(1, 0), openflow.Output(2, 0), openflow.Output(openflow.PortController, openflow.MaxLenNoBuffer)
	do := func(list ...openflow.Action) []openflow.Instruction {
		return []openflow.Instruction{openflow.ApplyActions(list...)}
	}
	for _, c := range []struct {
		name   string
		a, b   []openflow.Instruction
		same   bool
		course bool
	}{
		{"max_len to a port", do(to1), do(openflow.Output(1, 128)), true, true},
		{"max_len to the controller, all of both", do(up), do(openflow.Output(openflow.PortController, 0xffe5)), true, true},
		{"max_len to the controller, not all", do(up), do(openflow.Output(openflow.PortController, 128)), false, true},
		{"nothing to do", nil, do(), true, true},
		{"nothing to do, and onward", []openflow.Instruction{openflow.GotoTable(1)}, append(do(), openflow.GotoTable(1)), true, true},
		{"settings in another order", do(mark, queue, to1), do(queue, mark, to1), true, true},
		{"a setting behind the output", do(mark, to1), do(to1, mark), false, true},
		{"the same setting twice", do(mark, other, to1), do(other, mark, to1), false, true},
		{"no mark", do(mark, to1), do(to1), false, true},
		{"outputs in another order", do(to1, to2), do(to2, to1), false, false},
		{"another port", do(to1), do(to2), false, false},
		{"no output", do(to1), nil, false, false},
		{"another meter", append(do(to1), openflow.Meter(1)), append(do(to1), openflow.Meter(2)), false, false},
		{"onward to another table", []openflow.Instruction{openflow.GotoTable(1)}, []openflow.Instruction{openflow.GotoTable(2)}, false, false},
		{"onward, or not", append(do(to1), openflow.GotoTable(1)), do(to1), false, false},
		{"a group of that number", do(to1), do(openflow.GroupAction(1)), false, false},
		{"written, not applied", do(to1), []openflow.Instruction{openflow.WriteActions(to1)}, false, false},
	} {
		if got := sameInstructions(c.a, c.b); got != c.same || sameInstructions(c.b, c.a) != c.same {
			t.Errorf("%s: mean the same: %t", c.name, got)
		}
		if got := sameCourse(c.a, c.b); got != c.course || sameCourse(c.b, c.a) != c.course {
			t.Errorf("%s: take the same course: %t", c.name, got)
		}
	}
}

// TestMatchForms: an entry whose match is listed in another order, with masks
// of all ones or of none, is the one that is wanted.
func TestMatchForms(t *testing.T) {
	mac := openflow.MAC{2, 0, 0, 0, 0, 1}
	ones := openflow.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	rule := newRule(purpose.Forward, tableForwarding, 9, openflow.Match{openflow.InPort(1), openflow.EthDst(mac)}, openflow.ApplyActions(openflow.Output(1, 0)))
	for name, m := range map[string]openflow.Match{
		"another order":      {openflow.EthDst(mac), openflow.InPort(1)},
		"a mask of all ones": {openflow.InPort(1), openflow.EthDstMasked(mac, ones)},
		"a mask of none":     {openflow.InPort(1), openflow.EthDst(mac), openflow.EthSrcMasked(mac, openflow.MAC{})},
	} {
		r := NewReconciler(Whole{Rules: []*Rule{rule}}, 1)
		r.Tell(&openflow.FlowStats{Table: rule.Table, Priority: rule.Priority, Cookie: rule.Cookie, Match: m, Instructions: rule.Instructions})
		if r.Begin(); len(r.Next(10, t0)) != 0 {
			t.Errorf("%s: is written again", name)
		}
	}
}

// TestHabit: what comes back in another form twice is left so and named, also
// for other entries at once; when something else is wanted it is written, and
// what has packets take another course is no habit.
func TestHabit(t *testing.T) {
	match := func(port openflow.PortNo) openflow.Match { return openflow.Match{openflow.InPort(port)} }
	rule := func(in, out openflow.PortNo, marked bool) *Rule {
		acts := []openflow.Action{openflow.Output(out, 0)}
		if marked {
			acts = append([]openflow.Action{openflow.SetField(openflow.IPDSCP(46))}, acts...)
		}
		return newRule(purpose.Forward, tableForwarding, 9, match(in), openflow.ApplyActions(acts...))
	}
	r := NewReconciler(Whole{Rules: []*Rule{rule(1, 5, true)}}, 1)
	r.Begin()
	write := func(what string, n int) {
		t.Helper()
		if got := len(r.Next(10, t0)); got != n {
			t.Errorf("%s: %d are written, want %d", what, got, n)
		}
		r.Landed(nil)
	}
	find := func(rules ...*Rule) {
		st := NewState()
		for _, x := range rules {
			st.Rules[x.Key()] = x
		}
		r.Asked()
		r.Found(st)
	}
	write("at first", 1)
	find(rule(1, 5, false))
	write("found without its mark", 1)
	if says := r.Limitations(); len(says) != 0 {
		t.Errorf("after the first time it says %q", says)
	}
	find(rule(1, 5, false))
	write("found so again", 0)
	if says := r.Limitations(); len(says) != 1 {
		t.Errorf("after the second time it says %q", says)
	}
	for range 5 {
		look := r.Audit()
		look.Entry(&openflow.FlowStats{Table: tableForwarding, Priority: 9, Cookie: purpose.MakeCookie(purpose.Forward, 0), Match: match(1), Instructions: rule(1, 5, false).Instructions})
		if !look.Passed() {
			t.Error("an audit does not pass")
		}
	}
	one, two := rule(1, 6, true), rule(2, 7, true)
	r.Want(Patch{Rules: map[openflow.EntryKey]*Rule{one.Key(): one, two.Key(): two}}, 2, 2)
	write("something else, and another one", 2)
	find(rule(1, 6, false), rule(2, 7, false))
	write("found without their marks", 0)
	find(rule(1, 6, false), rule(2, 8, false))
	write("found with another port", 1)
	find(rule(1, 6, false))
	write("found to be gone", 1)
	if all, _ := r.Confirmed(); all != 2 {
		t.Errorf("confirmed is generation %d", all)
	}
}
