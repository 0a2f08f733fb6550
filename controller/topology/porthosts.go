package topology

import (
	"time"

	"conga/openflow"
)

// portHosts is the hosts behind one port.
type portHosts struct {
	hosts   map[HostID]*hostState
	full    time.Time // before this moment none of them makes room
	crowded bool      // there are more than may be learned
}

// Unlearned counts what was heard and not learned, for want of room.
type Unlearned struct {
	Hosts uint64 // since a port has as many as it may
	Addrs uint64 // since a host has as many as it may
}

// Unlearned returns what has not been learned so far.
func (b *Builder) Unlearned() Unlearned { return b.unlearned }

// enterPort puts a host behind a port.
func (b *Builder) enterPort(h *hostState, at PortID) {
	b.leavePort(h)
	b.setSecond(h, External)
	h.At = at
	ports := b.behind[at.DPID]
	if ports == nil {
		ports = map[openflow.PortNo]*portHosts{}
		b.behind[at.DPID] = ports
	}
	if ports[at.Port] == nil {
		ports[at.Port] = &portHosts{hosts: map[HostID]*hostState{}}
	}
	ports[at.Port].hosts[h.ID()] = h
	b.beside(h, at)
	b.touchHost(h)
	for _, a := range h.Addrs {
		b.touchAddr(a)
	}
}

func (b *Builder) leavePort(h *hostState) {
	ports := b.behind[h.At.DPID]
	c := ports[h.At.Port]
	if c == nil {
		return
	}
	delete(c.hosts, h.ID())
	if c.crowded && len(c.hosts) < b.cfg.MaxHosts {
		c.crowded, c.full = false, time.Time{}
		b.touchSwitch(h.At.DPID)
	}
	if len(c.hosts) > 0 {
		return
	}
	if delete(ports, h.At.Port); len(ports) == 0 {
		delete(b.behind, h.At.DPID)
	}
}

// makeRoom reports whether a port may have one more host. When the port is
// full, the hosts that have been silent for long enough are dropped. If there
// is none the port is crowded: what comes from hosts that are not learned then
// passes unheard.
func (b *Builder) makeRoom(at PortID, now time.Time) bool {
	c := b.behind[at.DPID][at.Port]
	if c == nil || len(c.hosts) < b.cfg.MaxHosts {
		return true
	}
	if now.Before(c.full) { // one port must not fill the tables of every switch
		b.unlearned.Hosts++
		return false
	}
	c.full = now.Add(b.cfg.HostSilence)
	for id, h := range c.hosts {
		stale := h.Seen.Add(b.cfg.HostSilence)
		if b.isBound(id) {
			continue
		}
		if !now.Before(stale) {
			b.dropHost(h)
		} else if stale.Before(c.full) {
			c.full = stale
		}
	}
	if len(c.hosts) < b.cfg.MaxHosts {
		c.full = time.Time{}
		return true
	}
	b.unlearned.Hosts++
	if !c.crowded {
		c.crowded = true
		b.touchSwitch(at.DPID)
	}
	return false
}

// makeAddrRoom reports whether a host may have one more address. When it has as
// many as it may, the one that has been silent for longest is dropped, if that
// is long enough.
func (b *Builder) makeAddrRoom(h *hostState) bool {
	if len(h.Addrs) < b.cfg.MaxAddrs {
		return true
	}
	oldest := -1
	for i, a := range h.Addrs {
		if _, bound := b.boundAddrs[a]; !bound && (oldest < 0 || h.heard[i].Before(h.heard[oldest])) {
			oldest = i
		}
	}
	if oldest < 0 || b.clock.wall.Sub(h.heard[oldest]) < b.cfg.HostSilence {
		b.unlearned.Addrs++
		return false
	}
	b.loseAddr(h, h.Addrs[oldest])
	return true
}
