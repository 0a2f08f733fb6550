package stats

import (
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

const (
	// lateRemoval is how long the flow-removed message of an entry that a
	// switch no longer lists may still come, with its last counters.
	lateRemoval = time.Minute
	// bornSlack is by how much two calculations of when an entry came may
	// differ.
	bornSlack = 1500 * time.Millisecond
	// pastCircuits is how many circuits of an allocation are remembered though
	// the switches have confirmed that all but the newest have left.
	pastCircuits = 4
	// mostCircuits is how many are remembered before that: as many as there are
	// changes while a switch takes its time.
	mostCircuits = 64
)

// A ledger counts what allocations have carried. It is pure: what happens comes
// in as samples, removed entries and circuits, and time is an argument. The
// cost of a call depends on what it takes in, not on how many accounts there
// are.
//
// A packet of an allocation is counted by one entry in every switch on its
// path. Those of the first switch count what entered, those of the last what
// left. The ledger adds up what each entry has counted since its last sample,
// so that a total outlives the entries: one that is moved, replaced or put back
// begins at zero, and its predecessor's part is in the total already. What an
// entry counts between the last sample and its end comes with the switch's
// flow-removed message. That is lost, a few seconds' worth, if the entry goes
// while its switch cannot report it: the switch restarts, or its connection
// breaks.
//
// A policer drops after the entry at the entrance has counted; each direction
// has its own. Where the path is one switch the same entry counts what enters
// and what leaves.
//
// An account whose allocation is complete and whose numbers are final is a
// receipt. Once it is saved it leaves the ledger, which keeps the sum of a
// project's receipts.
type ledger struct {
	accounts    map[string]*account // by allocation ID
	handles     map[uint32]*account // of circuits that the network may hold
	policers    map[uint32]*account // the same, by [purpose.PolicerSuffix] of the handle
	switches    map[openflow.DPID]*switchCounters
	circuitEnds map[openflow.DPID]map[uint32]int // circuits that begin or end there, by handle, earlier ones included
	projects    map[string]*projectAccounts

	doubts doubts

	degraded  [causes]int       // accounts, by the cause that counts
	unsettled map[*account]bool // to be reported as degraded, or no longer

	leaving map[*account]bool       // to become final
	gone    timeQueue[countedEntry] // of a flow-removed message, to be forgotten
	dirty   timeQueue[account]      // to be saved in time
	quiet   timeQueue[account]      // later, since only time has passed
	urgent  map[*account]bool       // to be saved next
	deleted map[string]bool         // IDs whose records are to be deleted
}

// A switchCounters is what is known of the counters of one switch.
type switchCounters struct {
	entries  map[openflow.EntryKey]*countedEntry
	policers map[uint32]*policer // as [purpose.ReadMeter] has them
}

func newLedger() *ledger {
	return &ledger{
		accounts: map[string]*account{}, handles: map[uint32]*account{}, policers: map[uint32]*account{},
		switches: map[openflow.DPID]*switchCounters{}, circuitEnds: map[openflow.DPID]map[uint32]int{}, projects: map[string]*projectAccounts{},
		leaving: map[*account]bool{}, unsettled: map[*account]bool{}, urgent: map[*account]bool{}, deleted: map[string]bool{},
	}
}

// open makes an account.
func (l *ledger) open(id string) *account {
	a := &account{id: id}
	l.accounts[id] = a
	delete(l.deleted, id)
	l.assign(a, "")
	return a
}

// install takes note that the network is to hold a circuit, as the first of its
// allocation or instead of an earlier one.
func (l *ledger) install(c path.Circuit) {
	a := l.accounts[c.ID]
	if a == nil {
		a = l.open(c.ID)
		a.fresh = true
	}
	if l.handles[a.handle] == a && a.handle != c.Handle {
		l.release(a)
	}
	a.handle, a.rate, a.leaving, a.final, a.complete = c.Handle, [2]bitrate.Rate{c.Rate, c.Back()}, time.Time{}, false, false
	delete(l.leaving, a)
	l.handles[c.Handle], l.policers[purpose.PolicerSuffix(c.Handle)] = a, a
	if len(a.circuits) > 0 && a.circuits[0].Key == c.Key && a.circuits[0].Path.Equal(c.Path) && a.circuits[0].Backup.Equal(c.Backup) {
		return
	}
	a.circuits, a.losses = slices.Insert(a.circuits, 0, c), nil // what is lost on the old path is not on the new one
	l.countEnds(c, 1)
	l.forgetCircuits(a, mostCircuits)
	for _, e := range a.entries {
		a.reposition(e)
	}
}

// forgetCircuits forgets the oldest circuits of an account, so that so many are
// left.
func (l *ledger) forgetCircuits(a *account, left int) {
	if len(a.circuits) <= left {
		return
	}
	for _, past := range a.circuits[left:] {
		l.countEnds(past, -1)
	}
	a.circuits = slices.Delete(a.circuits, left, len(a.circuits))
}

// countEnds takes note that a circuit begins and ends at two switches, or no
// longer does.
func (l *ledger) countEnds(c path.Circuit, by int) {
	if len(c.Path) == 0 {
		return
	}
	for _, dpid := range []openflow.DPID{c.Path[0].DPID, c.Path[len(c.Path)-1].DPID} {
		ends := l.circuitEnds[dpid]
		if ends == nil {
			ends = map[uint32]int{}
			l.circuitEnds[dpid] = ends
		}
		if ends[c.Handle] += by; ends[c.Handle] == 0 {
			delete(ends, c.Handle)
		}
		if len(ends) == 0 {
			delete(l.circuitEnds, dpid)
		}
	}
}

// awaits reports whether a switch has, or may have, entries that are counted.
func (l *ledger) awaits(dpid openflow.DPID) bool {
	s := l.switches[dpid]
	return len(l.circuitEnds[dpid]) > 0 || s != nil && len(s.entries) > 0
}

// counted returns the handles of the circuits of which a switch has, or may
// have, entries that are counted. Most circuits only pass by.
func (l *ledger) counted(dpid openflow.DPID) map[uint32]bool {
	handles := make(map[uint32]bool, len(l.circuitEnds[dpid]))
	for handle := range l.circuitEnds[dpid] {
		handles[handle] = true
	}
	if s := l.switches[dpid]; s != nil {
		for _, e := range s.entries {
			handles[e.account.handle] = true
		}
	}
	return handles
}

// leave takes note that the switches have confirmed that a circuit is gone.
func (l *ledger) leave(id string, now time.Time) {
	if a := l.accounts[id]; a != nil && a.leaving.IsZero() && !a.final {
		a.leaving = now
		l.leaving[a] = true
		a.losses = nil
		l.degrade(a, Loss, "", now)
	}
}

// settle closes the accounts whose circuits left before a moment, and forgets
// entries whose flow-removed messages are older than lateRemoval.
func (l *ledger) settle(left, now time.Time) {
	for a := range l.leaving {
		if a.leaving.Before(left) {
			l.close(a)
			a.final = true
			l.markDirty(a, now, true)
		}
	}
	for e, at := range l.gone.before(now.Add(-lateRemoval)) {
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
		l.countEnds(c, -1)
	}
	for len(a.entries) > 0 {
		l.drop(a.entries[0])
	}
	for len(a.policers) > 0 {
		l.dropPolicer(a.policers[0])
	}
	a.circuits, a.rates, a.losses, a.entries, a.policers = nil, nil, nil, nil, nil
	for w := range a.directions {
		a.directions[w].droppedRate, a.directions[w].insideRate = nil, nil
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

// delete drops an account whose allocation is deleted; its saved records are
// deleted with the next batch.
func (l *ledger) delete(a *account) {
	l.close(a)
	l.forget(a)
	l.deleted[a.id] = true
}

// forget drops an account that is closed.
func (l *ledger) forget(a *account) {
	delete(l.accounts, a.id)
	delete(l.urgent, a)
	delete(l.unsettled, a)
	if s := a.degraded.now(); s != nil {
		l.degraded[s.Cause]--
	}
	a.dirtySince, a.quietSince = time.Time{}, time.Time{}
	delete(l.projects[a.project].accounts, a)
	l.tidyProject(a.project)
}

// markDirty has an account saved: next if soon, else after saveEvery.
func (l *ledger) markDirty(a *account, now time.Time, soon bool) {
	if a.dirtySince.IsZero() {
		a.dirtySince = now
		l.dirty.add(a, now)
	}
	if soon {
		l.urgent[a] = true
	}
}

// markQuiet has an account saved of which time has passed and nothing else,
// after quietEvery.
func (l *ledger) markQuiet(a *account, now time.Time) {
	if a.dirtySince.IsZero() && a.quietSince.IsZero() {
		a.quietSince = now
		l.quiet.add(a, now)
	}
}

func (l *ledger) countersOf(dpid openflow.DPID) *switchCounters {
	s := l.switches[dpid]
	if s == nil {
		s = &switchCounters{entries: map[openflow.EntryKey]*countedEntry{}, policers: map[uint32]*policer{}}
		l.switches[dpid] = s
	}
	return s
}

// put adds an entry to its switch and its account, in place of the one with its
// key.
func (l *ledger) put(e *countedEntry) {
	sh := l.countersOf(e.dpid)
	if old := sh.entries[e.key]; old != nil {
		old.account.entries = without(old.account.entries, old)
	}
	sh.entries[e.key] = e
	e.account.entries = append(e.account.entries, e)
	e.account.recount()
}

// drop forgets an entry.
func (l *ledger) drop(e *countedEntry) {
	e.account.entries = without(e.account.entries, e)
	e.account.recount()
	if sh := l.switches[e.dpid]; sh != nil && sh.entries[e.key] == e {
		delete(sh.entries, e.key)
		l.tidySwitch(e.dpid, sh)
	}
}

// putPolicer adds a policer to its switch and its account.
func (l *ledger) putPolicer(m *policer) {
	sh := l.countersOf(m.dpid)
	if old := sh.policers[m.of]; old != nil {
		old.account.policers = without(old.account.policers, old)
	}
	sh.policers[m.of] = m
	m.account.policers = append(m.account.policers, m)
}

// dropPolicer forgets a policer.
func (l *ledger) dropPolicer(m *policer) {
	m.account.policers = without(m.account.policers, m)
	if sh := l.switches[m.dpid]; sh != nil && sh.policers[m.of] == m {
		delete(sh.policers, m.of)
		l.tidySwitch(m.dpid, sh)
	}
}

func (l *ledger) tidySwitch(dpid openflow.DPID, sh *switchCounters) {
	if len(sh.entries)+len(sh.policers) == 0 {
		delete(l.switches, dpid)
	}
}

// orphans returns the IDs of accounts that were loaded and whose circuit is no
// longer wanted. Their entries may still be in the switches, and their
// flow-removed messages come.
func (l *ledger) orphans() (ids []string) {
	for _, a := range l.handles {
		if len(a.circuits) == 0 {
			ids = append(ids, a.id)
		}
	}
	return ids
}
