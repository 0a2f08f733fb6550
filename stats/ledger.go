package stats

import (
	"slices"
	"time"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

const (
	// lateNews is how long an entry that a switch no longer lists may still be
	// told of as removed, with its last counters.
	lateNews = time.Minute
	// bornSlack is by how much two reckonings of when an entry came may differ.
	bornSlack = 1500 * time.Millisecond
	// pastCircuits is how many earlier circuits of an allocation are remembered:
	// a move has one, a move that is overtaken by another two.
	pastCircuits = 4
)

// ledger counts what allocations have carried. It is pure: what happens comes in
// as samples, removed entries and circuits, and time is an argument. What a call
// costs follows what it is told of, not how many accounts there are.
//
// A packet of an allocation is counted by one entry in every switch on its path.
// Those of the first switch count what entered, those of the last what left. The
// ledger adds up what each entry has counted since it was looked at last, so that
// a total outlives the entries: one that is moved, replaced or put back begins at
// nothing and its predecessor's part is in the total already. What an entry
// counts between the last sample and its end comes with the switch's
// flow-removed message. It is lost, a few seconds' worth, if the entry goes while
// its switch cannot tell: the switch restarts, or its connection breaks.
//
// A policer drops after the entry at the entrance has counted. Where the path is
// one switch the same entry counts what enters and what leaves, both directions
// share the policer, and what it dropped is split in proportion to the bytes that
// entered; over longer paths nothing is estimated.
//
// An account whose allocation is complete and whose numbers are final is a
// receipt. Once it is saved it leaves the ledger, which keeps the sum of a
// project's receipts.
type ledger struct {
	accounts map[string]*account // by allocation ID
	handles  map[uint32]*account // of circuits that the network may hold
	policers map[uint32]*account // the same, by what their policers are of
	switches map[openflow.DPID]*shelf
	ends     map[openflow.DPID]int // circuits that begin or end there, earlier ones included
	projects map[string]*book

	leaving map[*account]bool // to become final
	gone    line[*entry]      // told as removed, to be forgotten
	soiled  line[*account]    // to be saved in time
	urgent  map[*account]bool // to be saved next
	deleted map[string]bool   // IDs whose records are to be deleted
}

// shelf is what is known of the counters of one switch.
type shelf struct {
	entries map[openflow.EntryKey]*entry
	meters  map[uint32]*meter // policers, by what they are of
}

func newLedger() *ledger {
	return &ledger{
		accounts: map[string]*account{}, handles: map[uint32]*account{}, policers: map[uint32]*account{},
		switches: map[openflow.DPID]*shelf{}, ends: map[openflow.DPID]int{}, projects: map[string]*book{},
		leaving: map[*account]bool{}, urgent: map[*account]bool{}, deleted: map[string]bool{},
	}
}

// open makes an account.
func (l *ledger) open(id string) *account {
	a := &account{id: id}
	l.accounts[id] = a
	delete(l.deleted, id)
	l.book(a, "")
	return a
}

// install takes note that the network is to hold a circuit, as the first of its
// allocation or instead of an earlier one.
func (l *ledger) install(c path.Circuit) {
	a := l.accounts[c.ID]
	if a == nil {
		a = l.open(c.ID)
	}
	if l.handles[a.handle] == a && a.handle != c.Handle {
		l.release(a)
	}
	a.handle, a.leaving, a.final, a.complete = c.Handle, time.Time{}, false, false
	delete(l.leaving, a)
	l.handles[c.Handle], l.policers[purpose.PolicerSuffix(c.Handle)] = a, a
	if len(a.circuits) > 0 && a.circuits[0].Key == c.Key && a.circuits[0].Path.Equal(c.Path) {
		return
	}
	a.circuits = slices.Insert(a.circuits, 0, c)
	l.mark(c, 1)
	for _, past := range a.circuits[min(len(a.circuits), pastCircuits):] {
		l.mark(past, -1)
	}
	a.circuits = slices.Delete(a.circuits, min(len(a.circuits), pastCircuits), len(a.circuits))
	for _, e := range a.entries {
		if p, ok := a.locate(e.dpid, e.place.Way, e.in); ok {
			e.place = p
		}
	}
}

// mark notes that a circuit begins and ends at two switches, or no longer does.
func (l *ledger) mark(c path.Circuit, by int) {
	if len(c.Path) == 0 {
		return
	}
	for _, dpid := range []openflow.DPID{c.Path[0].DPID, c.Path[len(c.Path)-1].DPID} {
		if l.ends[dpid] += by; l.ends[dpid] == 0 {
			delete(l.ends, dpid)
		}
	}
}

// awaits reports whether a switch has, or may have, entries that are counted.
func (l *ledger) awaits(dpid openflow.DPID) bool {
	s := l.switches[dpid]
	return l.ends[dpid] > 0 || s != nil && len(s.entries) > 0
}

// leave takes note that the switches have confirmed that a circuit is gone.
func (l *ledger) leave(id string, now time.Time) {
	if a := l.accounts[id]; a != nil && a.leaving.IsZero() && !a.final {
		a.leaving = now
		l.leaving[a] = true
	}
}

// settle closes the accounts whose circuits left before a moment, and forgets
// entries of which nothing more will be heard.
func (l *ledger) settle(left, now time.Time) {
	for a := range l.leaving {
		if a.leaving.Before(left) {
			l.close(a)
			a.final = true
			l.soil(a, now, true)
		}
	}
	for e, at := range l.gone.before(now.Add(-lateNews)) {
		if e.gone.Equal(at) {
			l.drop(e)
		}
	}
}

// close ends the counting for an account.
func (l *ledger) close(a *account) {
	delete(l.leaving, a)
	l.release(a)
	for _, c := range a.circuits {
		l.mark(c, -1)
	}
	for len(a.entries) > 0 {
		l.drop(a.entries[0])
	}
	for len(a.meters) > 0 {
		l.dropMeter(a.meters[0])
	}
	a.circuits, a.rates, a.entries, a.meters = nil, nil, nil, nil
	for w := range a.ways {
		a.ways[w].droppedRate, a.ways[w].insideRate = nil, nil
	}
}

// release gives up the account's handle.
func (l *ledger) release(a *account) {
	if l.handles[a.handle] == a {
		delete(l.handles, a.handle)
	}
	if of := purpose.PolicerSuffix(a.handle); l.policers[of] == a {
		delete(l.policers, of)
	}
}

// delete drops an account whose allocation is deleted; what is saved of it goes
// with the next records.
func (l *ledger) delete(a *account) {
	l.close(a)
	l.forget(a)
	l.deleted[a.id] = true
}

// forget drops an account that is closed.
func (l *ledger) forget(a *account) {
	delete(l.accounts, a.id)
	delete(l.urgent, a)
	a.soiled = time.Time{}
	delete(l.projects[a.project].accounts, a)
	l.tidyBook(a.project)
}

// soil has an account saved, soon or in time.
func (l *ledger) soil(a *account, now time.Time, soon bool) {
	if a.soiled.IsZero() {
		a.soiled = now
		l.soiled.add(a, now)
	}
	if soon {
		l.urgent[a] = true
	}
}

func (l *ledger) shelf(dpid openflow.DPID) *shelf {
	s := l.switches[dpid]
	if s == nil {
		s = &shelf{entries: map[openflow.EntryKey]*entry{}, meters: map[uint32]*meter{}}
		l.switches[dpid] = s
	}
	return s
}

// put adds an entry to its switch and its account, instead of the one there.
func (l *ledger) put(e *entry) {
	sh := l.shelf(e.dpid)
	if old := sh.entries[e.key]; old != nil {
		old.account.entries = without(old.account.entries, old)
	}
	sh.entries[e.key] = e
	e.account.entries = append(e.account.entries, e)
}

// drop forgets an entry.
func (l *ledger) drop(e *entry) {
	e.account.entries = without(e.account.entries, e)
	if sh := l.switches[e.dpid]; sh != nil && sh.entries[e.key] == e {
		delete(sh.entries, e.key)
		l.tidyShelf(e.dpid, sh)
	}
}

// putMeter adds a policer to its switch and its account.
func (l *ledger) putMeter(m *meter) {
	sh := l.shelf(m.dpid)
	if old := sh.meters[m.of]; old != nil {
		old.account.meters = without(old.account.meters, old)
	}
	sh.meters[m.of] = m
	m.account.meters = append(m.account.meters, m)
}

// dropMeter forgets a policer.
func (l *ledger) dropMeter(m *meter) {
	m.account.meters = without(m.account.meters, m)
	if sh := l.switches[m.dpid]; sh != nil && sh.meters[m.of] == m {
		delete(sh.meters, m.of)
		l.tidyShelf(m.dpid, sh)
	}
}

func (l *ledger) tidyShelf(dpid openflow.DPID, sh *shelf) {
	if len(sh.entries)+len(sh.meters) == 0 {
		delete(l.switches, dpid)
	}
}

// orphans are the accounts that were loaded and whose circuit is not wanted any
// more. Their entries may still be there and be told of as removed.
func (l *ledger) orphans() (ids []string) {
	for _, a := range l.handles {
		if len(a.circuits) == 0 {
			ids = append(ids, a.id)
		}
	}
	return ids
}
