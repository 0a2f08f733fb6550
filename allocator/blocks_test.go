package allocator

import (
	"testing"

	"conga/controller/path"
)

// udp returns a request for one port of UDP between hosts 1 of the switches.
func udp(project string, port int, duration Seconds) Request {
	r := ask(1, 1, 2, 1, 0, duration)
	r.ProjectID, r.Key.Proto, r.Key.DstPort = project, path.ProtoUDP, path.Port(uint16(port))
	return r
}

// TestFragmentsOfOthers: an allocation changes to no traffic whose fragments
// another project has, however many allocations there are between the hosts,
// and a scavenger has none while they are reserved.
func TestFragmentsOfOthers(t *testing.T) {
	for _, others := range []int{1, 2, fewFlows, fewFlows + 1, fewFlows + 2} {
		w, _ := pair(t)
		tcp := udp("p", 9, 1000)
		tcp.Key.Proto = path.ProtoTCP
		id := w.create(tcp).ID
		for i := range others {
			w.create(udp("q", 100+i, 1000))
		}
		k := tcp.Key
		k.Proto = path.ProtoUDP
		_, err := w.a.Update(bg, id, 0, Change{Key: &k})
		refused(t, err, Conflict, "dst_port")
		k.Proto, k.DstPort = path.ProtoTCP, path.Port(8)
		w.update(id, Change{Key: &k})
		r := udp("p", 9, 500)
		r.Class = Scavenger
		waits := w.create(r).ID
		w.pass(2)
		w.expectRate(waits, Pending, 0, "waits until no allocation that reserves has this traffic")
		r.Key.Proto, r.Key.DstPort = path.ProtoTCP, path.Port(10)
		runs := w.create(r).ID
		w.pass(2)
		w.expectRate(runs, Active, 10, "")
		w.pass(510)
		w.expectRate(waits, Pending, 0, "waits until no allocation that reserves has this traffic")
	}
}
