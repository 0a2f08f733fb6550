package flow

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// A cutting is a grid of switches with circuits of which some use the link that
// is cut, and have another way.
type cutting struct {
	wanted   *Wanted
	side     int
	circuits map[string]path.Circuit
	affected []string
}

// hostPorts is how many ports of a switch lead to hosts: so many that each has
// few circuits.
const hostPorts = 20

func hostPort(random *rand.Rand) openflow.PortNo { return openflow.PortNo(5 + random.IntN(hostPorts)) }

// The switches that the link joins are in the middle.
func (c *cutting) ends() (x, y openflow.DPID) {
	middle := openflow.DPID(c.side*c.side/2 + c.side/2)
	return middle, middle + 1
}

// newCutting returns a grid with n circuits, of which one in ten is between the
// ends of the link.
func newCutting(side, n int) *cutting {
	net := grid(side, 0)
	net.Policy.Spare = 0.2
	for _, sw := range net.Switches {
		for no, p := range sw.Ports {
			p.Capacity = 10 * bitrate.Gbps
			sw.Ports[no] = p
		}
		for no := openflow.PortNo(6); no < 5+hostPorts; no++ {
			p := sw.Ports[5]
			p.ID.Port = no
			sw.Ports[no] = p
		}
	}
	c := &cutting{wanted: NewWanted(net.Policy), side: side, circuits: map[string]path.Circuit{}}
	c.wanted.SetNetwork(net.Snapshot)
	for d := range net.Switches {
		c.wanted.Watch(d)
	}
	random := rand.New(rand.NewPCG(1, 2))
	host := func(d openflow.DPID) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(d >> 8), byte(d), byte(random.IntN(10))})
	}
	x, y := c.ends()
	for i := range n {
		from, to := openflow.DPID(random.IntN(side*side)+1), openflow.DPID(random.IntN(side*side)+1)
		if i%10 == 0 {
			from, to = x, y
		} else if from == to {
			continue
		}
		along := c.along(from, to)
		along[0].In, along[len(along)-1].Out = hostPort(random), hostPort(random)
		one := path.Circuit{
			ID: fmt.Sprint(i), Handle: uint32(i + 1), Rate: 100 * bitrate.Kbps,
			Key:  path.FlowKey{Src: path.Host(host(from)), Dst: path.Host(host(to)), Proto: []uint8{path.ProtoTCP, path.ProtoUDP}[i/10%2], SrcPort: path.Port(uint16(i + 1)), DstPort: path.Port(80)},
			Path: along,
		}
		c.circuits[one.ID] = one
		c.wanted.SetCircuit(one.ID, []path.Circuit{one})
		for _, h := range one.Path {
			if h.DPID == x && (h.In == 1 || h.Out == 1) {
				c.affected = append(c.affected, one.ID)
			}
		}
	}
	takeAll(c.wanted, func(openflow.DPID, Patch) {})
	return c
}

// along returns the path by these switches, first along the row and then along
// the column of each.
func (c *cutting) along(via ...openflow.DPID) (p path.Path) {
	at, in := via[0], openflow.PortNo(5)
	step := func(to openflow.DPID, out, next openflow.PortNo) {
		p = append(p, path.Hop{DPID: at, In: in, Out: out})
		at, in = to, next
	}
	side := openflow.DPID(c.side)
	for _, to := range via[1:] {
		for (at-1)%side < (to-1)%side {
			step(at+1, 1, 2)
		}
		for (at-1)%side > (to-1)%side {
			step(at-1, 2, 1)
		}
		for at < to {
			step(at+side, 3, 4)
		}
		for at > to {
			step(at-side, 4, 3)
		}
	}
	return append(p, path.Hop{DPID: at, In: in, Out: 5})
}

// changes counts what is handed out.
type changes struct{ rules, policers int }

func (c *cutting) take(n *changes) {
	takeAll(c.wanted, func(_ openflow.DPID, p Patch) {
		n.rules += len(p.Rules)
		for id := range p.Meters {
			if kind, _ := purpose.ReadMeter(id); kind == purpose.MeterPolicer {
				n.policers++
			}
		}
	})
}

// move moves what is affected to other paths, a part after the other.
func (c *cutting) move(parts int) (n changes) {
	x, y := c.ends()
	for i, id := range c.affected {
		one := c.circuits[id]
		p := one.Path
		around := openflow.DPID(c.side)
		if i%2 == 0 {
			around = -around
		}
		from, to := p[0].DPID, p[len(p)-1].DPID
		one.Path = c.along(from, x, x+around, y+around, y, to)
		if from != x || to != y {
			one.Path = c.along(from, x+around, to)
		}
		one.Path[0].In, one.Path[len(one.Path)-1].Out = p[0].In, p[len(p)-1].Out
		c.wanted.SetCircuit(id, []path.Circuit{one})
		if (i+1)%((len(c.affected)+parts-1)/parts) == 0 {
			c.take(&n)
		}
	}
	c.take(&n)
	return n
}

// back moves everything back.
func (c *cutting) back() (n changes) {
	for _, id := range c.affected {
		c.wanted.SetCircuit(id, []path.Circuit{c.circuits[id]})
	}
	c.take(&n)
	return n
}

// BenchmarkCut measures what a cut link costs the core: 1,000 of 10,000
// circuits move, in a grid of 100 switches.
func BenchmarkCut(b *testing.B) {
	c := newCutting(10, 10_000)
	var n changes
	b.ReportAllocs()
	for b.Loop() {
		n = c.move(2)
		b.StopTimer()
		c.back()
		c.wanted.CatchUp()
		c.take(&changes{})
		b.StartTimer()
	}
	b.ReportMetric(float64(n.rules), "rules")
	b.ReportMetric(float64(n.policers), "policers")
	b.ReportMetric(float64(len(c.affected)), "moved")
}

// Switches into which a circuit comes by ports with the same number share the
// matches of its entries.
func TestSwitchesShareSelections(t *testing.T) {
	c := newCutting(6, 0)
	along := c.along(13, 18)
	c.wanted.SetCircuit("a", []path.Circuit{{
		ID: "a", Handle: 1, Rate: bitrate.Mbps, Path: along,
		Key: path.FlowKey{Src: path.Host(addr(1)), Dst: path.Host(addr(2)), Proto: path.ProtoUDP, DstPort: path.Port(80)},
	}})
	rules, matches := 0, map[*openflow.OXM]bool{}
	takeAll(c.wanted, func(_ openflow.DPID, p Patch) {
		for _, r := range p.Rules {
			if r.Priority >= prioTooBig {
				rules++
				matches[&r.Match[0]] = true
			}
		}
	})
	// In either direction the first switch is entered by port 5 and all others
	// by one other; each has an entry for datagrams and one for fragments.
	if rules != 2*2*len(along) || len(matches) != 2*2*2 {
		t.Errorf("%d entries with %d different matches", rules, len(matches))
	}
}
