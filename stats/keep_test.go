package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// landlord has allocations, and a poller that counts them, of which tests do
// what the clock does otherwise.
type landlord struct {
	poller *Poller
	kept   *memoryArchive
	known  map[string]Owner
	now    time.Time
	next   uint32
}

func newLandlord(t interface{ Fatal(...any) }) *landlord {
	l := &landlord{kept: newCupboard(), known: map[string]Owner{}, now: time.Unix(1_000_000, 0)}
	l.start(t)
	return l
}

// start makes a poller of what is kept.
func (l *landlord) start(t interface{ Fatal(...any) }) {
	p, err := New(context.Background(), Config{
		Source: &manySwitches{snap: &topology.Snapshot{}}, Archive: l.kept,
		Owner: func(id string) (Owner, bool) { o, ok := l.known[id]; return o, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.poller = p
}

// create has an allocation of a project in the network.
func (l *landlord) create(project string) string {
	l.next++
	id := fmt.Sprintf("al-%04d", l.next)
	l.known[id] = Owner{Project: project}
	c := circuitOver(openflow.DPID(l.next))
	c.ID, c.Handle = id, l.next
	l.poller.Install(c)
	return id
}

// carry has an allocation carry something forward.
func (l *landlord) carry(id string, v Volume) {
	if a := l.poller.ledger.accounts[id]; a != nil {
		l.poller.ledger.count(a, position{Direction: forward, Entrance: true, Exit: true}, v, l.now)
	}
}

// finish takes an allocation out of the network, for good or to come back.
func (l *landlord) finish(id string, complete bool) {
	if complete {
		l.known[id] = Owner{Project: l.known[id].Project, Complete: true}
		l.poller.Changed(id, l.known[id], false)
	}
	if a := l.poller.ledger.accounts[id]; a != nil {
		l.poller.ledger.leave(id, l.now)
	}
}

func (l *landlord) remove(id string, reported bool) {
	if o, ok := l.known[id]; ok && reported {
		l.poller.Changed(id, o, true)
	}
	delete(l.known, id)
}

// tick lets time pass.
func (l *landlord) tick(d time.Duration) {
	l.now = l.now.Add(d)
	l.poller.keepOnce(context.Background(), l.now, l.now.Add(-saveEvery))
}

// Any history of allocations: the totals of each project are the sums over its
// allocations, finished or not, over restarts and failures of the store; and
// memory has those that are not complete.
func TestTotalsAreSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLandlord(t)
		projects := []string{"p", "q"}
		pick := func() string {
			ids := slices.Sorted(maps.Keys(l.known))
			if len(ids) == 0 {
				t.Skip("nothing there")
			}
			return rapid.SampledFrom(ids).Draw(t, "allocation")
		}
		carried := map[string]Volume{}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) { l.create(rapid.SampledFrom(projects).Draw(t, "project")) },
			"carry": func(t *rapid.T) {
				id, n := pick(), rapid.Uint64Range(1, 1000).Draw(t, "packets")
				if a := l.poller.ledger.accounts[id]; a != nil && !a.final {
					l.carry(id, Volume{n, 100 * n})
					carried[id] = carried[id].Plus(Volume{n, 100 * n})
				}
			},
			"complete": func(*rapid.T) { l.finish(pick(), true) },
			"fall back": func(t *rapid.T) {
				if id := pick(); !l.known[id].Complete {
					l.finish(id, false)
				}
			},
			"move to another project": func(t *rapid.T) {
				if id := pick(); !l.known[id].Complete {
					l.known[id] = Owner{Project: rapid.SampledFrom(projects).Draw(t, "project")}
					l.poller.Changed(id, l.known[id], false)
				}
			},
			"delete": func(*rapid.T) { l.remove(pick(), true) },
			"break": func(*rapid.T) {
				l.kept.broken = errors.New("full")
				l.tick(time.Minute)
				l.kept.broken = nil
			},
			"restart": func(t *rapid.T) {
				l.poller.keepAll(context.Background())
				l.start(t)
				l.poller.begin(l.now)
			},
			"tick": func(t *rapid.T) { l.tick(time.Duration(rapid.IntRange(1, 20).Draw(t, "s")) * time.Second) },
			"": func(t *rapid.T) {
				l.poller.absorb()
				if err := l.poller.discard(context.Background()); err != nil {
					t.Fatal(err)
				}
				sums := map[string]Volume{}
				for id, o := range l.known {
					a := l.poller.Allocation(id)
					if a.Forward.Entered != carried[id] {
						t.Fatalf("%s carried %+v, not %+v", id, a.Forward.Entered, carried[id])
					}
					sums[o.Project], sums[""] = sums[o.Project].Plus(carried[id]), sums[""].Plus(carried[id])
				}
				for _, project := range append(projects, "") {
					if got := l.poller.Totals(project); got.Entered != sums[project] || got.Delivered != sums[project] {
						t.Fatalf("project %q carried %+v, not %+v", project, got, sums[project])
					}
				}
			},
		})
		for id := range l.known {
			l.finish(id, true)
		}
		for range 3 {
			l.tick(time.Minute + 2*lateRemoval)
		}
		if n := len(l.poller.ledger.accounts); n != 0 || l.kept.len(Accounts) != 0 {
			t.Fatalf("%d accounts are in memory and %d kept, of complete allocations", n, l.kept.len(Accounts))
		}
	})
}

