package topology

import (
	"slices"

	"conga/openflow"
)

// Find returns a switch by its datapath ID, in any form that
// [openflow.ParseDPID] reads.
func (s *Snapshot) Find(dpid string) (Switch, bool) {
	id, err := openflow.ParseDPID(dpid)
	if err != nil {
		return Switch{}, false
	}
	sw, ok := s.Switches[id]
	return sw, ok
}

// FindHosts returns the learned hosts with an Ethernet address, in any form
// that [openflow.ParseMAC] reads, in a stable order. ok is false if it is in
// none.
func (s *Snapshot) FindHosts(mac string) (found []Host, ok bool) {
	id, err := openflow.ParseMAC(mac)
	if err != nil {
		return nil, false
	}
	for is, h := range s.Hosts.All() {
		if is.MAC == id {
			found = append(found, h)
		}
	}
	slices.SortFunc(found, func(a, b Host) int { return CompareHosts(a.ID(), b.ID()) })
	return found, true
}
