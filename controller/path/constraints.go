package path

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// An Element is a switch, or a cable between two switches, in either direction.
type Element struct {
	Switch openflow.DPID   // if Cable is zero
	Cable  topology.LinkID // from the lower port
}

// ParseElement reads a DPID in any form that [openflow.ParseDPID] reads, or a
// link, see [topology.ParseLinkID].
func ParseElement(s string) (Element, error) {
	if !strings.Contains(s, "-") {
		dpid, err := openflow.ParseDPID(s)
		return Element{Switch: dpid}, err
	}
	id, err := topology.ParseLinkID(s)
	if err != nil {
		return Element{}, err
	}
	if id.From == topology.External || id.To == topology.External || id.From == id.To {
		return Element{}, fmt.Errorf("path: %q is no link between two switches", s)
	}
	return Element{Cable: id.Cable()}, nil
}

// String returns the element as [ParseElement] reads it.
func (e Element) String() string {
	if e.Cable == (topology.LinkID{}) {
		return e.Switch.String()
	}
	return e.Cable.String()
}

// Constraints say which paths will do. The zero value is none.
type Constraints struct {
	Include    []Element     // all of these are on the path, in any order; at most [MaxInclude]
	Avoid      []Element     // none of these is
	Apart      []Path        // the path has no cable between switches in common with these
	MaxHops    int           // switches; 0: any number
	MaxLatency time.Duration // of all cables between switches, whose latencies must be known; 0: any

	// Protected asks for a path that has a backup: another one that meets the
	// constraints, but need not include anything, and has no cable between
	// switches in common with it. There is one only between different switches.
	Protected bool
}

// ofBackup returns what a backup of a path has to meet.
func (c *Constraints) ofBackup(p Path) *Constraints {
	b := *c
	b.Include, b.Protected, b.Apart = nil, false, append(slices.Clip(c.Apart), p)
	return &b
}

// Backup returns the best backup of a path that meets the query's constraints;
// ok is false if there is none.
func (g *Graph) Backup(q Query, p Path) (b Path, ok bool) {
	if len(p) < 2 {
		return nil, false
	}
	all := q.Constraints
	if all == nil {
		all = &Constraints{}
	}
	q.Constraints = all.ofBackup(p)
	return g.Find(q)
}

// MaxInclude is how many elements a path may have to include. The effort may
// grow with every combination of them.
const MaxInclude = 8

// Met reports whether a path that is alive meets the constraints.
func (c *Constraints) Met(s *topology.Snapshot, p Path) bool {
	if c.MaxHops != 0 && len(p) > c.MaxHops {
		return false
	}
	if c.MaxLatency != 0 {
		if d, known := Latency(s, p); !known || d > c.MaxLatency {
			return false
		}
	}
	on := p.elements()
	for _, e := range c.Include {
		if !on[e] {
			return false
		}
	}
	for _, e := range c.Avoid {
		if on[e] {
			return false
		}
	}
	for _, other := range c.Apart {
		if _, shared := p.Shares(other); shared {
			return false
		}
	}
	return true
}

// elements returns the switches of a path and the cables between them.
func (p Path) elements() map[Element]bool {
	on := make(map[Element]bool, 2*len(p))
	for i, h := range p {
		on[Element{Switch: h.DPID}] = true
		if i > 0 {
			on[Element{Cable: p.cable(i)}] = true
		}
	}
	return on
}

// cable returns the cable that leads to the i-th switch, from the one before.
func (p Path) cable(i int) topology.LinkID { return p.link(i).Cable() }

// link returns the link that leads to the i-th switch, from the one before.
func (p Path) link(i int) topology.LinkID {
	return topology.LinkID{
		From: topology.PortID{DPID: p[i-1].DPID, Port: p[i-1].Out},
		To:   topology.PortID{DPID: p[i].DPID, Port: p[i].In},
	}
}

// Shares returns the first cable between switches of a path that another one
// has as well; shared is false if there is none.
func (p Path) Shares(other Path) (cable topology.LinkID, shared bool) {
	for i := 1; i < len(p); i++ {
		for j := 1; j < len(other); j++ {
			if p.cable(i) == other.cable(j) {
				return p.cable(i), true
			}
		}
	}
	return topology.LinkID{}, false
}

// Latency returns how long a path takes according to the configuration: the sum
// over its cables between switches. known is false if that of one is not known.
func Latency(s *topology.Snapshot, p Path) (d time.Duration, known bool) {
	for i := 1; i < len(p); i++ {
		l, _ := s.Link(p.link(i))
		if l.Latency == 0 {
			return 0, false
		}
		d += l.Latency
	}
	return d, true
}
