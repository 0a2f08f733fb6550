package discovery

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/topology"
	"conga/openflow"
)

// fabric returns so many switches with so many ports of each role; all trunks
// carry.
func fabric(switches int, roles map[topology.PortRole]int) *topology.Snapshot {
	s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}}
	for d := openflow.DPID(1); d <= openflow.DPID(switches); d++ {
		sw := topology.Switch{DPID: d, Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for role, n := range roles {
			for range n {
				id := topology.PortID{DPID: d, Port: openflow.PortNo(len(sw.Ports) + 1)}
				sw.Ports[id.Port] = topology.Port{ID: id, Up: true, Role: role}
				if role == topology.Trunk {
					s.Links[id] = topology.Link{ID: topology.LinkID{From: id}}
				}
			}
		}
		s.Switches[d] = sw
	}
	return s
}

const step = 100 * time.Millisecond

// Over 15 s, in steps.
func TestProbesAreBoundedAndSpread(t *testing.T) {
	const trunks, edges, fresh = topology.Trunk, topology.Edge, topology.Undetermined
	for _, tc := range []struct {
		name      string
		switches  int
		roles     map[topology.PortRole]int
		first     time.Duration // all ports are probed once within this
		least     int           // probes of every port after it
		perStep   int           // at most, all together
		perSecond int           // the same, when it runs
	}{
		{"small", 3, map[topology.PortRole]int{trunks: 2, edges: 2}, time.Second, 8, 12, 12},
		{"small, unsettled", 3, map[topology.PortRole]int{fresh: 2}, step, 17, 6, 12},
		{"1,000 switches", 1000, map[topology.PortRole]int{trunks: 4}, 5 * time.Second, 1, 500, 1000},
		{"1,000 switches with hosts", 1000, map[topology.PortRole]int{trunks: 4, edges: 4}, 11 * time.Second, 0, 1000, 2500},
		{"1,000 switches, cold", 1000, map[topology.PortRole]int{fresh: 4}, time.Second, 2, 1004, 5100},
		{"many trunks", 1000, map[topology.PortRole]int{trunks: 16}, 5 * time.Second, 1, 1700, 4000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := NewSchedule(ScheduleConfig{})
			snap := fabric(tc.switches, tc.roles)
			probes := map[topology.PortID]int{}
			total := 0
			for i := range 150 {
				now := t0.Add(time.Duration(i) * step)
				due := s.Due(snap, now)
				for _, p := range due {
					probes[p.ID]++
				}
				if i >= 100 {
					total += len(due)
				}
				if len(due) > tc.perStep {
					t.Fatalf("%d probes at step %d; want at most %d", len(due), i, tc.perStep)
				}
				if now.Sub(t0) == tc.first {
					for _, sw := range snap.Switches {
						for _, p := range sw.Ports {
							if probes[p.ID] == 0 {
								t.Fatalf("port %v was not probed within %v", p.ID, tc.first)
							}
							probes[p.ID] = 0
						}
					}
				}
			}
			if total > 5*tc.perSecond {
				t.Errorf("%d probes in five seconds; want at most %d a second", total, tc.perSecond)
			}
			for id, n := range probes {
				if n < tc.least {
					t.Fatalf("port %v was probed %d times after that; want %d", id, n, tc.least)
				}
			}
		})
	}
}

func TestLateScheduleMakesNoStorm(t *testing.T) {
	s := NewSchedule(ScheduleConfig{})
	snap := fabric(1000, map[topology.PortRole]int{topology.Trunk: 4})
	s.Due(snap, t0)
	if n := len(s.Due(snap, t0.Add(time.Minute))); n == 0 || n > 700 {
		t.Errorf("%d probes at once after a minute without any", n)
	}
}

// While more is due than may be sent, a switch that has just come does not wait
// behind those that are probed again.
func TestNewPortsGoFirst(t *testing.T) {
	s := NewSchedule(ScheduleConfig{})
	roles := map[topology.PortRole]int{topology.Undetermined: 16}
	crowd := fabric(1000, roles)
	for i := range 40 {
		s.Due(crowd, t0.Add(time.Duration(i)*step))
	}
	grown := fabric(1001, roles)
	grown.Revision = 1
	n := 0
	for _, p := range s.Due(grown, t0.Add(40*step)) {
		if p.ID.DPID == 1001 {
			n++
		}
	}
	if n != 16 {
		t.Errorf("%d ports of the new switch are probed at once; want all 16", n)
	}
}

func TestProbesOfASwitchGoTogether(t *testing.T) {
	s := NewSchedule(ScheduleConfig{})
	snap := fabric(50, map[topology.PortRole]int{topology.Undetermined: 4})
	seen := map[openflow.DPID]bool{}
	last := openflow.DPID(0)
	for _, p := range s.Due(snap, t0) {
		if p.ID.DPID != last && seen[p.ID.DPID] {
			t.Fatalf("the probes of switch %v are torn apart", p.ID.DPID)
		}
		last, seen[p.ID.DPID] = p.ID.DPID, true
	}
}

