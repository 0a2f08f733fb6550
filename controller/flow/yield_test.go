package flow

import (
	"testing"

	"conga/controller/purpose"
	"conga/openflow"
)

// towards returns the rule towards a host, as a switch has it beside those of
// the pipeline.
func towards(n openflow.DPID) *Rule {
	r := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.EthDst(host(n))}, openflow.ApplyActions(openflow.Output(openflow.PortNo(n), 0)))
	r.host = true
	return r
}

// A room is a switch whose tables have room for few entries.
type room struct {
	*Reconciler
	most int
	have map[openflow.EntryKey]*Rule
	adds int // that were refused
}

// settle carries steps out until there are none.
func (r *room) settle() {
	full := openflow.NewError(openflow.FlowModFailedTableFull, nil)
	for steps := soon(r.Reconciler, 100); len(steps) > 0; steps = soon(r.Reconciler, 100) {
		refused := map[int]error{}
		for i, s := range steps {
			switch {
			case s.Removes != nil:
				delete(r.have, s.Removes.Key())
			case r.have[s.Rule.Key()] == nil && r.in(s.Rule.Table) == r.most:
				refused[i] = full
				r.adds++
			default:
				r.have[s.Rule.Key()] = s.Rule
			}
		}
		r.Landed(refused)
	}
}

func (r *room) in(t openflow.TableID) (n int) {
	for k := range r.have {
		if k.Table == t {
			n++
		}
	}
	return n
}

// Where a table is full, what floods and what keeps loops out is there all the
// same, now and after it was tried again; of the hosts there are as many as
// have room, and the others are told of.
func TestHostsYield(t *testing.T) {
	miss := newRule(purpose.Forward, tableForwarding, prioMiss, nil, openflow.ApplyActions(openflow.Output(7, 0)))
	bars := newRule(purpose.Control, tableForwarding, prioPort, openflow.Match{openflow.InPort(7)})
	bars.guard = bar
	r := &room{begun(miss, towards(1), towards(2), towards(3), towards(4), towards(5)), 4, map[openflow.EntryKey]*Rule{}, 0}
	check := func(when string, hosts int, want ...*Rule) {
		t.Helper()
		for _, rule := range want {
			if r.have[rule.Key()] == nil {
				t.Errorf("%s: %v is not there", when, rule)
			}
		}
		if n := len(r.have) - len(want); n != hosts {
			t.Errorf("%s: %d hosts, want %d", when, n, hosts)
		}
	}
	r.settle()
	check("at first", 3, miss)
	if lapses := r.Lapses(); len(lapses) != 2 || !lapses[0].Refused || !lapses[1].Refused {
		t.Errorf("lapses %v", lapses)
	}
	if !r.Retry(t0) {
		t.Error("nothing is tried again")
	}
	r.settle()
	check("tried again", 3, miss)
	r.Want(wanting(bars), 2, 2)
	r.settle()
	check("with what keeps loops out", 2, miss, bars)
	if c, all := r.Confirmed(); c != 2 || all != 2 || r.Shut() != nil {
		t.Errorf("confirmed are %d and %d; ports closed: %v", c, all, r.Shut())
	}
	r.most = 6
	r.Retry(t0)
	r.settle()
	check("with more room", 4, miss, bars)
}

// A switch that calls full what has no room for another reason costs few hosts
// their entries.
func TestFewHostsYield(t *testing.T) {
	miss := newRule(purpose.Forward, tableForwarding, prioMiss, nil, openflow.ApplyActions(openflow.Output(7, 0)))
	r := begun(miss, towards(1), towards(2), towards(3), towards(4), towards(5))
	full := openflow.NewError(openflow.FlowModFailedTableFull, nil)
	gone := 0
	for steps := soon(r, 100); len(steps) > 0; steps = soon(r, 100) {
		refused := map[int]error{}
		for i, s := range steps {
			if s.Rule == miss {
				refused[i] = full
			} else if s.Removes != nil {
				gone++
			}
		}
		r.Landed(refused)
	}
	if by, _ := r.Refused(); gone != yieldsMost || len(by) != 1 {
		t.Errorf("%d hosts have yielded, refused is %v", gone, by)
	}
}

