package topology

import (
	"maps"
	"slices"

	"conga/openflow"
)

// drains are what is to be left alone because it is about to be under
// maintenance, or is. Links there are used only where nothing else leads.
type drains struct {
	switches map[openflow.DPID]bool
	cables   map[LinkID]bool // by [LinkID.Cable]
}

// SetDrained says from now on which switches, with all their links, and which
// cables are to be left alone: best effort and the tree take them only where
// nothing else leads. They need not be known.
func (b *Builder) SetDrained(switches []openflow.DPID, cables []LinkID) {
	was := b.drained
	b.drained = drains{map[openflow.DPID]bool{}, map[LinkID]bool{}}
	for _, dpid := range switches {
		b.drained.switches[dpid] = true
	}
	for _, id := range cables {
		b.drained.cables[id.Cable()] = true
	}
	for _, d := range [...]drains{was, b.drained} {
		for dpid := range d.switches {
			if was.switches[dpid] != b.drained.switches[dpid] {
				b.touchCables(dpid)
			}
		}
		for id := range d.cables {
			if c := b.cableAt(id.From); c != nil && was.cables[id] != b.drained.cables[id] && c.far(id.From) == id.To {
				b.touchCable(c)
			}
		}
	}
}

// has reports whether a cable is to be left alone.
func (d *drains) has(c *cable) bool {
	if len(d.switches)+len(d.cables) == 0 {
		return false
	}
	return d.switches[c.ends[0].DPID] || d.switches[c.ends[1].DPID] || d.cables[c.id(0).Cable()]
}

// of returns the cables that are to be left alone and are there, in no order
// and once or twice each.
func (d *drains) of(b *Builder) (list []*cable) {
	for dpid := range d.switches {
		list = slices.AppendSeq(list, maps.Values(b.cables[dpid]))
	}
	for id := range d.cables {
		if c := b.cableAt(id.From); c != nil && d.has(c) {
			list = append(list, c)
		}
	}
	return list
}
