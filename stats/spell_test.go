package stats

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// spellsOf returns the causes of an account's spells, with their seconds.
func spellsOf(f *fabric) (text string) {
	for _, s := range f.ledger.accounts["a"].degraded.spells {
		text += fmt.Sprintf("%v %v %v;", s.Cause, s.From.Unix()-1_000_000, max(0, s.To.Unix()-1_000_000))
	}
	return text
}

// What an allocation lacks is noted with its times, the worst alone where
// several things do, over a restart of the daemon and until it is complete.
func TestSpells(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2))
	a := f.ledger.accounts["a"]
	at := func(seconds int) time.Time { f.now = time.Unix(1_000_000+int64(seconds), 0); return f.now }
	lacks := func(seconds int, s Shortfall) {
		f.ledger.setOwner(a, Owner{Project: "p", Started: true, Window: Span{1, 2}, Shortfall: s}, at(seconds))
	}
	lacks(1, Shortfall{})
	lacks(2, Shortfall{Unenforced, "no meters"})
	lacks(3, Shortfall{Unenforced, "no meters"})
	f.ledger.degrade(a, Loss, "lost", at(4))
	lacks(5, Shortfall{LostPath, "cut"})
	if f.ledger.degraded != [causes]int{LostPath: 1} {
		t.Errorf("counts %v", f.ledger.degraded)
	}
	lacks(7, Shortfall{})
	f.ledger.degrade(a, Loss, "", at(9))
	if got := spellsOf(f); got != "enforcement 2 5;path 5 7;loss 7 9;" || a.degraded.total(f.now) != 7*time.Second {
		t.Errorf("spells %s, %v in all", got, a.degraded.total(f.now))
	}
	lacks(20, Shortfall{LostPath, "cut"})
	at(25)
	saved := f.save()
	for name, then := range map[string]Shortfall{"enforcement 2 5;path 5 7;loss 7 9;path 20 25;": {}, "enforcement 2 5;path 5 7;loss 7 9;path 20 0;": {LostPath, "cut"}} {
		f.ledger = newLedger()
		f.restore(t, saved)
		a = f.ledger.accounts["a"]
		if f.ledger.degraded[LostPath] != 1 {
			t.Errorf("counts %v after a restart", f.ledger.degraded)
		}
		lacks(40, then)
		if got := spellsOf(f); got != name {
			t.Errorf("after a restart, %v: %s", then, got)
		}
	}
	f.ledger.setOwner(a, Owner{Project: "p", Complete: true, Started: true}, at(50))
	if f.ledger.degraded != [causes]int{} || a.degraded.now() != nil {
		t.Errorf("%v of what is complete, %v", f.ledger.degraded, spellsOf(f))
	}
	for i := range 2 * lastSpells {
		f.ledger.degrade(a, Loss, fmt.Sprint(i), at(100+i))
	}
	if d := a.degraded; len(d.spells) != lastSpells || d.spells[0].Why != fmt.Sprint(lastSpells) || f.ledger.degraded != [causes]int{Loss: 1} {
		t.Errorf("%d spells, the first %+v, counts %v", len(d.spells), d.spells[0], f.ledger.degraded)
	}
	f.ledger.delete(a)
	if f.ledger.degraded != [causes]int{} || len(f.ledger.unsettled) != 0 {
		t.Errorf("%v of what is deleted", f.ledger.degraded)
	}
}

// Moves are counted when they are confirmed, over a restart, with what was the
// matter last before that, and the plan is the last one before the end.
func TestMovesAndPlan(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2))
	a := f.ledger.accounts["a"]
	for _, w := range []uint64{5, 5, 6, 5} {
		f.ledger.confirmed(a, w, f.now)
	}
	a.plan(Owner{Window: Span{10, 20}})
	a.plan(Owner{Window: Span{11, 21}})
	a.plan(Owner{Started: true, Window: Span{12, 22}})
	a.plan(Owner{Started: true, Window: Span{12, 32}})
	a.plan(Owner{Started: true, Complete: true, Window: Span{12, 15}})
	next := circuitOver(1, 9).Path
	way := digest(next)
	f.ledger.setOwner(a, Owner{Started: true, Moving: "a link is down"}, f.now)
	f.ledger.setOwner(a, Owner{Started: true, Path: next}, f.now)
	saved := f.save()
	f.ledger = newLedger()
	f.restore(t, saved)
	a = f.ledger.accounts["a"]
	f.ledger.confirmed(a, way, f.now)
	f.ledger.confirmed(a, way, f.now)
	moved := []Move{{f.now, ""}, {f.now, ""}, {f.now, "a link is down"}}
	if r := a.receipt(f.now); r.Moves != 3 || !slices.EqualFunc(r.Moved, moved, func(a, b Move) bool { return a.At.Equal(b.At) && a.Why == b.Why }) || r.Planned != (Span{11, 32}) {
		t.Errorf("%d moves, %+v, planned %v", r.Moves, r.Moved, r.Planned)
	}
	if digest(circuitOver(1, 2).Path) == digest(circuitOver(1, 3).Path) || digest(nil) == 0 {
		t.Error("digests are the same")
	}
}

// What versions 1 and 2 have saved is read, without a course.
func TestOlderAccounts(t *testing.T) {
	for _, text := range []string{
		`{"v":1,"handle":7,"forward":{"entered":{"packets":1,"bytes":100},"left":{"packets":1,"bytes":100},"dropped":{},"inside":{}},"reverse":{},"final":true}`,
		`{"v":2,"project":"p","handle":7,"forward":{"entered":{"packets":1,"bytes":100}},"reverse":{}}`,
	} {
		r, err := parse("a", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		a := l.restore("a", r)
		if a.directions[forward].Entered.Bytes != 100 || a.planned != (Span{}) || a.way != 0 || a.receipt(time.Now()).ForwardRates != nil {
			t.Errorf("%s is read as %+v", text, a)
		}
		var again savedAccount
		if text := encode(a.save(time.Now())); json.Unmarshal(text, &again) != nil || again.Version != 3 || again.Course.Planned != (Span{}) {
			t.Errorf("saved as %s", text)
		}
	}
}