// Where nothing can yield in a table, what is refused there after that asks no
// more: each would look through all entries. When what was refused is tried
// again, what has come meanwhile can.
func TestNothingYieldsForAWhile(t *testing.T) {
	bar := func(port openflow.PortNo) *Rule {
		return newRule(purpose.Control, tableForwarding, prioPort, openflow.Match{openflow.InPort(port)})
	}
	r := &room{begun(bar(1), bar(2)), 1, map[openflow.EntryKey]*Rule{}, 0}
	r.settle()
	r.most = 2
	r.Want(wanting(towards(1)), 1, 1)
	r.settle()
	r.Want(wanting(bar(3)), 1, 1)
	r.settle()
	if r.have[towards(1).Key()] == nil || r.adds != 2 {
		t.Errorf("%d are refused; there are %v", r.adds, r.have)
	}
	elsewhere := newRule(purpose.Control, tableLearning, prioPort, openflow.Match{openflow.InPort(4)})
	if r.yields.none[elsewhere.Table] {
		t.Error("another table cannot yield either")
	}
	r.Retry(t0)
	r.settle()
	if r.have[towards(1).Key()] != nil || len(r.have) != 2 {
		t.Errorf("tried again: there are %v", r.have)
	}
}

// In a table with hosts a circuit finds room as long as there are some, and
// then it is refused.
func TestHostsYieldToCircuits(t *testing.T) {
	of := func(n uint16) *Rule {
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(openflow.PortNo(n))}, openflow.ApplyActions(openflow.Output(7, 0)))
		r.Cookie = purpose.MakeCookie(purpose.Allocation, uint64(n))
		return r
	}
	hosts := []*Rule{towards(1), towards(2), towards(3)}
	for _, h := range hosts {
		h.Table = tableAllocations
	}
	r := &room{begun(hosts...), 3, map[openflow.EntryKey]*Rule{}, 0}
	r.settle()
	for n := uint16(1); n <= 4; n++ {
		r.Want(wanting(of(n)), uint64(n), uint64(n))
		r.settle()
		by, _ := r.Refused()
		if full := by[uint64(n)] != nil; full != (n == 4) || (r.have[of(n).Key()] != nil) == full {
			t.Errorf("entry %d of a circuit: refused are %v, and there are %v", n, by, r.have)
		}
	}
	if lapses := r.Lapses(); len(lapses) != len(hosts) {
		t.Errorf("hosts have yielded: %v, want all %d", lapses, len(hosts))
	}
}

// Where many entries are refused at a time, those that can yield are looked for
// once, however many others the switch holds.
func TestYieldersAreLookedForOnce(t *testing.T) {
	const fit, more = 300, 200
	var hosts, bars []*Rule
	for n := range openflow.DPID(fit) {
		hosts = append(hosts, towards(n+1))
	}
	for n := range openflow.PortNo(more) {
		bars = append(bars, newRule(purpose.Control, tableForwarding, prioPort, openflow.Match{openflow.InPort(n + 1)}))
	}
	r := &room{begun(hosts...), fit, map[openflow.EntryKey]*Rule{}, 0}
	r.settle()
	r.Want(wanting(bars...), 2, 2)
	r.settle()
	for _, bar := range bars {
		if r.have[bar.Key()] == nil {
			t.Fatalf("%v is not there", bar)
		}
	}
	if n := len(r.have) - more; n != fit-more {
		t.Errorf("%d hosts are left, want %d", n, fit-more)
	}
	if r.yields.looks > 1 {
		t.Errorf("all entries were looked through %d times", r.yields.looks)
	}
}