// Whatever has happened, ports that are up on connected switches are probed
// soon and again and again, and no others are.
func TestScheduleFollowsTheNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := topology.NewBuilder(topology.Config{}, t0)
		s := NewSchedule(ScheduleConfig{})
		now, snap := t0, b.Snapshot(t0)
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			d := openflow.DPID(rapid.IntRange(1, 4).Draw(t, "switch"))
			no := openflow.PortNo(rapid.IntRange(1, 3).Draw(t, "port"))
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				b.SwitchDown(d, now)
			case 1:
				b.PortChanged(d, openflow.PortModified, openflow.Port{No: no, State: openflow.PortStateLinkDown}, now)
			case 2:
				b.PortChanged(d, openflow.PortModified, openflow.Port{No: no}, now)
			case 3:
				far := topology.PortID{DPID: d%4 + 1, Port: no}
				b.LinkSeen(topology.PortID{DPID: d, Port: no}, far, now)
				b.LinkSeen(far, topology.PortID{DPID: d, Port: no}, now)
			default:
				b.SwitchUp(topology.Switch{DPID: d}, []openflow.Port{{No: 1}, {No: 2}, {No: 3}}, now)
				b.SwitchReady(d, now)
			}
			for range rapid.IntRange(0, 15).Draw(t, "ticks") {
				now = now.Add(step)
				for _, p := range s.Due(snap, now) {
					b.Probed(p.ID, now)
				}
				b.Expire(now)
			}
			if rapid.Bool().Draw(t, "publish") {
				snap = b.Snapshot(now)
			}
		}
		snap = b.Snapshot(now)
		for range 3 {
			probed := map[topology.PortID]bool{}
			for end := now.Add(1500 * time.Millisecond); now.Before(end); now = now.Add(step) {
				for _, p := range s.Due(snap, now) {
					probed[p.ID] = true
				}
			}
			want := 0
			for dpid, sw := range snap.Switches {
				for no, p := range sw.Ports {
					if id := (topology.PortID{DPID: dpid, Port: no}); sw.Connected && p.Up {
						want++
						if !probed[id] {
							t.Fatalf("port %v is not probed", id)
						}
					}
				}
			}
			if len(probed) != want {
				t.Fatalf("%d ports are probed; want %d", len(probed), want)
			}
		}
	})
}

// BenchmarkDue measures a tick at which nothing is due.
func BenchmarkDue(b *testing.B) {
	for _, switches := range []int{9, 1024} {
		b.Run(fmt.Sprintf("%d-switches", switches), func(b *testing.B) {
			s := NewSchedule(ScheduleConfig{Interval: time.Hour, Longest: time.Hour})
			snap := fabric(switches, map[topology.PortRole]int{topology.Trunk: 4})
			b.ReportAllocs()
			for b.Loop() {
				s.Due(snap, t0)
			}
		})
	}
}

func BenchmarkProber(b *testing.B) {
	p := NewProber([]byte("0123456789abcdef"))
	b.Run("frame", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Frame(port, mac, Near, t0)
		}
	})
	b.Run("origin", func(b *testing.B) {
		frame := p.Frame(port, mac, Near, t0)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Origin(frame, t0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A port where a ring is suspected is asked often, and by wide probes: the ring
// drowns most of them.
func TestEchoingPortIsAskedOften(t *testing.T) {
	s := NewSchedule(ScheduleConfig{})
	snap := fabric(1, map[topology.PortRole]int{topology.Edge: 2})
	s.Due(snap, t0)
	id := topology.PortID{DPID: 1, Port: 1}
	echoing := fabric(1, map[topology.PortRole]int{topology.Edge: 2})
	echoing.Revision = 1
	p := echoing.Switches[1].Ports[1]
	p.Echoing = true
	echoing.Switches[1].Ports[1] = p
	wide := map[topology.PortID]int{}
	for i := range 20 {
		for _, p := range s.Due(echoing, t0.Add(time.Duration(i)*step)) {
			if p.Wide {
				wide[p.ID]++
			}
		}
	}
	if seconds := 20 * step.Seconds(); wide[id] < int(4*seconds) || wide[topology.PortID{DPID: 1, Port: 2}] > int(seconds)+1 {
		t.Errorf("wide probes in %.1f s: %v; want five a second of port 1, one of the other", seconds, wide)
	}
}

// BenchmarkManyPorts takes in one change after the other of a switch with as
// many ports as one may have.
func BenchmarkManyPorts(b *testing.B) {
	for _, n := range []int{64, 4096} {
		b.Run(fmt.Sprintf("ports=%d", n), func(b *testing.B) {
			snap, s, now := fabric(1, map[topology.PortRole]int{topology.Edge: n}), NewSchedule(ScheduleConfig{}), time.Unix(1000, 0)
			for b.Loop() {
				next := *snap
				next.Revision += 2 // of one that was missed, too
				snap = &next
				s.Due(snap, now)
			}
		})
	}
}
