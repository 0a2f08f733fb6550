package controller

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/discovery"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// wire is a plug into a bridge: slow enough for a clock to move while frames go
// round.
var wire = ofswitch.LinkConfig{Delay: time.Millisecond}

// dead is the same plug while nothing comes through.
var dead = ofswitch.LinkConfig{Delay: time.Millisecond, Loss: 1}

func ends(ps ...topology.PortID) []topology.PortID { return ps }

func portAt(d openflow.DPID, p openflow.PortNo) topology.PortID {
	return topology.PortID{DPID: d, Port: p}
}

// plugged returns how a chain of three switches is built, and a bridge with a
// host that is plugged into ports of theirs, and the plugs once it is.
func plugged(cfg ofswitch.BridgeConfig, at ...topology.PortID) (build func(ofswitch.TopologyConfig) *ofswitch.Network, links *[]*ofswitch.Link) {
	links = new([]*ofswitch.Link)
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Network.MaxHops, c.Network.MaxQueue = 1<<30, 100 // a storm goes on, and drowns nearly all else
		c.Trunk = wire
		n := ofswitch.Linear(3, c)
		b := n.AddBridge(cfg)
		for _, id := range at {
			*links = append(*links, b.Plug(n.Switch(id.DPID), id.Port, wire))
		}
		mac, addrs := ofswitch.HostAddrs(9)
		b.AddHost("h9", mac, addrs)
		return n
	}, links
}

// closed returns the ports that are closed for what is behind them.
func closed(s *topology.Snapshot) (out []topology.PortID) {
	for _, sw := range s.Switches {
		for _, p := range sw.Ports {
			if p.Closed {
				out = append(out, p.ID)
			}
		}
	}
	return out
}

// shout has a host send a broadcast.
func (l *lab) shout(host string) {
	h := l.net.Host(host)
	h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
}

// reach has every host ping every other.
func (l *lab) reach() {
	for _, from := range l.net.Hosts() {
		for _, to := range l.net.Hosts() {
			if from != to {
				l.ping(from.Name(), to.Name())
			}
		}
	}
}

// crossings returns how many frames cross links in a second.
func (l *lab) crossings() uint64 {
	was := l.net.Stats().Delivered
	time.Sleep(time.Second)
	return l.net.Stats().Delivered - was
}

// A bridge between edge ports makes a ring. All ports but one are closed within
// two seconds, and opened within ten when the ring has gone.
func TestRingThroughABridge(t *testing.T) {
	for name, at := range map[string][]topology.PortID{
		"within one switch":     ends(portAt(1, 8), portAt(1, 9)),
		"between two":           ends(portAt(1, 8), portAt(2, 9)),
		"across the chain":      ends(portAt(1, 8), portAt(3, 8)),
		"of three":              ends(portAt(1, 8), portAt(2, 8), portAt(3, 8)),
		"two of one, and other": ends(portAt(1, 8), portAt(1, 9), portAt(3, 8)),
	} {
		for _, hub := range []bool{false, true} {
			if hub && len(at) == 2 {
				continue // it looks like a cable, and is used as one
			}
			t.Run(name+map[bool]string{true: ", a hub", false: ""}[hub], func(t *testing.T) {
				build, links := plugged(ofswitch.BridgeConfig{Hub: hub}, at...)
				inBubble(t, build, Config{}, func(l *lab) { l.testRing(at, *links) })
			})
		}
	}
}

func (l *lab) testRing(at []topology.PortID, links []*ofswitch.Link) {
	for _, plug := range links[1:] {
		plug.SetConfig(dead)
	}
	time.Sleep(5 * time.Second)
	if c := closed(l.Snapshot()); len(c) != 0 {
		l.Fatalf("closed before there is a ring: %v", c)
	}
	for _, plug := range links[1:] {
		plug.SetConfig(wire)
	}
	l.shout("h1")
	l.shout("h9")
	time.Sleep(2 * time.Second)
	s := l.Snapshot()
	for _, id := range at {
		p, _ := s.Port(id)
		if p.Closed != (id != at[0]) {
			l.Errorf("port %v is closed: %v", id, p.Closed)
		}
		if p.Trouble < topology.SharedSegment || p.Peer == topology.External {
			l.Errorf("port %v has trouble %v with %v", id, p.Trouble, p.Peer)
		}
	}
	if n := l.crossings(); n > 100 {
		l.Errorf("%d frames a second with all silent", n)
	}
	l.reach()
	time.Sleep(5 * time.Second)
	for _, id := range at {
		if p, _ := l.Snapshot().Port(id); p.Trouble == topology.Relayed {
			l.Errorf("port %v: what a hub floods is taken for relayed by hosts", id)
		}
	}
	for _, plug := range links[1:] {
		plug.SetConfig(dead)
	}
	time.Sleep(10 * time.Second)
	for _, id := range at {
		if p, _ := l.Snapshot().Port(id); p.Role != topology.Edge || p.Trouble != topology.Untroubled {
			l.Errorf("port %v after the ring has gone: %+v", id, p)
		}
	}
	synctest.Wait()
}

