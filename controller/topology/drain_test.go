package topology

import (
	"testing"
	"time"

	"conga/openflow"
)

// TestDrained: the tree leaves what is drained where another way leads, keeps
// it where none does, and all links stay.
func TestDrained(t *testing.T) {
	b := ring(Config{})
	now := t0.Add(3 * time.Second)
	s := b.Snapshot(now)
	in := func(s *Snapshot, cable LinkID) bool { return s.Tree[cable.From] || s.Tree[cable.To] }
	for _, l := range s.Links {
		cable := l.ID.Cable()
		b.SetDrained(nil, []LinkID{cable.Reverse()})
		s = b.Snapshot(now)
		if in(s, cable) || !s.Links[cable.From].Drained || !s.Links[cable.To].Drained || len(s.Links) != 2*4 || len(s.Tree) != 2*3 {
			t.Errorf("with %v drained links are %v and the tree is %v", cable, s.Links, s.Tree)
		}
	}
	for d := openflow.DPID(1); d <= 4; d++ {
		b.SetDrained([]openflow.DPID{d}, nil)
		s = b.Snapshot(now)
		own := 0
		for from, l := range s.Links {
			if l.Drained != (from.DPID == d || l.ID.To.DPID == d) {
				t.Errorf("with switch %v drained %v is drained: %v", d, from, l.Drained)
			}
			if s.Tree[from] && from.DPID == d {
				own++
			}
		}
		if own != 1 || len(s.Tree) != 2*3 { // it is at the end of the tree
			t.Errorf("with switch %v drained the tree is %v", d, s.Tree)
		}
	}
	b.SetDrained(nil, nil)
	for from, l := range b.Snapshot(now).Links {
		if l.Drained {
			t.Errorf("%v is drained still", from)
		}
	}
}
