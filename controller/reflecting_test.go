package controller

import (
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A ring of bridges behind one port, in which everything that is sent to all
// goes round: the port is closed, said to be and why, and opened when the ring
// has gone. All others go on.
func TestRingBehindOnePort(t *testing.T) {
	var ring *ofswitch.Link
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Network.MaxHops, c.Network.MaxQueue = 1<<30, 1000
		n := ofswitch.Linear(3, c)
		x, y := n.AddBridge(ofswitch.BridgeConfig{}), n.AddBridge(ofswitch.BridgeConfig{})
		x.Plug(n.Switch(1), 8, wire)
		x.Join(y, wire)
		ring = y.Join(x, dead)
		mac, addrs := ofswitch.HostAddrs(9)
		y.AddHost("h9", mac, addrs)
		return n
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.settled(3, 2)
		l.reach()
		time.Sleep(time.Second)
		ring.SetConfig(wire)
		l.shout("h9")
		l.shout("h1")
		time.Sleep(2 * time.Second)
		if p, _ := l.Snapshot().Port(portAt(1, 8)); !p.Closed || p.Trouble != topology.Reflecting {
			l.Errorf("the port is %+v", p)
		}
		before := passed(l.net.Switch(2))
		time.Sleep(time.Second)
		if n := passed(l.net.Switch(2)) - before; n > 100 {
			l.Errorf("%d frames a second pass the next switch with all silent", n)
		}
		for _, ends := range [][2]string{{"h1", "h2"}, {"h2", "h3"}, {"h3", "h1"}} {
			l.ping(ends[0], ends[1])
		}
		ring.SetConfig(dead)
		time.Sleep(10 * time.Second)
		if p, _ := l.Snapshot().Port(portAt(1, 8)); p.Role != topology.Edge || p.Trouble != topology.Untroubled {
			l.Errorf("after the ring has gone the port is %+v", p)
		}
		l.shout("h9") // bridges have seen it everywhere
		l.reach()
	})
}

// passed returns how many frames a switch has got.
func passed(sw *ofswitch.Switch) (n uint64) {
	for _, p := range sw.PortStats() {
		if p.Port != openflow.PortLocal {
			n += p.RxPackets
		}
	}
	return n
}
