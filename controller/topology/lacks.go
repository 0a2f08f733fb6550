package topology

import (
	"slices"
	"time"

	"conga/openflow"
)

// Lacks are things that a switch has been found unable to do; a set.
type Lacks uint16

// The things that a switch may lack.
const (
	LacksTables      Lacks = 1 << iota // more than one table that entries can lead to
	LacksMasks                         // masks of Ethernet addresses
	LacksICMPv6Type                    // the type of ICMPv6 in matches
	LacksRemovals                      // flow-removed messages
	LacksMarks                         // the setting of DSCP
	LacksMeters                        // meters in entries
	LacksICMPv4Type                    // the type of ICMP in matches
	LacksPacketRates                   // meters that count packets
	LacksFailover                      // groups that send to the first port that is up
	LacksPortMasks                     // masks of ports of TCP and UDP
	LacksTags                          // the changing of VLAN tags
	LacksBursts                        // the length of meters' bursts
)

// A SavedSwitch is what was found of a switch that describes itself so.
type SavedSwitch struct {
	DPID   openflow.DPID `json:"dpid"`
	Desc   string        `json:"desc"`
	Tables uint8         `json:"tables"`
	Offers uint32        `json:"offers"` // meters that it says it has
	Lacks  Lacks         `json:"lacks,omitempty"`
	Room   *uint32       `json:"room,omitempty"` // meters that it has room for; nil: as many as it offers
}

// found returns what has been found of a switch; ok is false if that is
// nothing.
func (sw *switchState) found() (s SavedSwitch, ok bool) {
	s = SavedSwitch{DPID: sw.info.DPID, Desc: sw.info.Desc, Tables: sw.info.Tables, Offers: sw.offers, Lacks: sw.info.Lacks}
	if room := sw.info.Meters; room < sw.offers {
		s.Room = &room
	}
	return s, s.Lacks != 0 || s.Room != nil
}

// remember takes what was found of a switch before over to what it tells of
// itself now, unless it is another by now.
func (b *Builder) remember(info *Switch) {
	past, known := b.found[info.DPID]
	if !known {
		return
	}
	if past.Desc != info.Desc || past.Tables != info.Tables || past.Offers != info.Meters {
		delete(b.found, info.DPID)
		b.unsaved.switches[info.DPID] = true
		return
	}
	info.Lacks |= past.Lacks
	if past.Room != nil {
		info.Meters = min(info.Meters, *past.Room)
	}
}

// SwitchLacks takes note that a switch cannot do something, beside what is
// known already.
func (b *Builder) SwitchLacks(dpid openflow.DPID, lacks Lacks, now time.Time) {
	b.changeFound(dpid, now, func(info *Switch) { info.Lacks |= lacks })
}

// SwitchRoom takes note that a switch has room for so many meters of ours only.
func (b *Builder) SwitchRoom(dpid openflow.DPID, meters uint32, now time.Time) {
	if sw := b.switches[dpid]; sw != nil {
		meters = min(meters, sw.offers)
		b.changeFound(dpid, now, func(info *Switch) { info.Meters = meters })
	}
}

// SetEnforced sets how far a switch enforces rates: whether best effort is not
// held back, and from which handle on circuits are not policed; 0: all are.
func (b *Builder) SetEnforced(dpid openflow.DPID, unmetered bool, unpoliced uint32, now time.Time) {
	b.clock.look(now)
	if sw := b.switches[dpid]; sw != nil && (sw.info.Unmetered != unmetered || sw.info.Unpoliced != unpoliced) {
		sw.info.Unmetered, sw.info.Unpoliced = unmetered, unpoliced
		b.touchSwitch(dpid)
	}
}

func (b *Builder) changeFound(dpid openflow.DPID, now time.Time, change func(*Switch)) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil {
		return
	}
	before := sw.info
	change(&sw.info)
	if sw.info.Lacks == before.Lacks && sw.info.Meters == before.Meters {
		return
	}
	b.touchSwitch(dpid)
	b.unsaved.switches[dpid] = true
	b.found[dpid], _ = sw.found()
}

// SetLimitations replaces the sentences that say what a switch cannot do, and
// returns those that are new.
func (b *Builder) SetLimitations(dpid openflow.DPID, sentences []string, now time.Time) (fresh []string) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil || slices.Equal(sw.info.Limitations, sentences) {
		return nil
	}
	for _, s := range sentences {
		if !slices.Contains(sw.info.Limitations, s) {
			fresh = append(fresh, s)
		}
	}
	sw.info.Limitations = sentences
	b.touchSwitch(dpid)
	return fresh
}

// RoleName returns the name of this controller's role, "" if the switch is not
// connected.
func (sw Switch) RoleName() string {
	if sw.Role == openflow.RoleNoChange {
		return ""
	}
	return sw.Role.String()
}

// SwitchWithheld takes note that a switch has connected from an address, and
// that another controller has it, in a sentence. It counts as not connected
// until [Builder.SwitchUp].
func (b *Builder) SwitchWithheld(dpid openflow.DPID, addr, why string, now time.Time) {
	b.clock.look(now)
	sw := b.switches[dpid]
	if sw == nil {
		sw = &switchState{info: Switch{DPID: dpid}, ports: map[openflow.PortNo]*portState{}}
		b.switches[dpid] = sw
		delete(b.unmet, dpid)
	}
	sw.info.Role, sw.info.Addr, sw.info.Limitations = openflow.RoleSlave, addr, []string{why}
	b.touchSwitch(dpid)
}
