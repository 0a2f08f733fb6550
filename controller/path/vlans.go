package path

import "conga/controller/topology"

// VLANs are those of the two ends of a key's traffic where they are not the
// same, so that what goes from one to the other has to change its VLAN tag: an
// ID, or [topology.Untagged]. The zero value says that it keeps the tag that it
// has.
type VLANs struct{ Src, Dst uint16 }

// VLANs returns those of the traffic of a key, as far as the network knows both
// ends'.
func (k FlowKey) VLANs(s *topology.Snapshot) VLANs {
	v := VLANs{s.VLANOf(k.Src.Net()), s.VLANOf(k.Dst.Net())}
	if v.Src == 0 || v.Dst == 0 || v.Src == v.Dst {
		return VLANs{}
	}
	return v
}

// Reverse returns those of the traffic back.
func (v VLANs) Reverse() VLANs { return VLANs{v.Dst, v.Src} }
