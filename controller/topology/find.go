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

// HostsWith returns those of hosts that have an Ethernet address, in any form
// that [openflow.ParseMAC] reads. The hosts are in the order of [CompareHosts].
// ok is false if the address is in no such form.
func HostsWith(hosts []HostID, mac string) (found []HostID, ok bool) {
	addr, err := openflow.ParseMAC(mac)
	if err != nil {
		return nil, false
	}
	first, _ := slices.BinarySearchFunc(hosts, HostID{MAC: addr}, CompareHosts)
	hosts = hosts[first:]
	if n := slices.IndexFunc(hosts, func(id HostID) bool { return id.MAC != addr }); n >= 0 {
		hosts = hosts[:n]
	}
	return hosts, true
}