// Ports that are plugged into one bridge before they are up never make a ring,
// not even for a moment.
func TestRingThatIsThereFromTheStart(t *testing.T) {
	at := ends(portAt(1, 8), portAt(3, 8))
	build, _ := plugged(ofswitch.BridgeConfig{}, at...)
	inBubble(t, build, Config{}, func(l *lab) {
		seen := 0
		for range 50 {
			l.shout("h1")
			time.Sleep(100 * time.Millisecond)
			if p, _ := l.Snapshot().Port(at[1]); p.Role == topology.Edge {
				seen++
			}
		}
		if seen > 0 {
			l.Errorf("the higher port of the ring was open")
		}
		l.reach()
	})
}

// A switch that does not take the entry for wide probes says so, and works.
func TestWideProbesRefused(t *testing.T) {
	build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.Linear(3, c)
		n.Switch(2).SetFaults(ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
			if f, ok := m.(*openflow.FlowMod); ok && slices.ContainsFunc(f.Match, openflow.EthType(discovery.EtherTypeWide).Equal) {
				return &openflow.Error{ErrType: openflow.ErrorTypeBadMatch, Code: uint16(openflow.BadMatchBadValue)}
			}
			return nil
		}})
		return n
	}
	inBubble(t, build, Config{}, func(l *lab) {
		l.until("the switch to say what it cannot do", func(s *topology.Snapshot) bool {
			return slices.ContainsFunc(s.Switches[2].Limitations, func(say string) bool { return strings.Contains(say, "probes which bridges pass on") })
		})
		l.reach()
		if says := l.Snapshot().Switches[1].Limitations; len(says) != 0 {
			l.Errorf("another says: %v", says)
		}
	})
}

// islands returns how switches are built, each with a host, that only a bridge
// joins: at port 8 of each.
func islands(count int, cfg ofswitch.BridgeConfig) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		n := ofswitch.NewNetwork(c.Network)
		b := n.AddBridge(cfg)
		for i := 1; i <= count; i++ {
			c.Switch.DPID = openflow.DPID(i)
			sw := n.AddSwitch(c.Switch)
			mac, addrs := ofswitch.HostAddrs(i)
			n.AddHost("h"+string(rune('0'+i)), mac, addrs, sw, 1)
			b.Plug(sw, 8, wire)
		}
		mac, addrs := ofswitch.HostAddrs(9)
		b.AddHost("h9", mac, addrs)
		return n
	}
}

// A bridge that joins switches which nothing else joins carries what they say
// to each other, with every host where it is and no link.
func TestBridgeBetweenSwitches(t *testing.T) {
	for _, tc := range []struct {
		name  string
		count int
		hub   bool
	}{{"two", 2, false}, {"three", 3, false}, {"three, a hub", 3, true}} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, islands(tc.count, ofswitch.BridgeConfig{Hub: tc.hub}), Config{}, func(l *lab) {
				time.Sleep(10 * time.Second)
				l.reach()
				for range 3 {
					for _, h := range l.net.Hosts() {
						l.shout(h.Name())
						time.Sleep(15 * time.Second)
					}
				}
				s := l.Snapshot()
				if len(s.Links) != 0 {
					l.Errorf("links: %v", s.Links)
				}
				for i := 1; i <= tc.count; i++ {
					p, _ := s.Port(portAt(openflow.DPID(i), 8))
					if p.Role != topology.Edge || !p.Shared {
						l.Errorf("port %v: %+v", p.ID, p)
					}
					h := l.net.Host("h" + string(rune('0'+i)))
					if got, _ := s.HostIn(h.MAC(), 0); got.At != portAt(openflow.DPID(i), 1) {
						l.Errorf("host %s is at %v", h.Name(), got.At)
					}
				}
				if n := l.crossings(); n > 100 {
					l.Errorf("%d frames a second with all silent", n)
				}
			})
		})
	}
}

// A static link is a link though a bridge keeps near probes to itself, and goes
// when the wide ones that came over it stay away.
func TestStaticLink(t *testing.T) {
	cfg := Config{Links: []topology.LinkOverride{{A: portAt(1, 8), B: portAt(2, 8), Static: true}}}
	inBubble(t, islands(2, ofswitch.BridgeConfig{}), cfg, func(l *lab) {
		time.Sleep(5 * time.Second)
		if s := l.Snapshot(); len(s.Links) != 2 {
			l.Fatalf("links: %v", s.Links)
		}
		l.ping("h1", "h2")
		l.ping("h2", "h1")
		if err := l.install(l.circuit("a", 1, "h1", "h2", 0)); err != nil {
			l.Error(err)
		}
		if got := l.send("h1", "h2", 20); got.Packets != 20 {
			l.Errorf("%d of 20 datagrams arrived", got.Packets)
		}
		var plug *ofswitch.Link
		for _, link := range l.net.Links() {
			if a, b := link.Ends(); b.Host == "" && a.DPID == 2 {
				plug = link
			}
		}
		plug.SetConfig(dead)
		time.Sleep(15 * time.Second)
		if s := l.Snapshot(); len(s.Links) != 0 {
			l.Errorf("links when nothing comes through: %v", s.Links)
		}
		plug.SetConfig(wire)
		time.Sleep(5 * time.Second)
		if s := l.Snapshot(); len(s.Links) != 2 {
			l.Errorf("links when it is back: %v", s.Links)
		}
		l.ping("h1", "h2")
	})
}

