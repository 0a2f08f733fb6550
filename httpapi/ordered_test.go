package httpapi

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

// TestOrderedAgainstSorting: whatever happens to the network, and whichever
// snapshots were looked at, what is ordered is as if it were sorted anew. An
// older snapshot does not undo a later one.
func TestOrderedAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		b := topology.NewBuilder(topology.Config{}, now)
		port := func() topology.PortID {
			return topology.PortID{DPID: openflow.DPID(rapid.IntRange(1, 5).Draw(t, "switch")), Port: openflow.PortNo(rapid.IntRange(1, 3).Draw(t, "port"))}
		}
		pass := func() {
			for range 30 {
				now = now.Add(100 * time.Millisecond)
				for d, sw := range b.Snapshot(now).Switches {
					for no := range sw.Ports {
						b.Probed(topology.PortID{DPID: d, Port: no}, now)
					}
				}
				b.Expire(now)
			}
		}
		var cache orderedCache
		same := func(a, b topology.Switch) bool { return reflect.DeepEqual(a, b) }
		old := b.Snapshot(now)
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			p := port()
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				b.SwitchUp(topology.Switch{DPID: p.DPID}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, now)
				b.SwitchReady(p.DPID, now)
			case 2:
				b.SwitchDown(p.DPID, now)
			case 3:
				b.PortChanged(p.DPID, openflow.PortDeleted, openflow.Port{No: p.Port}, now)
			case 4:
				to := port()
				b.LinkSeen(p, to, now)
				b.LinkSeen(to, p, now)
			case 5:
				n := byte(rapid.IntRange(1, 9).Draw(t, "host"))
				b.HostSeen(uint16(n%2), p, openflow.MAC{2, n}, []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, n})}, true, now)
			case 6:
				pass()
			}
			s := b.Snapshot(now)
			if rapid.Bool().Draw(t, "nothing asks") {
				continue
			}
			got, want := cache.of(s), order(s)
			if !slices.EqualFunc(got.switches, want.switches, same) || !slices.Equal(got.hosts, want.hosts) ||
				!slices.Equal(got.trunks, want.trunks) || !slices.Equal(got.access(), want.access()) || got.Snapshot != s {
				t.Fatalf("ordered are %+v and %v, want %+v and %v", got, got.access(), want, want.access())
			}
			if late := cache.of(old); old.Revision < s.Revision && s.Revision-old.Revision < 60 && late != got {
				t.Fatalf("asked for revision %d after %d, got %d", old.Revision, s.Revision, late.Revision)
			}
			cache.of(s)
			old = s
		}
	})
}
