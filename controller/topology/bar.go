package topology

import (
	"cmp"
	"net/netip"
	"slices"

	"conga/openflow"
)

// A Bar is an address that hosts behind a port may not announce.
type Bar struct {
	Port openflow.PortNo
	Addr netip.Addr
	VLAN uint16 // 0: any
}

// bar keeps the hosts behind a port from announcing what they have claimed.
func (b *Builder) bar(c *contest) {
	k, bar := &b.contests, Bar{c.From.Port, c.Addr, c.VLAN}
	list := k.bars[c.From.DPID]
	i, there := slices.BinarySearchFunc(list, bar, compareBars)
	n := 0
	for _, other := range list {
		if other.Port == bar.Port {
			n++
		}
	}
	if !c.Addr.IsValid() || there || n >= maxBarred {
		return
	}
	k.bars[c.From.DPID] = slices.Insert(slices.Clone(list), i, bar) // snapshots share the old one
	b.touchSwitch(c.From.DPID)
}

// unbar undoes bar.
func (b *Builder) unbar(c *contest) {
	k := &b.contests
	list := k.bars[c.From.DPID]
	i, there := slices.BinarySearchFunc(list, Bar{c.From.Port, c.Addr, c.VLAN}, compareBars)
	if !there {
		return
	}
	if list = slices.Delete(slices.Clone(list), i, i+1); len(list) == 0 {
		delete(k.bars, c.From.DPID)
	} else {
		k.bars[c.From.DPID] = list
	}
	b.touchSwitch(c.From.DPID)
}

func compareBars(x, y Bar) int {
	if x.Port != y.Port {
		return int(int64(x.Port) - int64(y.Port))
	}
	return cmp.Or(x.Addr.Compare(y.Addr), cmp.Compare(x.VLAN, y.VLAN))
}
