package topology

import "net/netip"

// VLANOf returns the VLAN of the hosts of a prefix, or Untagged: that of the
// longest attachment which all of the prefix is in. If it does not say, that is
// the VLAN in which an address was last announced, if the prefix is one
// address. 0: it is not known, or they may be in several.
func (s *Snapshot) VLANOf(p netip.Prefix) uint16 {
	if a, ok := s.table().covering(p); ok && a.VLAN != 0 {
		return a.VLAN
	}
	if !p.IsSingleIP() {
		return 0
	}
	id, ok := s.HostAt(p.Addr())
	if !ok {
		return 0
	}
	h, _ := s.Hosts.Get(id)
	vlan, tagged := h.VLANs[p.Addr()]
	switch {
	case h.VLAN != 0:
		return h.VLAN
	case tagged:
		return vlan
	case h.Bound: // its address need not have been heard
		return 0
	}
	return Untagged
}
