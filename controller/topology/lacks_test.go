package topology

import (
	"slices"
	"testing"
	"time"

	"conga/openflow"
)

// What a switch was found to lack outlives its connection and the daemon, but
// not the switch's change into another.
func TestWhatASwitchLacksIsRemembered(t *testing.T) {
	same := Switch{DPID: 1, Tables: 254, Meters: 100, Desc: "Old 1.0"}
	newer, fewer := same, same
	newer.Desc, fewer.Meters = "New 2.0", 10
	for name, c := range map[string]struct {
		again Switch
		lacks Lacks
		room  uint32
	}{
		"the same":         {same, LacksMasks | LacksMarks, 5},
		"another software": {newer, 0, 100},
		"other meters":     {fewer, 0, 10},
	} {
		for _, restarts := range []bool{false, true} {
			b := NewBuilder(Config{}, t0)
			b.SwitchUp(same, ports(2), t0)
			b.SwitchUp(Switch{DPID: 2}, ports(2), t0)
			b.LinkSeen(at(1, 1), at(2, 1), t0) // else the switch is forgotten
			b.SwitchLacks(1, LacksMasks, t0)
			b.SwitchLacks(1, LacksMarks, t0)
			b.SwitchRoom(1, 5, t0)
			b.SwitchRoom(1, 7, t0) // others have gone
			b.SwitchRoom(1, 5, t0)
			b.SwitchLacks(9, LacksMasks, t0)
			if got := b.Snapshot(t0).Switches[1]; got.Lacks != LacksMasks|LacksMarks || got.Meters != 5 {
				t.Fatalf("the switch has %d meters and lacks %b", got.Meters, got.Lacks)
			}
			b.SwitchDown(1, t0)
			if restarts {
				saved := SavedChange{}.Then(b.Save()).Saved
				b = NewBuilder(Config{}, t0)
				b.Recall(saved, t0)
			}
			b.SwitchUp(c.again, ports(2), t0)
			if got := b.Snapshot(t0).Switches[1]; got.Lacks != c.lacks || got.Meters != c.room {
				t.Errorf("%s, restarted %t: has %d meters and lacks %b; want %d and %b", name, restarts, got.Meters, got.Lacks, c.room, c.lacks)
			}
			if n := len(b.Saved().Switches); n == 1 != (c.lacks != 0) {
				t.Errorf("%s, restarted %t: %d switches are saved", name, restarts, n)
			}
		}
	}
}

// A switch that is forgotten leaves nothing behind.
func TestWhatASwitchLacksGoesWithIt(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	b.SwitchUp(Switch{DPID: 1}, ports(2), t0)
	b.SwitchLacks(1, LacksMasks, t0)
	b.Save()
	b.SwitchDown(1, t0)
	if c := b.Save(); len(b.Saved().Switches) != 0 || !slices.Equal(c.GoneSwitches, []openflow.DPID{1}) {
		t.Errorf("still saved: %v, gone: %v", b.Saved().Switches, c.GoneSwitches)
	}
}

func TestSetLimitations(t *testing.T) {
	b := NewBuilder(Config{}, t0)
	b.SwitchUp(Switch{DPID: 1}, ports(2), t0)
	for i, c := range []struct{ set, fresh []string }{
		{[]string{"a"}, []string{"a"}}, {[]string{"a"}, nil}, {[]string{"a", "b"}, []string{"b"}}, {nil, nil}, {[]string{"a"}, []string{"a"}},
	} {
		if fresh := b.SetLimitations(1, c.set, t0.Add(time.Second)); !slices.Equal(fresh, c.fresh) {
			t.Errorf("%d: new are %v, want %v", i, fresh, c.fresh)
		}
		if got := b.Snapshot(t0).Switches[1].Limitations; !slices.Equal(got, c.set) {
			t.Errorf("%d: the snapshot has %v", i, got)
		}
	}
}
