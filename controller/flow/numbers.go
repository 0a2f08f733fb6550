package flow

import (
	"maps"
	"slices"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// Numbers says by which numbers one switch knows our meters. Many switches take
// any number: there a meter has its identifier for a number, and Numbers is
// nil. Others have meters from 1 up to a most (OpenFlow 1.3.5 section 7.3.4.4),
// which other controllers may use too. There each meter of ours gets a number
// when it is added, the highest first, and none that is another's.
//
// Meters carry no cookie. Those count as ours that were added over this
// connection or, and are as they were, over an earlier one; and after a restart
// those that entries with our cookies go through and that have a band as ours
// have it. No other meter is ever changed.
type Numbers struct {
	most    openflow.MeterID
	burst   time.Duration                         // of best effort; see Policy.BurstOf
	next    openflow.MeterID                      // the number to try first
	strays  openflow.MeterID                      // how many identifiers of strays have been given
	numbers map[openflow.MeterID]openflow.MeterID // by identifier
	meters  map[openflow.MeterID]numbered         // by number
	others  map[openflow.MeterID]bool             // numbers of meters that are not ours
	found   map[openflow.MeterID]Meter            // by number, while it is being found out whose they are; nil otherwise
	seen    map[openflow.MeterID]bool             // others, as a survey has found so far
}

// numbered is a meter of ours in a switch.
type numbered struct {
	id  openflow.MeterID
	put Meter // as it was sent last, or found; zero if it was not
	was Meter // as it was sent before that
}

// mostOthers is how many numbers of others are kept. One that is not kept is
// found to be taken when the switch refuses it.
const mostOthers = 4096

// NewNumbers returns the numbers of a switch that has meters from 1 to a most,
// which is not 0, and whose best effort has bursts of this length.
func NewNumbers(most openflow.MeterID, burst time.Duration) *Numbers {
	most = min(most, purpose.FirstID-1)
	return &Numbers{
		most: most, burst: burst, next: most, numbers: map[openflow.MeterID]openflow.MeterID{},
		meters: map[openflow.MeterID]numbered{}, others: map[openflow.MeterID]bool{},
	}
}

// Room returns how many meters of ours the switch has room for, as far as that
// follows from its range and from the meters of others in it.
func (n *Numbers) Room() uint32 { return uint32(n.most) - uint32(len(n.others)) }

// ID returns the identifier of the meter that the switch knows by a number; ok
// is false if the meter is not ours.
func (n *Numbers) ID(number openflow.MeterID) (id openflow.MeterID, ok bool) {
	if n == nil {
		return number, number >= purpose.FirstID && number <= purpose.LastID
	}
	m, ok := n.meters[number]
	return m.id, ok
}

// Number returns the number of a meter; 0 if it has none.
func (n *Numbers) Number(id openflow.MeterID) openflow.MeterID {
	if n == nil {
		return id
	}
	return n.numbers[id]
}

// assign gives a meter a number, unless it has one. It reports false if none is
// free.
func (n *Numbers) assign(id openflow.MeterID) bool {
	if n == nil || n.numbers[id] != 0 {
		return true
	}
	if len(n.meters)+len(n.others) >= int(n.most) {
		return false
	}
	for range n.most {
		number := n.next
		if n.next--; n.next == 0 { // all around, so that a number is not soon another meter's
			n.next = n.most
		}
		if _, ours := n.meters[number]; !ours && !n.others[number] {
			n.bind(id, number, Meter{})
			return true
		}
	}
	return false
}

func (n *Numbers) bind(id, number openflow.MeterID, put Meter) {
	n.numbers[id], n.meters[number] = number, numbered{id: id, put: put}
}

// free takes note that the switch does not have a meter any more.
func (n *Numbers) free(id openflow.MeterID) {
	if n != nil {
		delete(n.meters, n.numbers[id])
		delete(n.numbers, id)
	}
}

// sent takes note that a meter is about to be sent as it is to be; nil if it is
// to go. Until the switch has answered it may have it as it was before.
func (n *Numbers) sent(id openflow.MeterID, m *Meter) {
	if n != nil && m != nil {
		number := n.numbers[id]
		n.meters[number] = numbered{id: id, put: *m, was: n.meters[number].put}
	}
}

// cede takes note that the number of a meter, which was not added, is that of
// another's. It reports false if there are too many of those to find others.
func (n *Numbers) cede(id openflow.MeterID) bool {
	if len(n.others) >= mostOthers {
		return false
	}
	number := n.numbers[id]
	n.free(id)
	n.others[number] = true
	return true
}

// address puts numbers in the place of the identifiers in a message.
func (n *Numbers) address(m openflow.Message) {
	if n == nil {
		return
	}
	switch m := m.(type) {
	case *openflow.MeterMod:
		m.ID = n.numbers[m.ID]
	case *openflow.FlowMod:
		i := slices.IndexFunc(m.Instructions, isMeter)
		if i < 0 {
			return
		}
		m.Instructions = slices.Clone(m.Instructions) // rules share them
		m.Instructions[i].Meter = n.numbers[m.Instructions[i].Meter]
	}
}

func isMeter(in openflow.Instruction) bool { return in.Type == openflow.InstructionMeter }

// Recall takes over what was known of the switch at the end of an earlier
// connection, nil if nothing was.
func (n *Numbers) Recall(old *Numbers) {
	if old != nil && old.most == n.most {
		n.next, n.strays = old.next, old.strays
		n.numbers, n.meters = maps.Clone(old.numbers), maps.Clone(old.meters)
	}
}

// Kept returns what the next connection is to [Numbers.Recall], whatever
// becomes of n.
func (n *Numbers) Kept() *Numbers {
	k := NewNumbers(n.most, n.burst)
	k.Recall(n)
	return k
}

// Find begins to find out which of the switch's meters are ours: of those that
// it turns out to have, which follow by [Numbers.Found], and whose entries
// follow by [Reconciler.Translate].
func (n *Numbers) Find() { n.found = map[openflow.MeterID]Meter{} }

// Found takes in a meter that the switch has.
func (n *Numbers) Found(c openflow.MeterConfig) { n.found[c.Meter] = readMeter(c) }

// AllFound takes note that the switch has told of all its meters. What it does
// not have as it was sent is not ours any more.
func (n *Numbers) AllFound() {
	for number, m := range n.meters {
		if have, there := n.found[number]; !there || have != m.put && have != m.was || have == (Meter{}) {
			n.free(m.id)
		}
	}
}

// named returns the identifier of the meter that an entry of ours goes through,
// or the number if the meter is not ours. The entry that is wanted in its place
// goes through want; 0 is none.
func (n *Numbers) named(number, want openflow.MeterID) openflow.MeterID {
	m, known := n.meters[number]
	unbound := want != 0 && n.numbers[want] == 0
	switch {
	case known && !(n.found != nil && unbound && m.id >= purpose.StrayIDs):
		return m.id
	case known:
		n.free(m.id)
	case !n.typical(n.found[number]):
		return number
	}
	if !unbound {
		want = purpose.StrayIDs + n.strays
		n.strays++
	}
	n.bind(want, number, n.found[number])
	return want
}

// typical reports whether a meter is such as we add.
func (n *Numbers) typical(m Meter) bool {
	for _, rate := range [...]uint32{upRate, stormRate} {
		up := upMeter(rate, m.Packets)
		if n.burst == noBurst {
			up.Burst = 0
		}
		if m == up {
			return true
		}
	}
	if m.Packets {
		return false
	}
	// The bursts may have been configured since, or be so no more.
	return slices.ContainsFunc([]time.Duration{n.burst, shortBurst, slowBurst}, m.typical)
}

// typical reports whether a meter in kbit/s is such as we add where best effort
// has bursts of this length.
func (m Meter) typical(burst time.Duration) bool {
	if m == drop(m.Rate, burst) || m == police(m.Rate, burst) {
		return true
	}
	from := m.Rate + m.Rate/(easeShare-1)
	for rate := max(from, 2) - 1; rate <= from+2; rate++ { // from one of these it was eased
		if rate-max(rate/easeShare, 1) == m.Rate && burstOf(rate, burst) == m.Burst {
			return true
		}
	}
	return false
}

// Translate puts identifiers in the place of the numbers in an entry of ours.
func (r *Reconciler) Translate(fs *openflow.FlowStats) {
	if r.numbers == nil || !purpose.Ours(fs.Cookie) {
		return
	}
	for i := range fs.Instructions {
		in := &fs.Instructions[i]
		if !isMeter(*in) {
			continue
		}
		var want openflow.MeterID
		if at, _ := r.find(fs); at != nil && at.want != nil && at.want.Cookie == fs.Cookie {
			want = at.want.meter()
		}
		in.Meter = r.numbers.named(in.Meter, want)
	}
}

// TellMeters takes in the meters of ours that the switch turned out to have,
// before [Reconciler.Begin].
func (r *Reconciler) TellMeters() {
	for number, m := range r.numbers.found {
		if id, ours := r.numbers.ID(number); ours {
			r.TellMeter(id, m)
		} else if len(r.numbers.others) < mostOthers {
			r.numbers.others[number] = true
		}
	}
	r.numbers.found = nil
}

// Survey begins to look which meters of the switch are not ours; it is told of
// by [Reconciler.ReadMeter], and at the end by Surveyed.
func (n *Numbers) Survey() {
	if n != nil {
		n.seen = map[openflow.MeterID]bool{}
	}
}

// Surveyed takes note that the switch has told of all its meters.
func (n *Numbers) Surveyed() {
	if n != nil && n.seen != nil {
		n.others, n.seen = n.seen, nil
	}
}

// ReadMeter reads a meter as a switch reports it. ok is false if it is not
// ours. A meter of ours that another program changed beyond what [Meter] can
// hold is returned as the zero meter, which equals no wanted one.
func (n *Numbers) ReadMeter(c openflow.MeterConfig) (id openflow.MeterID, m Meter, ok bool) {
	if id, ok = n.ID(c.Meter); ok {
		return id, readMeter(c), true
	}
	if n != nil && n.seen != nil && len(n.seen) < mostOthers && c.Meter <= n.most {
		n.seen[c.Meter] = true
	}
	return 0, m, false
}
