package topology

import "conga/openflow"

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

// FindHost returns a learned host by its Ethernet address, in any form that
// [openflow.ParseMAC] reads.
func (s *Snapshot) FindHost(mac string) (Host, bool) {
	id, err := openflow.ParseMAC(mac)
	if err != nil {
		return Host{}, false
	}
	return s.Hosts.Get(id)
}
