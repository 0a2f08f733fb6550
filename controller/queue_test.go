package controller

import (
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// Allocated traffic goes through the configured queue of each port that has it,
// and leaves by the others without one.
func TestAllocatedTrafficGoesThroughItsQueue(t *testing.T) {
	const queue = 5
	number := uint32(queue)
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Diamond(c)
		for _, l := range n.Links() {
			a, b := l.Ends()
			for _, end := range []ofswitch.End{a, b} {
				id := uint32(queue)
				if a.Host != "" || b.Host != "" {
					id++ // towards hosts there is another one only
				}
				if end.Host == "" {
					n.Switch(end.DPID).Port(end.Port).AddQueue(openflow.PacketQueue{ID: id})
				}
			}
		}
		return n
	}
	inBubble(t, build, Config{Priority: Priority{Queue: &number}}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		for id, p := range l.ports() {
			if got, want := p.Queue, p.Role == topology.Trunk; (got != nil) != want || want && *got != queue {
				t.Errorf("the queue of %v, a port of role %v, is %v", id, p.Role, got)
			}
		}
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			t.Fatal(err)
		}
		const packets = 20
		if got := l.send("h1", "h2", packets); got.Packets != packets {
			t.Fatalf("%d of %d packets arrived", got.Packets, packets)
		}
		for i, h := range c.Path {
			sent := map[uint32]uint64{}
			for _, q := range l.net.Switch(h.DPID).Port(h.Out).QueueStats() {
				sent[q.Queue] = q.TxPackets
			}
			want := uint64(packets)
			if i == len(c.Path)-1 {
				want = 0
			}
			if sent[queue] != want {
				t.Errorf("switch %v sent %v packets by queue, by port %v; want %d through queue %d", h.DPID, sent, h.Out, want, queue)
			}
		}
	})
}

// A switch that answers no question about queues carries circuits without them.
func TestSwitchWithoutQueuesCarriesCircuits(t *testing.T) {
	number := uint32(5)
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Diamond(c)
		bad := openflow.Error{ErrType: openflow.ErrorTypeBadRequest, Code: uint16(openflow.BadRequestBadType)}
		n.Switch(1).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if _, ok := m.(*openflow.QueueGetConfigRequest); ok {
				return &bad
			}
			return nil
		}})
		return n
	}
	inBubble(t, build, Config{Priority: Priority{Queue: &number}}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			t.Fatal(err)
		}
		if got := l.send("h1", "h2", 20); got.Packets != 20 {
			t.Errorf("%d of 20 packets arrived", got.Packets)
		}
		for _, h := range c.Path {
			if uses := l.usesQueue(h); uses {
				t.Errorf("switch %v has no queues and is told to use one", h.DPID)
			}
		}
	})
}

// usesQueue reports whether a switch has an entry that sends packets through a
// queue.
func (l *lab) usesQueue(h path.Hop) bool {
	for _, f := range l.net.Switch(h.DPID).Flows(openflow.TableAll) {
		for _, in := range f.Instructions {
			if slices.ContainsFunc(in.Actions, func(a openflow.Action) bool { return a.Type == openflow.ActionSetQueue }) {
				return true
			}
		}
	}
	return false
}

// ports returns the ports of all switches that are up.
func (l *lab) ports() map[topology.PortID]topology.Port {
	out := map[topology.PortID]topology.Port{}
	for _, sw := range l.Snapshot().Switches {
		for _, p := range sw.Ports {
			if p.Up {
				out[p.ID] = p
			}
		}
	}
	return out
}
