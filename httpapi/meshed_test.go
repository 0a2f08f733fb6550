package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// meshed returns five switches of which four are a ring with a chord, and each
// has two hosts and a prefix behind ports of its own. Links take some
// milliseconds, but for one of which it is not known.
func meshed() *topology.Snapshot {
	snap := &topology.Snapshot{
		Revision: 1, Wiring: 1, Links: map[topology.PortID]topology.Link{},
		Switches: map[openflow.DPID]topology.Switch{},
	}
	port := func(d openflow.DPID, no openflow.PortNo, role topology.PortRole) topology.PortID {
		id := topology.PortID{DPID: d, Port: no}
		snap.Switches[d].Ports[no] = topology.Port{ID: id, Up: true, Role: role, Capacity: bitrate.Gbps}
		return id
	}
	for d := openflow.DPID(1); d <= 5; d++ {
		snap.Switches[d] = topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for no, prefix := range []string{"10.0.%d.1/32", "10.0.%d.2/32", "10.1.%d.0/24"} {
			at := port(d, openflow.PortNo(no+1), topology.Edge)
			snap.Attachments = append(snap.Attachments, topology.Attachment{
				Prefix: netip.MustParsePrefix(fmt.Sprintf(prefix, d)), At: at, VLAN: []uint16{0, 100, topology.Untagged}[(no+int(d))%3],
			})
		}
	}
	for i, ends := range wires {
		id := topology.LinkID{From: port(ends[0], openflow.PortNo(10+i), topology.Trunk), To: port(ends[1], openflow.PortNo(10+i), topology.Trunk)}
		for _, id := range [...]topology.LinkID{id, id.Reverse()} {
			snap.Links[id.From] = topology.Link{ID: id, Capacity: bitrate.Gbps, Metric: 1, Latency: time.Duration(i) * time.Millisecond}
		}
	}
	return snap
}

// wires are the ends of the links between the switches of a meshed network,
// which have the ports from 10 on, in this order.
var wires = [][2]openflow.DPID{{1, 2}, {2, 3}, {3, 4}, {4, 1}, {1, 3}, {4, 5}}

// A walk is a way through a meshed network: its switches, and the numbers of
// the links between them.
type walk struct {
	over  []openflow.DPID
	wires []int
}

// walks returns every way from one switch to another that crosses none twice.
func walks(so walk, to openflow.DPID) (all []walk) {
	at := so.over[len(so.over)-1]
	if at == to {
		return []walk{so}
	}
	for i, ends := range wires {
		for side, end := range ends {
			if next := ends[1-side]; end == at && !slices.Contains(so.over, next) {
				all = append(all, walks(walk{append(slices.Clone(so.over), next), append(slices.Clone(so.wires), i)}, to)...)
			}
		}
	}
	return all
}

// elements returns the switches and links of a way, as a body names them.
func (w walk) elements() (names []string) {
	for _, dpid := range w.over {
		names = append(names, dpid.String())
	}
	for _, i := range w.wires {
		names = append(names, wireName(i))
	}
	return names
}

func wireName(i int) string {
	at := func(d openflow.DPID) topology.PortID {
		return topology.PortID{DPID: d, Port: openflow.PortNo(10 + i)}
	}
	return topology.LinkID{From: at(wires[i][0]), To: at(wires[i][1])}.Cable().String()
}

// shares reports whether two lists have something in common.
func shares[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// reachable reports whether some way through a meshed network meets the
// constraints of a request that what is offered in its place keeps: all but the
// limits themselves. Each way is looked at.
func (h *harness) reachable(body string) bool {
	var r struct {
		Src        string   `json:"src_ip"`
		Dst        string   `json:"dst_ip"`
		Include    []string `json:"include"`
		Avoid      []string `json:"avoid"`
		Apart      string   `json:"disjoint_from"`
		MaxLatency int64    `json:"max_latency"`
		Protection string   `json:"protection"`
	}
	h.must(json.Unmarshal([]byte(body), &r))
	barred := r.Avoid
	if r.Apart != "" {
		other, err := h.alloc.Get(r.Apart)
		h.must(err)
		for _, p := range []path.Path{other.Path, other.Backup} {
			for _, id := range p.Links() {
				barred = append(barred, id.Cable().String())
			}
		}
	}
	var from, to openflow.DPID
	for text, dpid := range map[string]*openflow.DPID{r.Src: &from, r.Dst: &to} {
		var net, rest int
		if _, err := fmt.Sscanf(text, "10.%d.%d.", &net, &rest); err != nil {
			h.t.Fatal(err)
		}
		*dpid = openflow.DPID(rest)
	}
	all := slices.DeleteFunc(walks(walk{over: []openflow.DPID{from}}, to), func(w walk) bool {
		return shares(w.elements(), barred) || r.MaxLatency != 0 && slices.Contains(w.wires, 0) // its latency is not known
	})
	return slices.ContainsFunc(all, func(w walk) bool {
		for _, e := range r.Include {
			if !slices.Contains(w.elements(), e) {
				return false
			}
		}
		return r.Protection != "path" || slices.ContainsFunc(all, func(b walk) bool { return !shares(w.wires, b.wires) })
	})
}
