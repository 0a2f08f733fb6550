package path

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

// A Hop is one switch on a path: traffic from the source enters at In and
// leaves at Out; traffic back enters at Out and leaves at In.
type Hop struct {
	DPID openflow.DPID   `json:"dpid"`
	In   openflow.PortNo `json:"in"`
	Out  openflow.PortNo `json:"out"`
}

// A Path is a loop-free walk through the network, from the edge port of the
// source to the edge port of the destination. The empty path is no path.
type Path []Hop

// Links returns the directed links that traffic from the source uses, access
// links included: outside -> first switch … last switch -> outside.
func (p Path) Links() []topology.LinkID {
	if len(p) == 0 {
		return nil
	}
	return p.AppendLinks(make([]topology.LinkID, 0, len(p)+1))
}

// Ends returns the edge ports of the source and of the destination. The path
// must not be empty.
func (p Path) Ends() (from, to topology.PortID) {
	first, last := p[0], p[len(p)-1]
	return topology.PortID{DPID: first.DPID, Port: first.In}, topology.PortID{DPID: last.DPID, Port: last.Out}
}

// AppendLinks appends what [Path.Links] returns.
func (p Path) AppendLinks(links []topology.LinkID) []topology.LinkID {
	if len(p) == 0 {
		return links
	}
	from := topology.External
	for _, h := range p {
		links = append(links, topology.LinkID{From: from, To: topology.PortID{DPID: h.DPID, Port: h.In}})
		from = topology.PortID{DPID: h.DPID, Port: h.Out}
	}
	return append(links, topology.LinkID{From: from, To: topology.External})
}

// BothWays returns [Path.Links] and their reverses: an allocation holds
// capacity on all of them, since its flow entries are installed in both
// directions.
func (p Path) BothWays() []topology.LinkID {
	forth := p.Links()
	links := make([]topology.LinkID, 0, 2*len(forth))
	for _, l := range forth {
		links = append(links, l, l.Reverse())
	}
	return links
}

// At returns how the path crosses a switch; the zero hop if it does not.
func (p Path) At(dpid openflow.DPID) Hop {
	for _, h := range p {
		if h.DPID == dpid {
			return h
		}
	}
	return Hop{}
}

// Equal reports whether both paths take the same ports of the same switches.
func (p Path) Equal(q Path) bool { return slices.Equal(p, q) }

// String prints the path as 0000000000000001[1>2] 0000000000000004[3>1].
func (p Path) String() string {
	hops := make([]string, len(p))
	for i, h := range p {
		hops[i] = fmt.Sprintf("%s[%s>%s]", h.DPID, h.In, h.Out)
	}
	return strings.Join(hops, " ")
}

// IP protocol numbers of a [FlowKey].
const (
	ProtoAny uint8 = 0
	ProtoTCP uint8 = 6
	ProtoUDP uint8 = 17
)

// A FlowKey says which traffic an allocation is about, as seen from its source.
// A zero protocol means any, as zero ports do; ports without a protocol mean
// TCP and UDP. Src and Dst are of the same family and have no host in common,
// so that of all pairs of hosts that two keys share each is the other way round
// in both or in neither.
type FlowKey struct {
	Src     Prefix `json:"src"`
	Dst     Prefix `json:"dst"`
	Proto   uint8  `json:"proto,omitempty"`
	SrcPort Ports  `json:"src_port,omitzero"`
	DstPort Ports  `json:"dst_port,omitzero"`
}

// Reverse returns the key of the traffic back.
func (k FlowKey) Reverse() FlowKey {
	return FlowKey{Src: k.Dst, Dst: k.Src, Proto: k.Proto, SrcPort: k.DstPort, DstPort: k.SrcPort}
}

// Specificity returns how many of protocol, source ports and destination ports
// are given, of which several count as one port does. A packet that two
// allocations match belongs to the more specific one; see [FlowKey.Precedence].
func (k FlowKey) Specificity() int {
	n := 0
	if k.Proto != ProtoAny {
		n++
	}
	if !k.SrcPort.Any() {
		n++
	}
	if !k.DstPort.Any() {
		n++
	}
	return n
}

