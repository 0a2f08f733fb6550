package flow

import (
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Ports whose numbers do not fit into a meter's identifier hold best effort
// back with one meter for all.
func TestBestEffortAtHighPorts(t *testing.T) {
	for _, no := range []openflow.PortNo{7, 1<<24 - 2, 1<<24 - 1, 1 << 24, openflow.PortMax} {
		sw := threeTables
		sw.DPID = 1
		sw.Ports = map[openflow.PortNo]topology.Port{}
		for _, n := range []openflow.PortNo{1, no} {
			sw.Ports[n] = topology.Port{ID: topology.PortID{DPID: 1, Port: n}, Up: true, Role: topology.Edge, Capacity: bitrate.Gbps}
		}
		p := Policy{Forwarding: ForwardL2, Meter: true}
		v := newView(p, sw, nil, map[openflow.PortNo]bitrate.Rate{no: 400 * bitrate.Mbps})
		own, fits := purpose.PortID(no)
		if want := no < 1<<24-1; fits != want {
			t.Fatalf("port %d has a meter of its own: %v", no, fits)
		}
		id := own
		if !fits {
			id = purpose.FloodID
		}
		if v.limits[no] != id || v.meters[id].Rate == 0 || v.meters[id].Rate > 600_000 {
			t.Errorf("best effort at port %d goes through meter %d of %d kbit/s", no, v.limits[no], v.meters[id].Rate)
		}
		says := slices.ContainsFunc(Limitations(sw, p), func(s string) bool { return strings.HasPrefix(s, "It has ports with numbers above") })
		if says == fits {
			t.Errorf("of port %d it is said: %q", no, Limitations(sw, p))
		}
	}
}
