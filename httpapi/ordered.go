package httpapi

import (
	"slices"
	"sync"

	"conga/controller/topology"
)

// An ordered network is a snapshot with what it has in the order of the lists
// of the interface, so that a page costs what is on it. What is ordered does
// not change.
type ordered struct {
	*topology.Snapshot
	switches []topology.Switch
	hosts    []topology.HostID
	trunks   []topology.LinkID
	access   func() []topology.LinkID // links between an edge port and what is behind it
}

// orderedCache has the last ordered network, from which the next one is made at
// the cost of what differs.
type orderedCache struct {
	mu   sync.Mutex // a leaf; guards last
	last *ordered
}

// of returns a snapshot, or a later one, in order.
func (c *orderedCache) of(s *topology.Snapshot) *ordered {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && c.last.Snapshot != s {
		if _, later := c.last.Since(s.Revision); later && c.last.Revision > s.Revision {
			return c.last
		}
	}
	if c.last == nil || c.last.Snapshot != s {
		c.last = c.last.renew(s)
	}
	return c.last
}

// renew returns another snapshot in order; o may be nil.
func (o *ordered) renew(s *topology.Snapshot) *ordered {
	if o == nil {
		return order(s)
	}
	d, ok := s.Since(o.Revision)
	if !ok {
		return order(s)
	}
	next := *o
	next.Snapshot = s
	if len(d.Switches) > 0 {
		next.switches = switchesOf(s)
	}
	next.hosts = reorder(o.hosts, d.Hosts, func(id topology.HostID) bool { _, has := s.Hosts.Get(id); return has })
	if len(d.Links) > 0 {
		next.trunks = trunksOf(s)
	}
	if len(d.Switches)+len(d.Links) > 0 {
		next.access = sync.OnceValue(func() []topology.LinkID { return accessOf(s, next.switches) })
	}
	return &next
}

// order puts a whole snapshot in order.
func order(s *topology.Snapshot) *ordered {
	o := &ordered{Snapshot: s, switches: switchesOf(s), trunks: trunksOf(s)}
	o.hosts = make([]topology.HostID, 0, s.Hosts.Len())
	for id := range s.Hosts.All() {
		o.hosts = append(o.hosts, id)
	}
	slices.SortFunc(o.hosts, topology.CompareHosts)
	o.access = sync.OnceValue(func() []topology.LinkID { return accessOf(s, o.switches) })
	return o
}

// reorder returns ordered hosts in which those of the changed ones are that has
// says, and the others stay.
func reorder(list, changed []topology.HostID, has func(topology.HostID) bool) []topology.HostID {
	cloned := false
	for _, id := range changed {
		i, is := slices.BinarySearchFunc(list, id, topology.CompareHosts)
		should := has(id)
		if is == should {
			continue
		}
		if !cloned { // others have the old one
			list, cloned = slices.Clone(list), true
		}
		if should {
			list = slices.Insert(list, i, id)
		} else {
			list = slices.Delete(list, i, i+1)
		}
	}
	return list
}

func trunksOf(s *topology.Snapshot) []topology.LinkID {
	list := make([]topology.LinkID, 0, len(s.Links))
	for _, l := range s.Links {
		list = append(list, l.ID)
	}
	slices.SortFunc(list, topology.CompareLinks)
	return list
}

// accessOf returns the links of edge ports: those into the network come first,
// since outside is before all ports.
func accessOf(s *topology.Snapshot, switches []topology.Switch) (list []topology.LinkID) {
	var out []topology.LinkID
	for _, sw := range switches {
		for _, p := range portsOf(sw) {
			if _, ok := s.Link(topology.LinkID{To: p.ID}); ok && p.Role == topology.Edge {
				list, out = append(list, topology.LinkID{To: p.ID}), append(out, topology.LinkID{From: p.ID})
			}
		}
	}
	return append(list, out...)
}
