package flow

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// Of those that want an entry the one that came first has it, whichever come
// and go.
func TestContenders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c *contender
		in := map[*member]*Rule{}
		members := make([]*member, 8)
		for i := range members {
			members[i] = &member{handle: uint32(i + 1)}
		}
		for range rapid.IntRange(1, 40).Draw(t, "changes") {
			m := rapid.SampledFrom(members).Draw(t, "which")
			if in[m] == nil {
				in[m] = &Rule{}
				c = c.with(m, in[m])
			} else {
				delete(in, m)
				c = c.without(m)
			}
			var want *Rule
			for _, m := range slices.Backward(members) {
				if in[m] != nil {
					want = in[m]
				}
			}
			if c.winner() != want || (c == nil) != (len(in) == 0) {
				t.Fatalf("%p has it, want %p; %d want it", c.winner(), want, len(in))
			}
		}
	})
}

// pathOf returns a path from edge port to edge port over these switches.
func pathOf(switches ...openflow.DPID) (p path.Path) {
	for _, d := range switches {
		p = append(p, path.Hop{DPID: d, In: 2, Out: 1})
	}
	return p
}

// A circuit between two hosts is compared with those only with which it may
// share a corner: not with thousands that give another port of the same side.
func TestFewAreComparedForCorners(t *testing.T) {
	const many = 200
	w := NewWanted(Policy{})
	set := func(handle int, k path.FlowKey) uint64 {
		before := w.compared
		k.Src, k.Dst, k.Proto = path.Host(netip.MustParseAddr("10.0.0.1")), path.Host(netip.MustParseAddr("10.0.0.2")), path.ProtoTCP
		w.SetCircuit(fmt.Sprint(handle), []path.Circuit{{ID: fmt.Sprint(handle), Handle: uint32(handle), Key: k, Path: pathOf(1, 2)}})
		return w.compared - before
	}
	for i := range many {
		if n := set(3*i+1, path.FlowKey{DstPort: path.Port(uint16(i + 1))}); n != 0 {
			t.Fatalf("compared with %d that give another port of the same side", n)
		}
		if n := set(3*i+2, path.FlowKey{SrcPort: path.Port(7), DstPort: path.Port(uint16(i + 1))}); n != 0 {
			t.Fatalf("one that gives all is compared with %d", n)
		}
	}
	if n := set(3*many+1, path.FlowKey{SrcPort: path.Port(9)}); n != 3*many {
		t.Errorf("one that gives the other port is compared %d times, want %d", n, 3*many)
	}
	if n := len(w.members["1"].corners); n != 1 {
		t.Errorf("the first has %d corners", n)
	}
}

// A meter that was refused concerns the circuits whose rates rest on it.
func TestRests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		handle, hop := uint32(rapid.IntRange(1, 3).Draw(t, "handle")), path.Hop{In: 1, Out: 2}
		refused := openflow.NewError(openflow.MeterModFailedOutOfMeters, nil)
		port := func(no openflow.PortNo) openflow.MeterID { id, _ := purpose.PortID(no); return id }
		concern := map[openflow.MeterID]bool{
			purpose.FloodID: true, purpose.PolicerID(handle): true, purpose.BackPolicerID(handle): true, port(1): true, port(2): true,
		}
		all := []openflow.MeterID{purpose.UnknownID, purpose.FloodID, purpose.TeachingID, port(1), port(2), port(3), port(openflow.PortLocal)}
		for h := range uint32(4) {
			all = append(all, purpose.PolicerID(h+1), purpose.BackPolicerID(h+1))
		}
		m, want := Unmetered{}, false
		for _, id := range rapid.SliceOf(rapid.SampledFrom(all)).Draw(t, "refused") {
			m[id] = refused
			want = want || concern[id]
		}
		if got := m.Rests(handle, hop) != nil; got != want {
			t.Fatalf("circuit %d rests on %v: %v, want %v", handle, m, got, want)
		}
	})
}
