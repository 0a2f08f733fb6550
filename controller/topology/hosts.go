package topology

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

const (
	hostMove = time.Second // a host that has moved stays at least this long

	// A host that moves more than flapMoves times in flapSpan stays for
	// flapHold each time.
	flapMoves = 4
	flapSpan  = time.Minute
	flapHold  = 10 * time.Second

	showSeen = 10 * time.Second // the next snapshot tells when a host spoke if it is this much later
	saveSeen = 5 * time.Minute  // and so does what is saved
)

// A hostState is what the builder knows of a host.
type hostState struct {
	Host
	heard        []time.Time // when each of Addrs was heard last
	shown, saved time.Time   // as Seen was then
	vlan         uint16      // in which it was heard when it came to where it is
	strayed      time.Time   // when it was first heard at a shared segment after it fell silent where it is
	moves        int         // since flaps
	flaps        time.Time
	flapping     time.Time // when that was reported last
	early        bool      // never makes room while it speaks; see keepEarly
}

// HostSeen takes note of a frame that a host sent: its VLAN (0: none), where it
// entered, its source MAC, and the addresses that it gives as its own. It
// reports whether that is news. Frames count at edge ports only.
//
// A host that is known at another port, and can be asked there, has moved only
// when it does not answer there; see [Builder.Queries]. So it is with claimed
// addresses, which come from address resolution, when they are known to be
// another host's. Other addresses are the source of a packet, which may have
// been routed, and count only if no host has them.
func (b *Builder) HostSeen(vlan uint16, at PortID, mac openflow.MAC, addrs []netip.Addr, claimed bool, now time.Time) bool {
	b.clock.look(now)
	p := b.port(at)
	if p == nil || p.role != Edge || mac[0]&1 != 0 || mac == (openflow.MAC{}) {
		return false
	}
	if home, ok := b.boundTo(mac); ok && home != at {
		if !p.shared { // where all are heard
			b.refuse(Claim{Owner: HostID{MAC: mac}, At: home, By: HostID{MAC: mac}, From: at})
		}
		return false
	}
	h := b.hostIn(mac, vlan)
	if h == nil && at.Port == openflow.PortLocal && !inhabits(addrs) {
		return false
	}
	if p.shared {
		if h != nil && !b.movedTo(at, h, now) {
			return false
		}
	} else {
		p.inhabited = b.clock.now
	}
	news := h == nil || h.At != at
	if news {
		if h != nil && !b.mayMove(h, vlan, at, now) || !b.makeRoom(at, h == nil, now) {
			return false
		}
		if h == nil {
			h = &hostState{Host: Host{MAC: mac}}
			b.hosts[h.ID()] = h
		}
		b.moveTo(h, vlan, at, now)
	}
	h.Seen = now
	for _, a := range addrs {
		if b.learnAddr(h, a.Unmap(), vlan, claimed, now) {
			news = true
		}
	}
	b.refresh(h)
	return news
}

// mayMove reports whether a host that was heard at another port is there. If it
// can be asked where it was, it is not, before it has failed to answer.
func (b *Builder) mayMove(h *hostState, vlan uint16, at PortID, now time.Time) bool {
	if now.Sub(h.Moved) < hostMove {
		return false
	}
	if b.gone(h) {
		return true
	}
	if h.VLAN == 0 && h.moves > 1 && h.vlan != vlan && now.Sub(h.flaps) < flapSpan && !b.isBound(h.ID()) {
		b.part(h, vlan, at) // it was at another port in another VLAN just now
		return false
	}
	if h.moves > flapMoves && now.Sub(h.flaps) < flapSpan && now.Sub(h.Moved) < flapHold {
		if h.flapping.IsZero() || now.Sub(h.flapping) >= flapSpan {
			h.flapping = now
			c := Claim{Owner: h.ID(), At: h.At, By: h.ID(), From: at}
			b.contests.verdicts = append(b.contests.verdicts, Verdict{c, Flapping})
		}
		return false
	}
	if len(h.Addrs) == 0 {
		return true
	}
	b.contend(Claim{Owner: h.ID(), At: h.At, By: h.ID(), From: at, VLAN: vlan})
	return false
}

// moveTo moves a host, which may be new, to a port.
func (b *Builder) moveTo(h *hostState, vlan uint16, at PortID, now time.Time) {
	if now.Sub(h.flaps) >= flapSpan {
		h.flaps, h.moves = now, 0
	}
	h.moves++
	b.enterPort(h, at)
	h.Moved, h.vlan = now, vlan
}

