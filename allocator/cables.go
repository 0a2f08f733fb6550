package allocator

import (
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// condition is what the network says of a cable.
type condition uint8

const (
	sound   condition = iota
	strange           // a switch at one end has not connected since the start
	hidden            // a switch at one end is not connected; the cable may carry traffic all the same
	severed           // a port is down, the link gone, or an edge port is none any more
)

// cable is both directions of a link that paths use, access links included.
type cable struct {
	id topology.LinkID
	itemSet
	state  condition
	limits [2]bitrate.Rate // what allocations may hold of it, and of its reverse, as it was looked at last
}

// cableOf returns the name of a link's cable: the direction that begins at the
// lower port. The name of an access link's cable is the direction to the
// switch.
func cableOf(id topology.LinkID) topology.LinkID {
	if topology.ComparePorts(id.To, id.From) < 0 {
		return id.Reverse()
	}
	return id
}

// examine returns the condition of a cable. A path is alive if all of its
// cables are sound, and severed if one of them is.
func examine(s *topology.Snapshot, id topology.LinkID) condition {
	state := sound
	for _, at := range []topology.PortID{id.From, id.To} {
		if at == topology.External {
			continue
		}
		sw, ok := s.Switches[at.DPID]
		switch {
		case !ok:
			state = max(state, strange)
			continue
		case !sw.Connected:
			state = max(state, hidden)
			continue
		}
		port, ok := sw.Ports[at.Port]
		if !ok || !port.Up || id.From == topology.External && port.Role == topology.Trunk {
			return severed
		}
	}
	if state == sound && id.From != topology.External {
		for _, dir := range []topology.LinkID{id, id.Reverse()} {
			if _, ok := s.Link(dir); !ok {
				return severed
			}
		}
	}
	return state
}

// cables is the index of live allocations by what their paths use.
type cables struct {
	byID     map[topology.LinkID]*cable
	bySwitch map[topology.PortID][]*cable // by a switch's port 0
	astray   map[path.Prefix]*itemSet     // items whose host is not known to be where their path ends, by it
	wide     wideEnds                     // items that are about a prefix
}

func newCables() cables {
	return cables{byID: map[topology.LinkID]*cable{}, bySwitch: map[topology.PortID][]*cable{}, astray: map[path.Prefix]*itemSet{}, wide: wideEnds{}}
}

// at returns the cables with an end at a port.
func (x *cables) at(port topology.PortID) (found []*cable) {
	for _, c := range x.bySwitch[topology.PortID{DPID: port.DPID}] {
		if c.id.From == port || c.id.To == port {
			found = append(found, c)
		}
	}
	return found
}

// access returns the access link of an edge port; nil if no path uses it.
func (x *cables) access(port topology.PortID) *cable { return x.byID[topology.LinkID{To: port}] }

// obtain returns a cable, which is put on the index if it is not there.
func (x *cables) obtain(id topology.LinkID, s *topology.Snapshot) *cable {
	c := x.byID[id]
	if c != nil {
		return c
	}
	c = &cable{id: id, state: examine(s, id), limits: unmeasured}
	x.byID[id] = c
	for _, d := range ends(id) {
		x.bySwitch[d] = append(x.bySwitch[d], c)
	}
	return c
}

// forget takes a cable that no path uses off the index.
func (x *cables) forget(c *cable) {
	delete(x.byID, c.id)
	for _, d := range ends(c.id) {
		left := slices.DeleteFunc(x.bySwitch[d], func(o *cable) bool { return o == c })
		if x.bySwitch[d] = left; len(left) == 0 {
			delete(x.bySwitch, d)
		}
	}
}

// ends returns the switches at the ends of a cable, each as its port 0.
func ends(id topology.LinkID) []topology.PortID {
	from, to := topology.PortID{DPID: id.From.DPID}, topology.PortID{DPID: id.To.DPID}
	if id.From == topology.External || from == to {
		return []topology.PortID{to}
	}
	return []topology.PortID{from, to}
}

// uses reports whether the item is on the index and its path uses the cable.
func (c *cable) uses(it *item) bool {
	return it.indexed && (c.isOf(it.path()) || c.isOf(it.backup))
}

// appendLinks appends what [path.LinksOf] returns for the committed state.
func (it *item) appendLinks(links []topology.LinkID) []topology.LinkID {
	if len(it.backup) > 0 {
		return append(links, path.LinksOf(it.path(), it.backup)...)
	}
	return it.path().AppendLinks(links)
}

// isOf reports whether a path uses the cable.
func (c *cable) isOf(p path.Path) bool {
	for i, h := range p {
		in, out := topology.PortID{DPID: h.DPID, Port: h.In}, topology.PortID{DPID: h.DPID, Port: h.Out}
		if c.id.From == topology.External {
			if i == 0 && in == c.id.To || i == len(p)-1 && out == c.id.To {
				return true
			}
		} else if i < len(p)-1 && (out == c.id.From || out == c.id.To) {
			return cableOf(topology.LinkID{From: out, To: topology.PortID{DPID: p[i+1].DPID, Port: p[i+1].In}}) == c.id
		}
	}
	return false
}

// indexLocked puts an item that has a path on the index. What has changed since
// the path was found is looked at when the change is finished.
func (a *Allocator) indexLocked(it *item) {
	it.indexed = true
	var links [32]topology.LinkID
	for _, id := range it.appendLinks(links[:0]) {
		a.cables.obtain(cableOf(id), a.seen).add(it)
	}
	a.locateEndsLocked(it)
}

// locateEndsLocked brings the index of what is astray in line with where the
// hosts of an item are known to be, and puts it on that of prefixes. It reports
// whether one of them is seen elsewhere.
func (a *Allocator) locateEndsLocked(it *item) (elsewhere bool) {
	ends := it.ends()
	for i, side := range sidesOf(it.key()) {
		at, ok := path.Home(a.seen, side)
		if ok && at == ends[i] && side.IsHost() {
			continue
		}
		elsewhere = elsewhere || ok && at != ends[i]
		a.cables.markAstray(it, i, side, ends[i])
		a.prefixes.Note(side)
	}
	return elsewhere
}

// unindexLocked takes an item off the index; p, backup and k are the paths and
// the key with which it was put there.
func (a *Allocator) unindexLocked(it *item, p, backup path.Path, k path.FlowKey) {
	it.indexed = false
	for _, id := range path.LinksOf(p, backup) {
		c := a.cables.byID[cableOf(id)]
		if c.drop(c.uses); c.size == 0 {
			a.cables.forget(c)
		}
	}
	for i, side := range sidesOf(k) {
		if !it.astray[i] {
			continue
		}
		it.astray[i] = false
		if !side.IsHost() {
			from, to := p.Ends()
			a.cables.wide.leave(side, [2]topology.PortID{from, to}[i])
			continue
		}
		r := a.cables.astray[side]
		if r.drop(func(it *item) bool { return isAstray(it, side) }); r.size == 0 {
			delete(a.cables.astray, side)
		}
	}
}

func sidesOf(k path.FlowKey) [2]path.Prefix { return [2]path.Prefix{k.Src, k.Dst} }

// markAstray notes that the host at the i-th side of an item's key is not known
// to be where the path ends, or that there is a prefix, of which a host may
// appear elsewhere at any time. A host that is not known at all counts as being
// there.
func (x *cables) markAstray(it *item, i int, side path.Prefix, end topology.PortID) {
	if it.astray[i] {
		return
	}
	it.astray[i] = true
	if !side.IsHost() {
		x.wide.enter(it, side, end)
		return
	}
	r := x.astray[side]
	if r == nil {
		r = &itemSet{}
		x.astray[side] = r
	}
	r.add(it)
}

// takeAstray takes the items that are astray with a host off the index, and
// returns them.
func (x *cables) takeAstray(side path.Prefix) (found []*item) {
	r := x.astray[side]
	if r == nil {
		return nil
	}
	delete(x.astray, side)
	for _, it := range r.list {
		for i, own := range sidesOf(it.key()) {
			if own == side && it.astray[i] {
				it.astray[i] = false
				found = append(found, it)
			}
		}
	}
	return found
}

func isAstray(it *item, side path.Prefix) bool {
	sides := sidesOf(it.key())
	return it.astray[0] && sides[0] == side || it.astray[1] && sides[1] == side
}