// Ported reports whether ports of either side are given.
func (k FlowKey) Ported() bool { return !k.SrcPort.Any() || !k.DstPort.Any() }

// Meets reports whether some packet, in either direction, would match both
// keys.
func (k FlowKey) Meets(o FlowKey) bool { return k.overlaps(o) || k.overlaps(o.Reverse()) }

func (k FlowKey) overlaps(o FlowKey) bool {
	return k.Src.Meets(o.Src) && k.Dst.Meets(o.Dst) && (k.Proto == o.Proto || k.Proto == ProtoAny || o.Proto == ProtoAny) &&
		k.SrcPort.meet(o.SrcPort) && k.DstPort.meet(o.DstPort)
}

// Covers reports whether all traffic of o, in either direction, is k's as well.
func (k FlowKey) Covers(o FlowKey) bool {
	o = k.facing(o)
	return k.Src.Covers(o.Src) && k.Dst.Covers(o.Dst) && (k.Proto == ProtoAny || k.Proto == o.Proto) &&
		k.SrcPort.Cover(o.SrcPort) && k.DstPort.Cover(o.DstPort)
}

// A Circuit is a priority path to be kept in the switches: what the scheduler
// asks of the controller.
type Circuit struct {
	ID     string // the allocation's
	Handle uint32 // owner in the cookies of its flow entries; never 0, unique among live circuits
	Key    FlowKey
	Rate   bitrate.Rate // from the source; 0: priority without a guarantee
	Path   Path

	Reverse Reverse // the rate of the traffic back

	// Backup is where the traffic goes when the path is cut, with the same ends
	// and no cable between switches in common; empty: there is none.
	Backup Path
}

// Back returns the rate of the circuit's traffic back, in bit/s; 0: none is
// promised.
func (c *Circuit) Back() bitrate.Rate { return c.Reverse.Of(c.Rate) }

// An Exit is a port by which a circuit's traffic leaves a switch.
type Exit struct {
	topology.PortID
	Back bool // it goes back to the source
}

// Egress yields where the circuit's traffic with a rate leaves switches, in
// either direction and on either path, and the rate; some of them twice.
func (c *Circuit) Egress() iter.Seq2[Exit, bitrate.Rate] {
	return func(yield func(Exit, bitrate.Rate) bool) {
		forth, back := c.Rate, c.Back()
		for _, p := range c.Ways() {
			for _, h := range p {
				if back > 0 && !yield(Exit{topology.PortID{DPID: h.DPID, Port: h.In}, true}, back) {
					return
				}
				if forth > 0 && !yield(Exit{topology.PortID{DPID: h.DPID, Port: h.Out}, false}, forth) {
					return
				}
			}
		}
	}
}

// A Reverse says what rate the traffic back has. The zero value says that it is
// the one of the traffic from the source.
type Reverse struct {
	Apart bool         `json:"apart,omitempty"` // it has a rate of its own
	Rate  bitrate.Rate `json:"rate,omitempty"`  // that rate, in bit/s; 0: none is promised
}

// Ways returns the path and the backup.
func (c *Circuit) Ways() [2]Path { return [2]Path{c.Path, c.Backup} }

// Links returns the directed links that traffic from the source uses on the
// path, and those of the backup that are on other cables.
func (c *Circuit) Links() []topology.LinkID { return LinksOf(c.Path, c.Backup) }

// LinksOf returns the links of a path, and those of its backup that are on
// other cables.
func LinksOf(p, backup Path) []topology.LinkID {
	links := p.Links()
	if len(backup) == 0 {
		return links
	}
	ends := len(links)
	for _, id := range backup.Links() {
		if !slices.Contains(links[:ends], id) {
			links = append(links, id)
		}
	}
	return links
}

// Same reports whether two circuits of an allocation are one in the switches.
func (c *Circuit) Same(o *Circuit) bool {
	return c.Handle == o.Handle && c.Key == o.Key && c.Rate == o.Rate && c.Reverse == o.Reverse && c.Path.Equal(o.Path) && c.Backup.Equal(o.Backup)
}

// Of returns the rate of the traffic back where that from the source has rate.
func (r Reverse) Of(rate bitrate.Rate) bitrate.Rate {
	if r.Apart {
		return r.Rate
	}
	return rate
}
