package config

import (
	"fmt"

	"conga/openflow"
)

// switches checks which switches may connect.
func (v *validator) switches(o OpenFlow) {
	v.oneOf("openflow.switches.allow", o.Switches.Allow, "any", "listed")
	if o.Switches.Allow == "listed" && len(o.Switches.List) == 0 {
		v.add("openflow.switches.list", "no switch is listed, so that none may connect; list those that may, or set allow to any")
	}
	seen := map[DPID]int{}
	for i, s := range o.Switches.List {
		key := fmt.Sprintf("openflow.switches.list[%d]", i)
		if s.DPID == 0 {
			v.add(key+".dpid", `the datapath ID is missing; write 16 hex digits, such as "0000000000000001"`)
		} else if first, ok := seen[s.DPID]; ok {
			v.add(key+".dpid", "switch %s is already openflow.switches.list[%d]; keep one", openflow.DPID(s.DPID), first)
		} else {
			seen[s.DPID] = i
		}
		switch p := s.Address; {
		case p == nil || !p.IsValid():
		case p.Addr().Is4In6():
			v.add(key+".address", "%s is an IPv4 prefix in IPv6 clothes; write it as IPv4", p)
		case p.Masked() != p.Prefix:
			v.add(key+".address", "%s has bits set beyond its length; write %s, or %s alone", p, p.Masked(), p.Addr())
		}
		if s.Certificate != "" && o.TLS.ClientCA == "" {
			v.add(key+".certificate", "switches show no certificate that could be believed; set openflow.tls.client_ca to the authority that signs theirs")
		}
		if s.Address == nil && s.Certificate == "" && o.Switches.Allow == "any" {
			v.add(key, "the entry says nothing, since any switch may connect; give address, certificate or both, or set allow to listed")
		}
	}
}
