package stats

import (
	"slices"
	"time"

	"conga/controller/path"
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
// as samples, removed entries and circuits, and time is an argument.
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
type ledger struct {
	accounts map[string]*account // by allocation ID
	handles  map[uint32]*account // of circuits that the network may hold
	policers map[uint32]*account // the same, by the handle's low 24 bits
	switches map[openflow.DPID]*shelf
}

// shelf is what is known of the counters of one switch.
type shelf struct {
	entries map[flowKey]*entry
	meters  map[uint32]*meter // policers, by what they are of
}

// account is what is counted for one allocation.
type account struct {
	id       string
	handle   uint32
	circuits []path.Circuit // the newest first; none of an account that was only loaded
	ways     [2]way         // forward: from the source; reverse: back
	rates    map[openflow.DPID]*[2]ends
	leaving  time.Time // when its entries were confirmed to be gone; zero: they are wanted
	final    bool      // nothing will be added any more
	dirty    bool      // differs from what is saved
}

// The directions.
const (
	forward = iota
	reverse
)

// way is what went in one direction.
type way struct {
	Entered Volume `json:"entered"`
	Left    Volume `json:"left"`
	Dropped Volume `json:"dropped"`
	Inside  Volume `json:"inside"` // of what was dropped, what Left counts all the same

	droppedRate, insideRate *Rate
}

// ends are the rates in one direction at one switch, as of its last sample.
type ends struct{ entered, left *Rate }

// entry is a flow entry of an allocation.
type entry struct {
	account *account
	place   place
	in      openflow.PortNo // by which its packets come in
	last    Volume
	born    time.Time // no later than that; zero: unknown
	seen    time.Time
	gone    time.Time // when it was told to be removed; zero: it was not
}

// place is what an entry counts of its allocation.
type place struct {
	Way      int  `json:"way"`
	Entrance bool `json:"entrance,omitempty"`
	Exit     bool `json:"exit,omitempty"`
}

// meter is a policer.
type meter struct {
	account *account
	last    Volume
}

func newLedger() *ledger {
	return &ledger{
		accounts: map[string]*account{}, handles: map[uint32]*account{}, policers: map[uint32]*account{},
		switches: map[openflow.DPID]*shelf{},
	}
}

func newAccount(id string) *account {
	return &account{id: id, rates: map[openflow.DPID]*[2]ends{}}
}

const policerBits = 0xff_ffff

// install takes note that the network is to hold a circuit, as the first of its
// allocation or instead of an earlier one.
func (l *ledger) install(c path.Circuit) {
	a := l.accounts[c.ID]
	if a == nil {
		a = newAccount(c.ID)
		l.accounts[c.ID] = a
	}
	if a.final { // it had left for good, as it seemed
		a.rates = map[openflow.DPID]*[2]ends{}
	}
	a.handle, a.leaving, a.final = c.Handle, time.Time{}, false
	l.handles[c.Handle], l.policers[c.Handle&policerBits] = a, a
	if len(a.circuits) > 0 && a.circuits[0].Key == c.Key && a.circuits[0].Path.Equal(c.Path) {
		return
	}
	a.circuits = slices.Insert(a.circuits, 0, c)
	a.circuits = a.circuits[:min(len(a.circuits), pastCircuits)]
	for dpid, s := range l.switches {
		for _, e := range s.entries {
			if e.account != a {
				continue
			}
			if p, ok := a.locate(dpid, e.place.Way, e.in); ok {
				e.place = p
			}
		}
	}
}

// leave takes note that the switches have confirmed that a circuit is gone.
func (l *ledger) leave(id string, now time.Time) {
	if a := l.accounts[id]; a != nil && a.leaving.IsZero() {
		a.leaving = now
	}
}

// settle closes the accounts whose circuits left before a moment, and forgets
// entries of which nothing more will be heard.
func (l *ledger) settle(left, now time.Time) {
	for h, a := range l.handles {
		if a.leaving.IsZero() || !a.leaving.Before(left) {
			continue
		}
		a.final, a.dirty, a.circuits, a.rates = true, true, nil, nil
		delete(l.handles, h)
		if l.policers[h&policerBits] == a {
			delete(l.policers, h&policerBits)
		}
	}
	for _, s := range l.switches {
		for k, e := range s.entries {
			if e.account.final || !e.gone.IsZero() && now.Sub(e.gone) > lateNews {
				delete(s.entries, k)
			}
		}
		for of, m := range s.meters {
			if m.account.final {
				delete(s.meters, of)
			}
		}
	}
}

// forget drops an account.
func (l *ledger) forget(id string) { delete(l.accounts, id) }

func (l *ledger) shelf(dpid openflow.DPID) *shelf {
	s := l.switches[dpid]
	if s == nil {
		s = &shelf{entries: map[flowKey]*entry{}, meters: map[uint32]*meter{}}
		l.switches[dpid] = s
	}
	return s
}

// entry makes what is known of an entry of the allocation; nil if the entry is
// on none of its paths.
func (a *account) entry(dpid openflow.DPID, m openflow.Match) *entry {
	field, ok := m.Get(openflow.FieldInPort)
	if !ok {
		return nil
	}
	in := openflow.PortNo(field.Uint64())
	for i := range a.circuits {
		if w, ok := direction(a.circuits[i].Key, m); ok {
			if p, ok := locate(&a.circuits[i], dpid, w, in); ok {
				return &entry{account: a, place: p, in: in}
			}
		}
	}
	return nil
}

// locate is what an entry of this direction counts that takes what comes in by a
// port.
func (a *account) locate(dpid openflow.DPID, way int, in openflow.PortNo) (place, bool) {
	for i := range a.circuits {
		if p, ok := locate(&a.circuits[i], dpid, way, in); ok {
			return p, true
		}
	}
	return place{}, false
}

func locate(c *path.Circuit, dpid openflow.DPID, way int, in openflow.PortNo) (place, bool) {
	for i, h := range c.Path {
		first, last, port := i == 0, i == len(c.Path)-1, h.In
		if way == reverse {
			first, last, port = last, first, h.Out
		}
		if h.DPID == dpid && port == in {
			return place{Way: way, Entrance: first, Exit: last}, true
		}
	}
	return place{}, false
}

// direction tells by the addresses which way an entry's packets go.
func direction(k path.FlowKey, m openflow.Match) (way int, ok bool) {
	src, okSrc := m.Get(openflow.FieldIPv4Src)
	dst, okDst := m.Get(openflow.FieldIPv4Dst)
	if !okSrc {
		src, okSrc = m.Get(openflow.FieldIPv6Src)
		dst, okDst = m.Get(openflow.FieldIPv6Dst)
	}
	switch {
	case !okSrc || !okDst:
		return 0, false
	case src.Addr() == k.Src && dst.Addr() == k.Dst:
		return forward, true
	case src.Addr() == k.Dst && dst.Addr() == k.Src:
		return reverse, true
	}
	return 0, false
}

// count adds what an entry has counted.
func (a *account) count(p place, v Volume) {
	if v == (Volume{}) {
		return
	}
	a.dirty = true
	if p.Entrance {
		a.ways[p.Way].Entered = a.ways[p.Way].Entered.Plus(v)
	}
	if p.Exit {
		a.ways[p.Way].Left = a.ways[p.Way].Left.Plus(v)
	}
}
