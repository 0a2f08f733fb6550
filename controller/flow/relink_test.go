package flow

import (
	"maps"
	"testing"

	"conga/controller/topology"
	"conga/openflow"
)

// A cable is moved from one switch to another while frames for a host would
// have gone out there to a switch that is away, and so did not: from then on
// they go, though by the same port.
func TestAPortThatLeadsElsewhereIsUsed(t *testing.T) {
	n := grid(2, 0) // 1 leads to 2 by port 1, 2 to 4 by port 3
	b := *n.Snapshot
	b.Revision += 1000 // compared as a whole
	b.Links = maps.Clone(b.Links)
	for id, l := range b.Links {
		if l.ID.From.DPID == 3 || l.ID.To.DPID == 3 {
			delete(b.Links, id)
		}
	}
	h := topology.Host{MAC: host(9), At: at(4, 5)}
	b.Hosts = b.Hosts.With(topology.HostID{MAC: h.MAC}, h)
	w := NewWanted(Policy{Forwarding: ForwardL2})
	w.Watch(1)
	w.Watch(4)
	w.SetNetwork(&b)
	entry := openflow.PortNo(0)
	take := func() {
		takeAll(w, func(d openflow.DPID, p Patch) {
			for k, r := range p.Rules {
				if d == 1 && r != nil && r.host && hostOf(k).MAC == h.MAC {
					entry = r.Instructions[0].Actions[0].Port
				}
			}
		})
	}
	take()
	if entry != 0 {
		t.Fatalf("frames go to a switch that is not there, by port %d", entry)
	}
	now := b
	now.Revision += 1000
	now.Links = map[topology.PortID]topology.Link{}
	now.Links[at(1, 1)] = topology.Link{ID: topology.LinkID{From: at(1, 1), To: at(4, 2)}, Metric: 1}
	now.Links[at(4, 2)] = topology.Link{ID: topology.LinkID{From: at(4, 2), To: at(1, 1)}, Metric: 1}
	w.SetNetwork(&now)
	take()
	if entry != 1 {
		t.Errorf("frames go by port %d; want 1, which leads to the host's switch now", entry)
	}
}
