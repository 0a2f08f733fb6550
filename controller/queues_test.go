package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// queued returns a diamond whose switches have queue 5 at every port, and
// habits of their own.
func queued(change func(*ofswitch.Config)) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		change(&c.Switch)
		n := ofswitch.Diamond(c)
		for _, sw := range n.Switches() {
			for _, p := range sw.Ports() {
				if p.No <= openflow.PortMax {
					sw.Port(p.No).AddQueue(openflow.PacketQueue{ID: 5})
				}
			}
		}
		return n
	}
}

// Whether a switch uses the queue that entries name shows in what the queue has
// sent when an allocation has sent something, and not before.
func TestQueuesThatAreNotUsedAreFound(t *testing.T) {
	five := uint32(5)
	for name, c := range map[string]struct {
		change func(*ofswitch.Config)
		unused bool
		says   []string
	}{
		"used": {change: func(*ofswitch.Config) {}},
		"one queue": {
			change: func(c *ofswitch.Config) { c.Habits.OneQueue = true }, unused: true,
			says: []string{"It sends the traffic of allocations by another queue than 5 at port 3, so the queue gives it no priority there."},
		},
		"no counts": {
			change: func(c *ofswitch.Config) { c.Habits.NoQueueCounts = true },
			says:   []string{"It does not say what its queues send, so whether it uses queue 5 for the traffic of allocations is not known."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, queued(c.change), Config{Priority: Priority{Queue: &five}}, func(l *lab) {
				l.settled(4, 4)
				l.pingAll()
				l.acquainted()
				a := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
				l.installAll(a)
				time.Sleep(time.Minute)
				head := a.Path[0].DPID
				quiet := slices.DeleteFunc(slices.Clone(c.says), func(string) bool { return c.unused })
				if got := l.Snapshot().Switches[head].Limitations; !slices.Equal(got, quiet) {
					t.Errorf("before there was traffic the switch says %q, want %q", got, quiet)
				}
				l.send("h1", "h2", 200)
				time.Sleep(2*queuesEvery + time.Second)
				says := slices.Clone(c.says)
				if c.unused {
					says[0] = fmt.Sprintf("It sends the traffic of allocations by another queue than 5 at port %v, so the queue gives it no priority there.", a.Path[0].Out)
				}
				s := l.Snapshot()
				if got := s.Switches[head].Limitations; !slices.Equal(got, says) {
					t.Errorf("the switch says %q, want %q", got, says)
				}
				if at, is := path.Unqueued(s, a.Path); is != c.unused || is && at != (topology.PortID{DPID: head, Port: a.Path[0].Out}) {
					t.Errorf("port %v of the path does not use the queue: %t, want %t", at, is, c.unused)
				}
				for _, sw := range s.Switches {
					for no, p := range sw.Ports {
						forth := slices.ContainsFunc(a.Path, func(h path.Hop) bool { return h.DPID == sw.DPID && h.Out == no })
						if p.Unqueued != (forth && c.unused) {
							t.Errorf("port %v of switch %v does not use its queue: %t", no, sw.DPID, p.Unqueued)
						}
					}
				}
			})
		})
	}
}

// A queue that is used after all is found, and one that ceases to be.
func TestQueueWatch(t *testing.T) {
	type look struct {
		entries, sent uint64
		want          queueUse
	}
	for name, looks := range map[string][]look{
		"used":                {{0, 0, useUnknown}, {10, 9, used}, {500, 499, used}},
		"little":              {{0, 0, useUnknown}, {99, 0, useUnknown}, {99, 0, useUnknown}, {99, 0, useUnknown}},
		"not used":            {{7, 3, useUnknown}, {107, 3, useUnknown}, {107, 3, unused}, {200, 3, unused}},
		"used late":           {{0, 0, useUnknown}, {100, 0, useUnknown}, {150, 1, used}},
		"mended":              {{0, 0, useUnknown}, {100, 0, useUnknown}, {100, 0, unused}, {120, 20, used}},
		"ceases":              {{0, 0, useUnknown}, {100, 100, used}, {200, 100, used}, {200, 100, unused}},
		"entries have gone":   {{500, 0, useUnknown}, {100, 0, useUnknown}, {199, 0, useUnknown}, {200, 0, useUnknown}, {200, 0, unused}},
		"counts begin anew":   {{500, 50, useUnknown}, {600, 0, useUnknown}, {699, 0, useUnknown}, {699, 0, useUnknown}},
		"policed to a tenth":  {{0, 0, useUnknown}, {10_000, 5, used}},
		"idle after all that": {{0, 0, useUnknown}, {10, 10, used}, {10, 10, used}, {10, 10, used}},
	} {
		var w queueWatch
		for i, x := range looks {
			if w.look(x.entries, x.sent); w.use != x.want {
				t.Errorf("%s: after look %d it is %d, want %d", name, i, w.use, x.want)
			}
		}
	}
}
