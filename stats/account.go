package stats

import (
	"slices"
	"time"

	"conga/controller/path"
	"conga/openflow"
)

// account is what is counted for one allocation.
type account struct {
	id       string
	project  string
	handle   uint32
	circuits []path.Circuit // the newest first; none of an account that was only loaded
	ways     [2]way         // forward: from the source; reverse: back
	rates    map[openflow.DPID]*[2]ends
	entries  []*entry // of all switches
	meters   []*meter

	leaving  time.Time // when its entries were confirmed to be gone; zero: they are wanted
	final    bool      // nothing will be added any more, unless it is installed once more
	complete bool      // its allocation is: it will not be installed any more
	soiled   time.Time // since when it differs from what is saved; zero: it does not
}

// filed reports whether the account is a receipt, and belongs with the others.
func (a *account) filed() bool { return a.final && a.complete }

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
	dpid    openflow.DPID
	key     openflow.EntryKey
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

// counts reports whether the entry is at an end of the path; those in between
// count nothing that is not counted there.
func (p place) counts() bool { return p.Entrance || p.Exit }

// meter is a policer.
type meter struct {
	account *account
	dpid    openflow.DPID
	of      uint32
	last    Volume
}

// entry makes what is known of an entry of the allocation that shows v; nil if
// it is at no end of a path. One that was between the ends of an earlier path
// has counted there what others have told of: only what comes from now on is
// counted.
func (a *account) entry(dpid openflow.DPID, k openflow.EntryKey, m openflow.Match, v Volume) *entry {
	field, ok := m.Get(openflow.FieldInPort)
	if !ok {
		return nil
	}
	in := openflow.PortNo(field.Uint64())
	for i := range a.circuits {
		w, ok := direction(a.circuits[i].Key, m)
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
		e := &entry{account: a, dpid: dpid, key: k, place: p, in: in}
		for j := range a.circuits[i+1:] {
			if p, ok := locate(&a.circuits[i+1+j], dpid, w, in); ok && !p.counts() {
				e.last = v
			}
		}
		return e
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

// without is list without one; the order is not kept.
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
