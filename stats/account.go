package stats

import (
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// An account is what is counted for one allocation.
type account struct {
	id         string
	project    string
	handle     uint32
	circuits   []path.Circuit     // the newest first; none of an account that was only loaded
	directions [2]directionTotals // forward: from the source; reverse: back
	fresh      bool               // opened by this run of the daemon
	began      time.Time          // when it was opened; zero: in an earlier run
	rates      map[openflow.DPID]*[2]endRates
	spread     [2]rateCount    // of what was delivered
	rate       [2]bitrate.Rate // of its circuit, in each direction; 0: none
	spare      bool            // its rate is not promised to it
	losses     *[2]lossWatch   // nil: nothing was looked at
	entries    []*countedEntry // of all switches
	policers   []*policer
	feeds      [2]feed // of the ends where each direction enters

	planned  Span
	way      uint64 // digest of the path that was confirmed last; 0: none
	moves    int
	moved    []Move   // the last ones, the oldest first
	intents  []intent // the paths that it was to have since, the oldest first
	degraded degradation
	idle     idleWatch

	leaving    time.Time // when its entries were confirmed to be gone; zero: they are wanted
	final      bool      // nothing will be added unless it is installed once more
	complete   bool      // its allocation is: it will not be installed again
	unproven   bool      // a switch on its way did not use the queue for it, so that more may be lost than is counted
	dirtySince time.Time // since when it differs from what is saved; zero: it does not
	quietSince time.Time // the same, of the time without traffic
}

// isReceipt reports whether the account is a receipt.
func (a *account) isReceipt() bool { return a.final && a.complete }

// The directions.
const (
	forward = iota
	reverse
)

// A directionTotals is what went in one direction.
type directionTotals struct {
	Entered Volume `json:"entered"`
	Left    Volume `json:"left"`
	Dropped Volume `json:"dropped"`
	Inside  Volume `json:"inside"` // of what was dropped, what Left counts all the same

	droppedRate, insideRate *Rate
}

// An endRates holds the rates in one direction at one switch, as of its last
// sample.
type endRates struct{ entered, left *Rate }

// A countedEntry is a flow entry of an allocation.
type countedEntry struct {
	account  *account
	dpid     openflow.DPID
	key      openflow.EntryKey
	position position
	between  between         // of the circuits that it may be of; zero: not known
	in       openflow.PortNo // by which its packets come in
	last     Volume
	missed   time.Duration // of before seen, in which it was not believed
	born     time.Time     // no later than that; zero: unknown
	seen     time.Time
	gone     time.Time // when its flow-removed message came; zero: it has not
}

// A position says what an entry counts of its allocation.
type position struct {
	Direction int  `json:"way"`
	Entrance  bool `json:"entrance,omitempty"`
	Exit      bool `json:"exit,omitempty"`
}

// counts reports whether the entry is at an end of the path. Entries in between
// count nothing that those at the ends do not.
func (p position) counts() bool { return p.Entrance || p.Exit }

// A policer is the meter that limits an allocation in one switch.
type policer struct {
	account *account
	dpid    openflow.DPID
	of      uint32 // as [purpose.ReadMeter] has it
	last    Volume
	at      time.Time     // when it was looked at
	missed  time.Duration // of before at, in which it was not believed
	between Volume        // counted since the last sample by readings between samples
	inflow  *inflow       // of the last sample that had one, or nil
}

// overtook reports whether the policer was looked at after a moment.
func (m *policer) overtook(asked time.Time) bool { return asked.Before(m.at) }

// count returns what the policer has dropped since it was looked at last, if
// its counter shows v now. An answer to a question from before that look may be
// older than it, and says nothing.
func (m *policer) count(v Volume, asked, at time.Time) Volume {
	if m.overtook(asked) {
		return Volume{}
	}
	d := v.since(m.last)
	m.last, m.at = v, at
	return d
}

// newEntry returns an entry of the allocation whose counters show v, or nil if
// it is at no end of a path. What an entry has counted between the ends of an
// earlier path is counted already by the entries at those ends: of such an
// entry only what comes from now on is counted.
func (a *account) newEntry(dpid openflow.DPID, k openflow.EntryKey, m openflow.Match, v Volume) *countedEntry {
	field, ok := m.Get(openflow.FieldInPort)
	if !ok {
		return nil
	}
	in := openflow.PortNo(field.Uint64())
	for i := range a.circuits {
		w, ok := directionOf(a.circuits[i].Key, m)
		if !ok {
			continue
		}
		p, ok := locate(&a.circuits[i], dpid, w, in)
		if !ok {
			continue
		}
		if !p.counts() {
			return nil
		}
		e := &countedEntry{account: a, dpid: dpid, key: k, position: p, between: betweenOf(a.circuits[i].Key), in: in}
		for j := range a.circuits[i+1:] {
			if p, ok := e.locate(&a.circuits[i+1+j]); ok && !p.counts() {
				e.last = v
			}
		}
		return e
	}
	return nil
}

// between has the hosts or prefixes that a circuit is between.
type between struct{ src, dst path.Prefix }

func betweenOf(k path.FlowKey) between { return between{k.Src, k.Dst} }

// reposition finds anew what an entry counts, by the newest circuit that it may
// be of.
func (a *account) reposition(e *countedEntry) {
	for i := range a.circuits {
		if p, ok := e.locate(&a.circuits[i]); ok {
			e.position = p
			return
		}
	}
}

// locate returns what the entry counts of a circuit. ok is false if it is none
// of the circuit's: it is on another path, or between other hosts.
func (e *countedEntry) locate(c *path.Circuit) (p position, ok bool) {
	direction := e.position.Direction
	switch {
	case e.between == between{}, e.between == betweenOf(c.Key):
	case e.between == betweenOf(c.Key.Reverse()):
		direction = forward + reverse - direction
	default:
		return position{}, false
	}
	return locate(c, e.dpid, direction, e.in)
}

// locate returns what an entry counts of a circuit that takes packets of a
// direction from a port. ok is false if there is none on its path.
func locate(c *path.Circuit, dpid openflow.DPID, direction int, in openflow.PortNo) (position, bool) {
	for _, p := range c.Ways() {
		for i, h := range p {
			first, last, port := i == 0, i == len(p)-1, h.In
			if direction == reverse {
				first, last, port = last, first, h.Out
			}
			if h.DPID == dpid && port == in {
				return position{Direction: direction, Entrance: first, Exit: last}, true
			}
		}
	}
	return position{}, false
}

// directionOf returns the direction of the packets that match.
func directionOf(k path.FlowKey, m openflow.Match) (direction int, ok bool) {
	src, okSrc := m.Get(openflow.FieldIPv4Src)
	dst, okDst := m.Get(openflow.FieldIPv4Dst)
	if !okSrc {
		src, okSrc = m.Get(openflow.FieldIPv6Src)
		dst, okDst = m.Get(openflow.FieldIPv6Dst)
	}
	if !okSrc || !okDst {
		return 0, false
	}
	switch from, to := prefixOf(src), prefixOf(dst); {
	case !from.IsValid() || !to.IsValid():
	case from == k.Src && to == k.Dst:
		return forward, true
	case from == k.Dst && to == k.Src:
		return reverse, true
	}
	return 0, false
}

// prefixOf returns the host or prefix of an address field; the zero value if it
// is of none.
func prefixOf(f openflow.OXM) path.Prefix {
	p, ok := f.Prefix()
	if !ok {
		return path.Prefix{}
	}
	return path.PrefixOf(p)
}

// without returns list without one; the order is not kept.
func without[T comparable](list []T, one T) []T {
	i := slices.Index(list, one)
	if i < 0 {
		return list
	}
	var none T
	last := len(list) - 1
	list[i], list[last] = list[last], none
	return list[:last]
}

// promised returns the rate that is promised to an allocation in a direction; 0
// if none is.
func (a *account) promised(direction int) bitrate.Rate {
	if a.spare {
		return 0
	}
	return a.rate[direction]
}
