package controller

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// refuseHost returns faults of a switch that refuses entries towards a host.
func refuseHost(mac openflow.MAC) ofswitch.Faults {
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	return ofswitch.Faults{Reject: func(_ int, m openflow.Message) *openflow.Error {
		fm, ok := m.(*openflow.FlowMod)
		if !ok || len(fm.Match) != 1 {
			return nil
		}
		if dst, ok := fm.Match.Get(openflow.FieldEthDst); !ok || dst.Masked() || dst.MAC() != mac {
			return nil
		}
		return &full
	}}
}

// However two neighbours in a ring have no room for the entry towards a host,
// frames for it come to an end, and arrive. When they have room, every switch
// has the entry.
func TestRefusedEntriesMakeNoLoop(t *testing.T) {
	const side = 4
	ring := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Ring(side, c) }
	for first := 1; first <= side; first++ {
		for to := 1; to <= side; to++ {
			t.Run(fmt.Sprintf("switches %d and %d, host %d", first, first%side+1, to), func(t *testing.T) {
				inBubble(t, ring, Config{Audit: time.Second}, func(l *lab) {
					l.settled(side, side)
					host := l.net.Host(fmt.Sprint("h", to))
					full := []*ofswitch.Switch{l.net.Switch(openflow.DPID(first)), l.net.Switch(openflow.DPID(first%side + 1))}
					for _, sw := range full {
						sw.SetFaults(refuseHost(host.MAC()))
					}
					l.pingAll()
					time.Sleep(5 * time.Second) // of the bubble: everything has been tried again
					before := l.net.Stats().Delivered
					l.pingAll()
					// A frame is flooded, and sent on by several switches at
					// most.
					if n := l.net.Stats().Delivered - before; n > 2*side*side*12 {
						t.Errorf("%d deliveries for %d pings", n, side*(side-1))
					}
					for _, sw := range full {
						sw.SetFaults(ofswitch.Faults{})
					}
					l.acquainted()
					l.pingAll()
				})
			})
		}
	}
}

// slowly is a connection that takes a while to write, each time another.
type slowly struct {
	net.Conn
	mu     sync.Mutex // guards random
	random *rand.Rand
}

func (c *slowly) Write(b []byte) (int, error) {
	c.mu.Lock()
	wait := time.Duration(c.random.Int64N(int64(20 * time.Millisecond)))
	c.mu.Unlock()
	time.Sleep(wait) // of the bubble
	return c.Conn.Write(b)
}

// While entries towards new hosts spread, and each switch has them at its own
// time, no frame goes round.
func TestEntriesThatSpreadMakeNoLoop(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			torus := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Torus(3, 3, c) }
			inBubble(t, torus, Config{}, func(l *lab) {
				l.settled(9, 18)
				l.pingAll()
				l.acquainted()
				l.pingAll()
			}, func(p *pipes) {
				p.wrap = func(c net.Conn) net.Conn { return &slowly{Conn: c, random: rand.New(rand.NewPCG(seed, 1))} }
			})
		})
	}
}

// A switch that returns without its entries is led to one whose session has
// ended, and which still forwards.
func TestEntriesLeadToASwitchThatIsAway(t *testing.T) {
	linear := func(c ofswitch.TopologyConfig) *ofswitch.Network { return ofswitch.Linear(3, c) }
	inBubble(t, linear, Config{}, func(l *lab) {
		l.settled(3, 2)
		l.pingAll()
		l.acquainted()
		for d := openflow.DPID(3); d >= 2; d-- {
			l.net.Switch(d).SetFaults(ofswitch.Faults{Refuse: true})
			l.net.Switch(d).Disconnect()
			l.until("away", func(s *topology.Snapshot) bool { return !s.Switches[d].Connected })
		}
		empty := l.net.Switch(2)
		l.apply(empty, openflow.FlowMod{
			Command: openflow.FlowDelete, Table: openflow.TableAll,
			BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
		})
		empty.SetFaults(ofswitch.Faults{})
		l.until("back", func(s *topology.Snapshot) bool { return s.Switches[2].Connected })
		time.Sleep(time.Second)
		l.pingAll()
	})
}
