package topology

import (
	"cmp"
	"slices"
	"strconv"

	"conga/openflow"
)

// Untagged in place of a VLAN stands for frames without a tag.
const Untagged uint16 = 1 << 12

// A HostID names a host: by its Ethernet address, which it has in all VLANs,
// or, if another host has that, too, in one VLAN at another port.
type HostID struct {
	MAC  openflow.MAC
	VLAN uint16 // 0: all where there is no other host; or Untagged
}

// String returns the address; after a slash the VLAN, if it is of one.
func (h HostID) String() string {
	switch h.VLAN {
	case 0:
		return h.MAC.String()
	case Untagged:
		return h.MAC.String() + "/untagged"
	}
	return h.MAC.String() + "/" + strconv.Itoa(int(h.VLAN))
}

// CompareHosts orders hosts by address, then by VLAN.
func CompareHosts(a, b HostID) int {
	return cmp.Or(slices.Compare(a.MAC[:], b.MAC[:]), cmp.Compare(a.VLAN, b.VLAN))
}

// InVLAN returns the name of the host that has an address in one VLAN, which
// may not be known by that; 0: without a tag.
func InVLAN(mac openflow.MAC, vlan uint16) HostID {
	if vlan == 0 {
		vlan = Untagged
	}
	return HostID{MAC: mac, VLAN: vlan}
}

// ID returns the host's name.
func (h *Host) ID() HostID { return HostID{h.MAC, h.VLAN} }

// HostIn returns the host that has an Ethernet address in a VLAN; 0: without a
// tag.
func (s *Snapshot) HostIn(mac openflow.MAC, vlan uint16) (Host, bool) {
	if h, ok := s.Hosts.Get(InVLAN(mac, vlan)); ok {
		return h, true
	}
	return s.Hosts.Get(HostID{MAC: mac})
}

// hostIn does for what the builder knows what [Snapshot.HostIn] does.
func (b *Builder) hostIn(mac openflow.MAC, vlan uint16) *hostState {
	if h := b.hosts[InVLAN(mac, vlan)]; h != nil {
		return h
	}
	return b.hosts[HostID{MAC: mac}]
}

// elsewhere reports whether a host that was heard in a VLAN, 0: in none, was
// only heard in others so far.
func (h *hostState) elsewhere(vlan uint16) bool {
	if h.VLAN != 0 {
		return false
	}
	for _, a := range h.Addrs {
		if h.VLANs[a] == vlan {
			return false
		}
	}
	return len(h.Addrs) > 0 || h.vlan != vlan
}

// part has a host that is heard in a VLAN at another port be another one, which
// has the same Ethernet address.
func (b *Builder) part(h *hostState, vlan uint16, at PortID) {
	id, now := InVLAN(h.MAC, vlan), b.clock.wall
	if b.hosts[id] != nil || !b.makeRoom(at, true, now) {
		return
	}
	other := &hostState{Host: Host{MAC: id.MAC, VLAN: id.VLAN, Seen: now}}
	b.hosts[id] = other
	b.moveTo(other, vlan, at, now)
	b.contests.verdicts = append(b.contests.verdicts, Verdict{
		Claim{Owner: h.ID(), At: h.At, By: id, From: at, VLAN: vlan}, Parted,
	})
}

// beside has the hosts that share an Ethernet address know where the one is
// that has it in all other VLANs.
func (b *Builder) beside(h *hostState, at PortID) {
	if h.VLAN != 0 {
		if one := b.hosts[HostID{MAC: h.MAC}]; one != nil {
			h.Beside = one.At
		}
		b.parted[h.MAC] = append(slices.DeleteFunc(b.parted[h.MAC], func(o *hostState) bool { return o == h }), h)
		return
	}
	for _, other := range b.parted[h.MAC] {
		other.Beside = at
		b.touchHost(other)
	}
}

// alone undoes beside.
func (b *Builder) alone(h *hostState) {
	if h.VLAN == 0 {
		b.beside(h, External)
		return
	}
	rest := slices.DeleteFunc(b.parted[h.MAC], func(o *hostState) bool { return o == h })
	if b.parted[h.MAC] = rest; len(rest) == 0 {
		delete(b.parted, h.MAC)
	}
}