// What an earlier version has kept is read: its receipts are filed some at a
// time, and those of deleted allocations dropped.
func TestEarlierRecords(t *testing.T) {
	l := newLandlord(t)
	const n = 2*saveMost + 500
	for i := range n {
		id := fmt.Sprintf("al-%06d", i)
		r := savedAccount{Version: 1, Handle: uint32(i + 1), Final: i%10 != 0, Forward: directionTotals{Entered: Volume{1, 100}, Left: Volume{1, 100}}}
		l.kept.records[Accounts][id] = encode(r)
		if i%10 != 1 {
			l.known[id] = Owner{Project: "p", Complete: i%10 > 2}
		}
	}
	l.start(t)
	if a, r := l.kept.len(Accounts), l.kept.len(Receipts); a != n/5 || r != n/10*7 {
		t.Errorf("%d accounts and %d receipts are kept", a, r)
	}
	if got := len(l.poller.ledger.accounts); got != n/5 {
		t.Errorf("%d accounts are in memory", got)
	}
	if got := l.poller.Totals("p").Entered.Packets; got != n/10*9 {
		t.Errorf("the total is %d packets", got)
	}
	saves := l.kept.saves
	l.start(t)
	if got := l.poller.Totals("p").Entered.Packets; got != n/10*9 || l.kept.saves != saves {
		t.Errorf("at the second start the total is %d packets, and %d times something is saved", got, l.kept.saves-saves)
	}
}

// A receipt whose allocation went without a word goes too, in time, and out of
// the sum.
func TestSweep(t *testing.T) {
	l := newLandlord(t)
	for i := range sweepMost + 10 {
		id := fmt.Sprintf("al-%06d", i)
		l.kept.records[Receipts][id] = encode(savedAccount{Version: 2, Project: "p", Final: true, Forward: directionTotals{Entered: Volume{1, 100}}})
		if i%2 == 0 {
			l.known[id] = Owner{Project: "p", Complete: true}
		}
	}
	l.kept.records[Sums][sumKey("p")] = []byte("nonsense")
	l.start(t)
	if got := l.poller.Totals("p").Entered.Packets; got != sweepMost+10 {
		t.Errorf("added up anew the total is %d packets", got)
	}
	for range 2 {
		l.poller.sweep(context.Background())
		l.tick(time.Second)
	}
	if got := l.poller.Totals("p").Entered.Packets; got != sweepMost/2+5 || l.kept.len(Receipts) != sweepMost/2+5 {
		t.Errorf("the total is %d packets of %d receipts", got, l.kept.len(Receipts))
	}
	var f savedSum
	if err := json.Unmarshal(l.kept.records[Sums][sumKey("p")], &f); err != nil || f.Entered.Packets != sweepMost/2+5 {
		t.Errorf("kept is %+v, %v", f, err)
	}
}

// A path that ends at a switch which an earlier one led through counts what
// comes from then on: what the entry has counted before left elsewhere.
func TestEntriesOnTheWayCountOnceTheyAreEnds(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2, 3))
	for _, d := range []openflow.DPID{1, 2, 3} {
		f.send(d, 1, Volume{10, 1000})
	}
	f.poll()
	f.install(circuitOver(1, 2)) // the host has moved
	f.poll()
	f.send(1, 1, Volume{5, 500})
	f.send(2, 1, Volume{5, 500})
	f.poll()
	if a := f.view(t); a.Forward.Entered != (Volume{15, 1500}) || a.Forward.Delivered != (Volume{15, 1500}) {
		t.Errorf("entered %+v, delivered %+v", a.Forward.Entered, a.Forward.Delivered)
	}
}

// What leaves the ledger leaves all of it.
func TestNothingIsLeftBehind(t *testing.T) {
	f := newFabric()
	f.dropped[1] = &Volume{1, 100}
	f.install(circuitOver(1, 2))
	f.install(circuitOver(1, 3, 2))
	f.poll()
	f.ledger.leave("a", f.now)
	f.remove(1, 1, true)
	f.ledger.settle(f.now.Add(time.Second), f.now)
	a := f.ledger.accounts["a"]
	f.ledger.setOwner(a, Owner{Project: "p", Complete: true}, f.now)
	f.ledger.saved(f.ledger.pick(f.now, f.now, 1000))
	f.ledger.settle(f.now, f.now.Add(2*lateRemoval))
	f.ledger.pick(f.now.Add(time.Hour), f.now, 1000)
	l := f.ledger
	if n := len(l.accounts) + len(l.handles) + len(l.policers) + len(l.switches) + len(l.circuitEnds) + len(l.leaving) + len(l.urgent) + len(l.deleted); n != 0 {
		t.Errorf("%d things are left: %+v", n, l)
	}
	if len(l.gone.waiting)+len(l.dirty.waiting) != 0 || len(l.projects) != 1 || len(l.projects["p"].accounts) != 0 {
		t.Errorf("left: %+v", l)
	}
}

// crowded returns a ledger with n accounts, each over ends of its own.
func crowded(n int) *ledger {
	l := newLedger()
	for i := range n {
		c := path.Circuit{ID: fmt.Sprint(i), Handle: uint32(i + 1), Key: path.FlowKey{Src: path.Host(srcAddr), Dst: path.Host(dstAddr)},
			Path: path.Path{{DPID: openflow.DPID(i%1024 + 1), In: 1, Out: 2}, {DPID: openflow.DPID(i%1023 + 2), In: 1, Out: 2}}}
		l.install(c)
	}
	return l
}

// A look at the ledger costs the same however many accounts there are in which
// nothing happens.
func BenchmarkTick(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("accounts=%d", n), func(b *testing.B) {
			l := crowded(n)
			now := time.Unix(1_000_000, 0)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				now = now.Add(time.Second)
				l.settle(now.Add(-removalWait), now)
				l.pick(now.Add(-saveEvery), now, saveMost)
			}
		})
	}
}
