package topology

import (
	"testing"
	"time"
)

// A cable that carries one way only is no link, and after a while both its
// ports say so, until it carries both ways or is pulled.
func TestCableThatCarriesOneWay(t *testing.T) {
	for name, ends := range map[string]func(b *Builder, now time.Time){
		"it carries both ways again": func(b *Builder, now time.Time) { b.LinkSeen(at(2, 1), at(1, 1), now) },
		"nor does it carry the other": func(b *Builder, now time.Time) {
			for end := now.Add(time.Minute); now.Before(end); now = now.Add(b.cfg.Tick) {
				b.Probed(at(1, 1), now)
				b.Expire(now)
			}
		},
		"a switch has gone": func(b *Builder, now time.Time) { b.cut(at(1, 1)) },
	} {
		b := NewBuilder(Config{}, t0)
		up(b, 1, 1, t0)
		up(b, 2, 1, t0)
		b.SwitchReady(1, t0)
		b.SwitchReady(2, t0)
		troubles := func(now time.Time) [2]Trouble {
			s := b.Snapshot(now)
			return [2]Trouble{s.Switches[1].Ports[1].Trouble, s.Switches[2].Ports[1].Trouble}
		}
		now := t0
		for ; now.Sub(t0) <= 6*time.Second; now = now.Add(b.cfg.Tick) {
			if now.Sub(t0)%time.Second == 0 {
				b.LinkSeen(at(1, 1), at(2, 1), now)
			}
			b.Expire(now)
			if now.Sub(t0) < 3*time.Second && troubles(now) != [2]Trouble{} {
				t.Fatalf("%s: after %v it is said to carry one way only", name, now.Sub(t0))
			}
		}
		s := b.Snapshot(now)
		if got := troubles(now); got != [2]Trouble{Deaf, Unheard} || len(s.Links) != 0 {
			t.Errorf("%s: troubles %v, links %v", name, got, s.Links)
		}
		if peer := s.Switches[1].Ports[1].Peer; peer != at(2, 1) {
			t.Errorf("%s: the other end is %v", name, peer)
		}
		if ends(b, now); troubles(now) != [2]Trouble{} || len(b.halved) != 0 {
			t.Errorf("%s: troubles %v afterwards", name, troubles(now))
		}
	}
}
