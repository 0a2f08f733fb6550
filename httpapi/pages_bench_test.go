package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/httpapi"
	"conga/openflow"
)

// large returns a network of so many switches, with two links and ten hosts
// each.
func large(switches int) *topology.Snapshot {
	s := &topology.Snapshot{Revision: 1, Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}, Tree: map[topology.PortID]bool{}}
	for i := range switches {
		d := openflow.DPID(i + 1)
		sw := topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for no := openflow.PortNo(1); no <= 12; no++ {
			id := topology.PortID{DPID: d, Port: no}
			sw.Ports[no] = topology.Port{ID: id, Up: true, Role: topology.Edge}
			if no > 10 {
				to := topology.PortID{DPID: openflow.DPID((i+1)%switches + 1), Port: 23 - no}
				s.Links[id] = topology.Link{ID: topology.LinkID{From: id, To: to}}
				continue
			}
			mac := openflow.MAC{2, byte(no), byte(i >> 16), byte(i >> 8), byte(i)}
			addr := netip.AddrFrom4([4]byte{10, byte(no), byte(i >> 8), byte(i)})
			h := topology.Host{MAC: mac, At: id, Addrs: []netip.Addr{addr}, Seen: time.Unix(1, 0)}
			s.Hosts = s.Hosts.With(h.ID(), h)
			s.Addrs = s.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: id})
		}
		s.Switches[d] = sw
	}
	return s
}

// BenchmarkPagesOfNetwork measures what a page of ten costs of the lists of the
// network, of 100 switches and 1,000 hosts, and ten times as much.
func BenchmarkPagesOfNetwork(b *testing.B) {
	first := map[string]time.Duration{}
	for _, switches := range []int{100, 1000} {
		s := large(switches)
		h := newHarness(b, withAll, func(c *httpapi.Config) { c.Snapshot = func() *topology.Snapshot { return s } })
		for _, target := range []string{"hosts?per_page=10", "hosts?mac=02:01:00:00:07:00", "hosts?address=10.1.0.7", "links?per_page=10", "links?from=0000000000000007:11", "links?kind=access&per_page=10", "switches?per_page=10", "stats/switches?per_page=10", "stats/links?per_page=10"} {
			b.Run(fmt.Sprintf("%d/%s", switches, target), func(b *testing.B) {
				r, err := http.NewRequest("GET", "/api/v1/"+target, nil)
				if err != nil {
					b.Fatal(err)
				}
				r.RemoteAddr = "192.0.2.1:1234"
				r.Header.Set("Authorization", "Bearer "+h.admin)
				n := 0
				for b.Loop() {
					n++
					w := &discarded{header: http.Header{}}
					if h.api.ServeHTTP(w, r); w.code != 200 {
						b.Fatal(w.code)
					}
				}
				each := b.Elapsed() / time.Duration(n)
				if switches == 100 {
					first[target] = each
				}
				b.ReportMetric(each.Seconds()/first[target].Seconds(), "times-the-first")
			})
		}
	}
}
