package ofswitch

import (
	"bytes"
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/openflow"
)

// A plainEntry is an entry of a table that is searched from one end to the
// other.
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
				tab.setKey(e, &rule)
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

// Every switch of a torus leads to its four neighbours, each by the port that
// points at it.
func TestTorus(t *testing.T) {
	n := Torus(3, 4, TopologyConfig{Hosts: 2})
	defer n.Close()
	if len(n.Switches()) != 12 || len(n.Hosts()) != 24 || len(n.Links()) != 24+24 {
		t.Fatalf("%d switches, %d hosts, %d links", len(n.Switches()), len(n.Hosts()), len(n.Links()))
	}
	for i, d := range map[openflow.PortNo]openflow.DPID{3: 6, 4: 8, 5: 9, 6: 1} { // of the switch 5: second row, first column
		l := n.LinkBetween(5, d)
		if l == nil {
			t.Fatalf("no link to %v", d)
		}
		a, b := l.Ends()
		if b.DPID == 5 {
			a, b = b, a
		}
		opposite := 3 + ((i - 3) ^ 1)
		if a.Port != i || b.Port != opposite {
			t.Errorf("to %v by ports %d and %d, want %d and %d", d, a.Port, b.Port, i, opposite)
		}
	}
	line := Torus(1, 2, TopologyConfig{Hosts: -1})
	defer line.Close()
	if len(line.Links()) != 1 {
		t.Errorf("two switches have %d links", len(line.Links()))
	}
}

// A dump is to the byte what the codec would have written.
func TestDumpIsWhatTheCodecWrites(t *testing.T) {
	s := New(Config{DPID: 1, Tables: 4, Probe: -1})
	ip := openflow.Match{openflow.EthType(0x800), openflow.InPort(3), openflow.VLANAny(), openflow.IPDSCP(5)}
	for i, m := range []*openflow.FlowMod{
		flow(1, nil), flow(2, ip, to(1, 2), openflow.GotoTable(2)), flow(3, openflow.Match{openflow.Metadata(5, 7)}, openflow.WriteMetadata(1, 3)),
		flow(3, openflow.Match{openflow.EthDstMasked(openflow.MAC{1}, openflow.MAC{1})}, openflow.ClearActions(), to(7)),
	} {
		m.Cookie, m.IdleTimeout, m.HardTimeout, m.Flags = openflow.Cookie(i), uint16(i), uint16(2*i), openflow.FlowSendFlowRem
		if err := s.Apply(m); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock() // against the clock of the timeouts
	defer s.mu.Unlock()
	entries := s.selectedLocked(openflow.TableAll, &filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny})
	got, left := appendPart(nil, 7, entries, 3*time.Second+5)
	want, err := openflow.Append(nil, 7, openflow.NewMultipartReply(stats(entries, 3*time.Second+5)[0]))
	if err != nil || len(left) != 0 || len(entries) != 4 || !bytes.Equal(got, want) {
		t.Errorf("%d entries, %d left, %v:\n%x, want\n%x", len(entries), len(left), err, got, want)
	}
}
