package config

import (
	"fmt"
	"net/netip"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// boundHosts checks the bound hosts; ends are the ports that are ends of
// cables.
func (v *validator) boundHosts(hosts []Host, ends map[topology.PortID]string) {
	macs, addrs := map[openflow.MAC]int{}, map[netip.Addr]string{}
	for i, h := range hosts {
		key := fmt.Sprintf("network.hosts[%d]", i)
		switch first, twice := macs[h.MAC.MAC]; {
		case h.MAC == Address{} || h.MAC.Prefix.IsValid() || h.MAC.MAC[0]&1 != 0:
			v.add(key+".mac", `the host is missing; write its MAC address in quotes, such as "02:00:00:00:00:01"`)
		case twice:
			v.add(key+".mac", "%s is already network.hosts[%d]; put all its addresses there", h.MAC, first)
		default:
			macs[h.MAC.MAC] = i
		}
		if len(h.Addresses) == 0 && h.At == (Port{}) {
			v.add(key, "the host is bound to nothing; give addresses, at or both")
		}
		if end, ok := ends[h.At.ID()]; ok && h.At != (Port{}) {
			v.add(key+".at", "port %s is an end of %s; a host can only be behind an edge port", h.At, parent(end))
		}
		for j, p := range h.Addresses {
			at := fmt.Sprintf("%s.addresses[%d]", key, j)
			switch other, taken := addrs[p.Addr()]; {
			case !p.IsValid() || p.Bits() != p.Addr().BitLen() || p.Addr().IsMulticast() || p.Addr().IsUnspecified():
				v.add(at, "%s is not the address of a host; write one such as 10.0.0.9, or place a prefix with network.attachments", p)
			case p.Addr().Is4In6():
				v.add(at, "%s is an IPv4 address in IPv6 clothes; write it as IPv4", p.Addr())
			case taken:
				v.add(at, "%s is already %s; keep one", p.Addr(), other)
			default:
				addrs[p.Addr()] = at
			}
		}
	}
}

// learning checks the bounds of what is learned.
func (v *validator) learning(l Learning) {
	for _, bound := range []struct {
		key string
		n   int
	}{{"hosts", l.Hosts}, {"hosts_per_port", l.HostsPerPort}, {"addresses_per_host", l.AddressesPerHost}} {
		if bound.n < 1 || bound.n > 1_000_000 {
			v.add("network.learning."+bound.key, "%d is not a bound; write 1 to 1000000", bound.n)
		}
	}
	if d := time.Duration(l.Silence); d < 10*time.Second || d > 24*time.Hour {
		v.add("network.learning.silence", "%v is too short or too long to tell who has gone; write 10s to 24h", d)
	}
}
