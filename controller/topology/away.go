package topology

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"conga/openflow"
)

// Any program may connect as a switch, with hosts and links that it makes up,
// and again under another datapath ID. So the switches that are away and
// remembered are bounded: beyond that those are forgotten first that had no
// links, and of these the ones that have been away for longest.

// awayPart is the part of those that may be remembered that goes at once, so
// that not each that comes is a reason to look through all.
const awayPart = 16

// An absentee is a switch that is away and remembered.
type absentee struct {
	dpid   openflow.DPID
	linked bool
	until  time.Time // when its links ceased to count; zero: it has not been here since the start
}

// before reports, as less than zero, that a is forgotten before o.
func (a absentee) before(o absentee) int {
	switch {
	case o.linked && !a.linked:
		return -1
	case a.linked && !o.linked:
		return 1
	}
	return cmp.Or(a.until.Compare(o.until), cmp.Compare(a.dpid, o.dpid))
}

// meet notes that an earlier run has known a switch that has not been here yet.
func (b *Builder) meet(dpids ...openflow.DPID) {
	for _, dpid := range dpids {
		if b.switches[dpid] == nil && dpid != External.DPID {
			b.unmet[dpid] = true
		}
	}
}

// boundAway forgets switches that are away, if there are too many.
func (b *Builder) boundAway() {
	if len(b.switches)-b.sessions+len(b.unmet) <= b.cfg.MaxAway {
		return
	}
	var away []absentee
	for dpid, sw := range b.switches {
		if !sw.info.Connected && sw.info.Role == openflow.RoleNoChange { // else another controller has it
			away = append(away, absentee{dpid, len(b.cables[dpid]) > 0, sw.until})
		}
	}
	for dpid := range b.unmet {
		away = append(away, absentee{dpid: dpid, linked: len(b.cables[dpid]) > 0})
	}
	slices.SortFunc(away, absentee.before)
	over := len(away) - b.cfg.MaxAway
	if over <= 0 {
		return
	}
	over = min(over+b.cfg.MaxAway/awayPart, len(away)-1) // the last has just gone
	configured, gone := b.configuredSwitches(), map[openflow.DPID]bool{}
	for _, x := range away[:over] {
		if !configured[x.dpid] {
			gone[x.dpid] = true
			b.forgetSwitch(x.dpid)
		}
	}
	maps.DeleteFunc(b.past, func(id PortID, _ SavedPort) bool {
		if gone[id.DPID] {
			b.unsaved.ports[id] = true
		}
		return gone[id.DPID]
	})
}

// configuredSwitches returns those of which the configuration says what is
// behind them.
func (b *Builder) configuredSwitches() map[openflow.DPID]bool {
	of := map[openflow.DPID]bool{}
	for _, x := range b.bound {
		of[x.At.DPID] = true
	}
	for id := range b.overrides {
		of[id.DPID] = true
	}
	return of
}

// forgetSwitch forgets a switch that is away, and what was behind it.
func (b *Builder) forgetSwitch(dpid openflow.DPID) {
	for no := range b.behind[dpid] {
		b.dropHosts(PortID{DPID: dpid, Port: no})
	}
	for no := range b.cables[dpid] {
		b.cut(PortID{DPID: dpid, Port: no})
	}
	b.dropSwitch(dpid)
}

// dropSwitch forgets a switch on which no host depends.
func (b *Builder) dropSwitch(dpid openflow.DPID) {
	if sw := b.switches[dpid]; sw != nil {
		for no := range sw.ports {
			b.unsaved.ports[PortID{DPID: dpid, Port: no}] = true
		}
	}
	delete(b.unmet, dpid)
	delete(b.late.of, dpid)
	delete(b.switches, dpid)
	if _, known := b.found[dpid]; known {
		delete(b.found, dpid)
		b.unsaved.switches[dpid] = true
	}
	b.touchSwitch(dpid)
	b.touchCables(dpid)
}