// refresh marks a host, now and then, to be shown and saved with the time at
// which it last spoke.
func (b *Builder) refresh(h *hostState) {
	if h.Seen.Sub(h.shown) > showSeen {
		b.changed.hosts[h.ID()] = true // which alone is no reason for a snapshot
		h.shown = h.Seen
	}
	if h.Seen.Sub(h.saved) > saveSeen {
		b.unsaved.hosts[h.ID()] = true
		h.saved = h.Seen
	}
}

// learnAddr gives addr to h if h may have it, and reports whether that is a
// change.
func (b *Builder) learnAddr(h *hostState, addr netip.Addr, vlan uint16, claimed bool, now time.Time) bool {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() {
		return false
	}
	if owner, ok := b.boundAddrs[addr]; ok && (HostID{MAC: owner}) != h.ID() {
		if claimed {
			home, _ := b.boundTo(owner)
			b.refuse(Claim{Owner: HostID{MAC: owner}, Addr: addr, At: home, By: h.ID(), From: h.At, VLAN: vlan})
		}
		return false
	}
	owner, taken := b.byAddr[addr]
	switch o := b.hosts[owner]; {
	case !taken:
	case o == h:
		i, _ := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare)
		if h.heard[i] = now; claimed || h.Bound {
			b.setVLAN(h, addr, vlan)
		}
		return false
	case !claimed:
		return false
	case o.At != h.At && !b.gone(o):
		b.contend(Claim{Owner: owner, Addr: addr, At: o.At, By: h.ID(), From: h.At, VLAN: vlan})
		return false
	}
	return b.takeAddr(h, addr, vlan)
}

// takeAddr gives an address in a VLAN to a host, whichever had it before. It
// reports whether the host has room for it.
func (b *Builder) takeAddr(h *hostState, addr netip.Addr, vlan uint16) bool {
	if !b.makeAddrRoom(h) {
		return false
	}
	if owner, taken := b.byAddr[addr]; taken {
		b.loseAddr(b.hosts[owner], addr)
	}
	b.assign(h, addr, b.clock.wall)
	b.setVLAN(h, addr, vlan)
	return true
}

// setVLAN notes in which VLAN a host has an address, and is to be asked for it;
// 0: in none.
func (b *Builder) setVLAN(h *hostState, addr netip.Addr, vlan uint16) {
	if h.VLANs[addr] == vlan {
		return
	}
	vlans := map[netip.Addr]uint16{}
	maps.Copy(vlans, h.VLANs) // snapshots share the old one
	if vlans[addr] = vlan; vlan == 0 {
		delete(vlans, addr)
	}
	h.VLANs = vlans
	b.touchHost(h)
}

func (b *Builder) loseAddr(h *hostState, addr netip.Addr) {
	if i, ok := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare); ok {
		h.Addrs = slices.Delete(slices.Clone(h.Addrs), i, i+1) // snapshots share the old one
		h.heard = slices.Delete(h.heard, i, i+1)
		b.setVLAN(h, addr, 0)
		b.touchHost(h)
	}
	delete(b.byAddr, addr)
	b.touchAddr(addr)
}

func (b *Builder) assign(h *hostState, addr netip.Addr, now time.Time) {
	b.byAddr[addr] = h.ID()
	i, _ := slices.BinarySearchFunc(h.Addrs, addr, netip.Addr.Compare)
	h.Addrs = slices.Insert(slices.Clone(h.Addrs), i, addr) // snapshots share the old one
	h.heard = slices.Insert(h.heard, i, now)
	b.touchHost(h)
	b.touchAddr(addr)
}

func (b *Builder) dropHost(h *hostState) {
	for _, a := range h.Addrs {
		delete(b.byAddr, a)
		b.touchAddr(a)
	}
	b.leavePort(h)
	if h.early {
		b.early--
	}
	b.setSecond(h, External)
	delete(b.hosts, h.ID())
	b.alone(h)
	b.touchHost(h)
}

// dropHosts forgets the hosts behind a port, but for those that are bound to
// it.
func (b *Builder) dropHosts(at PortID) {
	if c := b.behind[at.DPID][at.Port]; c != nil {
		for id, h := range c.hosts {
			if !b.isBound(id) {
				b.dropHost(h)
			}
		}
	}
}
