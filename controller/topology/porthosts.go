package topology

import (
	"container/heap"
	"slices"
	"time"

	"conga/openflow"
)

// portHosts is the hosts behind one port.
type portHosts struct {
	hosts   map[HostID]*hostState
	bound   int       // of these, by the configuration
	early   int       // of these; see hostState
	index   int       // among all ports; see byHosts
	full    time.Time // before this moment none of them makes room
	crowded bool      // there are more than may be learned
}

// late returns how many hosts behind the port may have to make room.
func (c *portHosts) late() int {
	if c == nil {
		return 0
	}
	return len(c.hosts) - c.bound - c.early
}

// Unlearned counts what was heard and not learned, for want of room.
type Unlearned struct {
	Hosts     uint64 // since a port has as many as it may
	Addrs     uint64 // since a host has as many as it may, or all have
	Network   uint64 // hosts, since all ports together have as many as they may
	Displaced uint64 // hosts that made room for those of a port with fewer late ones
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
	c := ports[at.Port]
	if c == nil {
		c = &portHosts{hosts: map[HostID]*hostState{}}
		ports[at.Port] = c
		heap.Push(&b.fullest, c)
	}
	c.hosts[h.ID()] = h
	switch b.keepEarly(h); {
	case b.isBound(h.ID()):
		c.bound++
	case h.early:
		c.early++
	}
	heap.Fix(&b.fullest, c.index)
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
	switch {
	case b.isBound(h.ID()):
		c.bound--
	case h.early:
		c.early--
	}
	heap.Fix(&b.fullest, c.index)
	if c.crowded && len(c.hosts) < b.cfg.MaxHosts {
		c.crowded, c.full = false, time.Time{}
		b.touchSwitch(h.At.DPID)
	}
	if len(c.hosts) > 0 {
		return
	}
	heap.Remove(&b.fullest, c.index)
	if delete(ports, h.At.Port); len(ports) == 0 {
		delete(b.behind, h.At.DPID)
	}
}

// makeRoom reports whether a port may have one more host, which is new to the
// network or comes from another port. When the port is full, the hosts that
// have been silent for long enough are dropped. If there is none the port is
// crowded: what comes from hosts that are not learned then passes unheard. So
// it is with a new host when the network is full.
func (b *Builder) makeRoom(at PortID, isNew bool, now time.Time) bool {
	c := b.behind[at.DPID][at.Port]
	full := func() bool { return c != nil && len(c.hosts) >= b.cfg.MaxHosts }
	if full() {
		b.dropSilent(c, now)
	}
	room := false
	switch {
	case full():
		b.unlearned.Hosts++
	case isNew && !b.makeRoomInAll(c, now):
		b.unlearned.Network++
	default:
		room = true
	}
	if c != nil && c.crowded == room {
		c.crowded = !room
		b.touchSwitch(at.DPID)
	}
	return room
}

// dropSilent drops the hosts behind a port that have been silent for long
// enough and reports whether there were some. The configuration's stay.
func (b *Builder) dropSilent(c *portHosts, now time.Time) (dropped bool) {
	if now.Before(c.full) { // one port must not fill the tables of every switch
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
			dropped = true
		} else if stale.Before(c.full) {
			c.full = stale
		}
	}
	if dropped {
		c.full = time.Time{}
	}
	return dropped
}

// keepEarly has a host be early if half of the room has not been given to early
// ones yet. What was known before a flood stays so, as long as it speaks.
func (b *Builder) keepEarly(h *hostState) {
	if !h.early && !b.isBound(h.ID()) && b.early < (b.cfg.MaxLearned+1)/2 {
		h.early = true
		b.early++
	}
}

// sweep drops what has been silent for long behind any port, and reports
// whether there was something. It looks for it only now and then.
func (b *Builder) sweep(now time.Time) (dropped bool) {
	if now.Before(b.swept.Add(b.cfg.HostSilence / 8)) {
		return false
	}
	b.swept = now
	for _, c := range slices.Clone(b.fullest) {
		dropped = b.dropSilent(c, now) || dropped
	}
	return dropped
}

// makeRoomInAll reports whether all ports together may have one more host,
// which comes to c, nil for a port without hosts. Where they are full the hosts
// that have been silent for long give way. Otherwise it is a late one of the
// port that has most of these, the one that has been silent for longest, if
// more are left there than will be at the other. So the early stay, and of the
// rest of the room each port gets its share: none that has more takes from one
// that has less.
func (b *Builder) makeRoomInAll(c *portHosts, now time.Time) bool {
	if b.learned() < b.cfg.MaxLearned {
		return true
	}
	most := b.fullest[0]
	if c != nil && b.dropSilent(c, now) || b.dropSilent(most, now) || b.sweep(now) {
		return true
	}
	if most.late() <= c.late()+1 {
		return false
	}
	var longest *hostState
	for id, h := range most.hosts {
		if !h.early && !b.isBound(id) && (longest == nil || h.Seen.Before(longest.Seen)) {
			longest = h
		}
	}
	b.dropHost(longest)
	b.unlearned.Displaced++
	return true
}

// learned returns how many hosts have been learned, over all ports.
func (b *Builder) learned() int { return len(b.hosts) - b.fixed }

// fewAddrs is how many addresses every host may have. More it may have as long
// as all together have no more than half as many on average as the network may
// have hosts.
const fewAddrs = 8

// makeAddrRoom reports whether a host may have one more address. When it has as
// many as it may, the one that has been silent for longest is dropped, if that
// is long enough.
func (b *Builder) makeAddrRoom(h *hostState) bool {
	if len(h.Addrs) < min(fewAddrs, b.cfg.MaxAddrs) || len(h.Addrs) < b.cfg.MaxAddrs && len(b.byAddr) < fewAddrs/2*b.cfg.MaxLearned {
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

// byHosts is a heap of the ports that have hosts, with the one on top that has
// most late ones.
type byHosts []*portHosts

// Len implements [heap.Interface].
func (l byHosts) Len() int { return len(l) }

// Less implements [heap.Interface].
func (l byHosts) Less(i, j int) bool { return l[i].late() > l[j].late() }

// Swap implements [heap.Interface].
func (l byHosts) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

// Push implements [heap.Interface].
func (l *byHosts) Push(x any) {
	c := x.(*portHosts)
	c.index = len(*l)
	*l = append(*l, c)
}

// Pop implements [heap.Interface].
func (l *byHosts) Pop() any {
	last := len(*l) - 1
	c := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return c
}
