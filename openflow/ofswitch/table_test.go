package ofswitch

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/openflow"
)

// A plainEntry is an entry of a table that is searched from one end to the other.
type plainEntry struct {
	rule     ruleMatch
	priority uint16
	cookie   openflow.Cookie
	e        *entry
}

func (p *plainEntry) matches(key *flowKey) bool {
	for i := range key {
		if key[i]&p.rule.mask[i] != p.rule.key[i] {
			return false
		}
	}
	return true
}

func (p *plainEntry) coveredBy(rule *ruleMatch) bool {
	for i := range rule.mask {
		if rule.mask[i]&^p.rule.mask[i] != 0 || (rule.key[i]^p.rule.key[i])&rule.mask[i] != 0 {
			return false
		}
	}
	return true
}

func (p *plainEntry) overlaps(rule *ruleMatch) bool {
	for i := range rule.mask {
		if (rule.key[i]^p.rule.key[i])&rule.mask[i]&p.rule.mask[i] != 0 {
			return false
		}
	}
	return true
}

// drawRule draws a match of few fields with few values, so that many coincide.
func drawRule(t *rapid.T) ruleMatch {
	var m ruleMatch
	for word := range rapid.IntRange(0, 3).Draw(t, "words") {
		m.mask[word] = rapid.SampledFrom([]uint64{0, 1, 3, ^uint64(0)}).Draw(t, "mask")
		m.key[word] = m.mask[word] & rapid.Uint64Range(0, 3).Draw(t, "key")
	}
	return m
}

// Whatever is added and removed, a table finds what a list finds.
func TestTableFindsWhatAListFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tab table
		var list []plainEntry // by age
		prog := &program{next: -1}
		for step := range rapid.IntRange(1, 120).Draw(t, "steps") {
			rule, priority := drawRule(t), rapid.Uint16Range(0, 3).Draw(t, "priority")
			at := slices.IndexFunc(list, func(p plainEntry) bool { return p.rule == rule && p.priority == priority })
			found := tab.find(&rule, priority)
			if (at < 0) != (found == nil) || at >= 0 && list[at].e != found {
				t.Fatalf("step %d: find returns %v, the list has index %d", step, found, at)
			}
			if found != nil {
				tab.remove(found)
				list = slices.Delete(list, at, at+1)
			} else {
				e := &entry{priority: priority, cookie: openflow.Cookie(step % 4), created: time.Duration(step), program: prog}
				tab.place(e, &rule)
				tab.insert(e)
				list = append(list, plainEntry{rule, priority, e.cookie, e})
			}
			compareTable(t, &tab, list)
		}
	})
}

func compareTable(t *rapid.T, tab *table, list []plainEntry) {
	if tab.count != len(list) {
		t.Fatalf("%d entries, want %d", tab.count, len(list))
	}
	var key flowKey
	for word := range 3 {
		key[word] = rapid.Uint64Range(0, 3).Draw(t, "packet")
	}
	var best uint16
	matching := false
	for i := range list {
		if list[i].matches(&key) {
			matching, best = true, max(best, list[i].priority)
		}
	}
	if e := tab.lookup(&key); (e != nil) != matching || e != nil && (e.priority != best || !e.matches(&key)) {
		t.Fatalf("lookup of %v returns %+v, want priority %d: %v", key, e, best, matching)
	}
	f := filter{rule: drawRule(t), cookie: 1, cookieMask: openflow.Cookie(rapid.IntRange(0, 3).Draw(t, "cookie mask")),
		outPort: openflow.PortAny, outGroup: openflow.GroupAny}
	var want []*entry
	overlaps := false
	for i := range list {
		if list[i].coveredBy(&f.rule) && (list[i].cookie^f.cookie)&f.cookieMask == 0 {
			want = append(want, list[i].e)
		}
		overlaps = overlaps || list[i].priority == 1 && list[i].overlaps(&f.rule)
	}
	slices.SortStableFunc(want, func(a, b *entry) int { return cmp.Compare(b.priority, a.priority) })
	if got := tab.selected(&f); !slices.Equal(got, want) {
		t.Fatalf("selected %d entries, want %d, or another order", len(got), len(want))
	}
	if tab.overlap(&f.rule, 1) != overlaps {
		t.Fatalf("overlap is not %v", overlaps)
	}
}

// Entries share programs, which go with the last of them.
func TestProgramsAreShared(t *testing.T) {
	s := New(Config{DPID: 1, Probe: -1})
	for i := range uint16(10) {
		if err := s.Apply(flow(i, nil, to(openflow.PortNo(1+i%2)))); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.programs) != 2 || s.FlowsTo(1) != 5 || s.FlowsTo(2) != 5 || s.FlowsTo(3) != 0 {
		t.Errorf("%d programs; %d and %d entries to the ports", len(s.programs), s.FlowsTo(1), s.FlowsTo(2))
	}
	change := flow(0, nil, to(3))
	change.Command = openflow.FlowModify
	if err := s.Apply(change); err != nil {
		t.Fatal(err)
	}
	if len(s.programs) != 1 || s.FlowsTo(3) != 10 || s.FlowsTo(1) != 0 {
		t.Errorf("after a change %d programs, %d entries to the port", len(s.programs), s.FlowsTo(3))
	}
	if err := s.Apply(openflow.NewFlowDelete(openflow.TableAll, nil)); err != nil {
		t.Fatal(err)
	}
	if len(s.programs) != 0 || s.FlowsTo(3) != 0 {
		t.Errorf("%d programs are left over", len(s.programs))
	}
}