// A static link over which no probe has ever come stands while its ports are
// up.
func TestStaticLinkWithoutProbes(t *testing.T) {
	cfg := Config{NoBDDP: true, Links: []topology.LinkOverride{{A: portAt(1, 8), B: portAt(2, 8), Static: true}}}
	inBubble(t, islands(2, ofswitch.BridgeConfig{}), cfg, func(l *lab) {
		time.Sleep(time.Minute)
		l.ping("h1", "h2")
		l.net.Switch(2).SetPortUp(8, false)
		time.Sleep(time.Second)
		if s := l.Snapshot(); len(s.Links) != 0 {
			l.Errorf("links with a port down: %v", s.Links)
		}
		l.net.Switch(2).SetPortUp(8, true)
		time.Sleep(time.Second)
		l.ping("h2", "h1")
	})
}

// relay has two hosts pass on the probes that they receive to each other, as a
// cable would.
func (l *lab) relay(x, y string) {
	a, b := l.net.Host(x), l.net.Host(y)
	for _, h := range [][2]*ofswitch.Host{{a, b}, {b, a}} {
		h[0].Handle(func(r ofswitch.Received) bool {
			if kind := r.Data[12:14]; kind[0] == 0x88 && kind[1] == 0xcc || kind[0] == 0x89 && kind[1] == 0x42 {
				h[1].Send(r.Data)
				return true
			}
			return false
		})
	}
}

// Probes that two hosts pass on to each other make no link, and close no port
// but theirs.
func TestRelayedProbes(t *testing.T) {
	listed := []topology.LinkOverride{}
	for i := openflow.DPID(1); i < 3; i++ {
		from, to := openflow.PortNo(3), openflow.PortNo(2)
		if i == 1 {
			from = 2
		}
		listed = append(listed, topology.LinkOverride{A: portAt(i, from), B: portAt(i+1, to)})
	}
	for name, tc := range map[string]struct {
		cfg   Config
		known bool // the hosts have spoken
	}{
		"hosts that have spoken": {Config{}, true},
		"edge ports":             {Config{EdgePorts: ends(portAt(1, 1))}, false},
		"strict":                 {Config{Strict: true, Links: listed}, false},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Linear(3, c) }
			inBubble(t, build, tc.cfg, func(l *lab) {
				time.Sleep(5 * time.Second)
				if len(l.Snapshot().Links) != 4 {
					l.Fatalf("links at first: %v", l.Snapshot().Links)
				}
				if tc.known {
					l.reach()
				}
				l.relay("h1", "h3")
				for range 20 {
					time.Sleep(time.Second)
					s := l.Snapshot()
					if len(s.Links) != 4 {
						l.Fatalf("links: %v", s.Links)
					}
					for _, id := range closed(s) {
						if id != portAt(3, 1) {
							l.Errorf("port %v is closed", id)
						}
					}
				}
				if p, _ := l.Snapshot().Port(portAt(3, 1)); p.Trouble != topology.Relayed || !p.Closed {
					l.Errorf("port %v: %+v", p.ID, p)
				}
				l.ping("h1", "h2")
				l.ping("h2", "h1")
				for _, h := range []string{"h1", "h3"} {
					l.net.Host(h).Handle(nil)
				}
				time.Sleep(10 * time.Second)
				l.reach()
			})
		})
	}
}

// What is flooded and comes back through another port is held up until probes,
// which a ring drowns, have told; hosts known behind that port go on.
func TestEchoesAreHeldUp(t *testing.T) {
	inBubble(t, linear(3), Config{}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		echo, victim, other := l.net.Host("h1"), l.net.Host("h2"), l.net.Host("h3")
		send := func(n int) (arrived uint64) {
			before := other.Stats().Received.Packets
			for i := range n {
				echo.Send(ofswitch.ARPRequest(victim.MAC(), victim.Addr(), netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})))
				time.Sleep(time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			return other.Stats().Received.Packets - before
		}
		if n := send(loadEcho - 1); n < loadEcho-1 {
			l.Errorf("%d of %d frames arrive before the port echoes", n, loadEcho-1)
		}
		time.Sleep(time.Second)
		send(2 * loadEcho)
		if p, _ := l.Snapshot().Port(l.home("h1")); !p.Echoing {
			l.Fatal("the port does not echo")
		}
		if n := send(2000); n > 700 {
			l.Errorf("%d of 2,000 frames in 2 s arrive; want a burst of 200 and 200 a second", n)
		}
		l.ping("h1", "h3")
		time.Sleep(5 * time.Second)
		if p, _ := l.Snapshot().Port(l.home("h1")); p.Echoing {
			l.Error("the port echoes still, after 5 s without")
		}
		l.ping("h1", "h2")
	})
}
