package topology

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"conga/openflow"
)

// A PortID names one port of one switch. The zero value is [External].
type PortID struct {
	DPID openflow.DPID   `json:"dpid"`
	Port openflow.PortNo `json:"port"`
}

// External is the far end of every access link, where a host or a router is.
var External PortID

// local is the name of [openflow.PortLocal], the port to the switch's own
// network stack.
const local = "LOCAL"

// String returns the port as DPID:port, the form that the configuration uses.
func (p PortID) String() string {
	switch {
	case p == External:
		return "outside"
	case p.Port == openflow.PortLocal:
		return p.DPID.String() + ":" + local
	}
	return fmt.Sprintf("%s:%d", p.DPID, uint32(p.Port))
}

// ParsePortID reads DPID:port, with the DPID in any form that
// [openflow.ParseDPID] reads. The port is a number, or LOCAL.
func ParsePortID(s string) (PortID, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return PortID{}, fmt.Errorf("topology: port %q: write DPID:port, such as 0000000000000001:3", s)
	}
	dpid, err := openflow.ParseDPID(s[:i])
	if err != nil {
		return PortID{}, fmt.Errorf("topology: port %q: %w", s, err)
	}
	if strings.EqualFold(s[i+1:], local) {
		return PortID{DPID: dpid, Port: openflow.PortLocal}, nil
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 32)
	if err != nil || !carrying(openflow.PortNo(n)) {
		return PortID{}, fmt.Errorf("topology: port %q: %q is not a port number", s, s[i+1:])
	}
	return PortID{DPID: dpid, Port: openflow.PortNo(n)}, nil
}

// ComparePorts orders ports by switch, then by number.
func ComparePorts(a, b PortID) int {
	return cmp.Or(cmp.Compare(a.DPID, b.DPID), cmp.Compare(a.Port, b.Port))
}

// A LinkID names one directed link, from the port that sends to the port that
// receives. An access link has [External] at one end.
type LinkID struct {
	From PortID `json:"from"`
	To   PortID `json:"to"`
}

// String returns the link as from->to.
func (l LinkID) String() string { return l.From.String() + "->" + l.To.String() }

// Reverse returns the same cable in the other direction.
func (l LinkID) Reverse() LinkID { return LinkID{From: l.To, To: l.From} }

// CompareLinks orders links by their sending, then by their receiving end.
func CompareLinks(a, b LinkID) int {
	return cmp.Or(ComparePorts(a.From, b.From), ComparePorts(a.To, b.To))
}

// Cable returns the name of the link's cable: the direction that begins at the
// lower port. The name of an access link's cable is the direction to the
// switch.
func (l LinkID) Cable() LinkID {
	if ComparePorts(l.To, l.From) < 0 {
		return l.Reverse()
	}
	return l
}

// ParseLinkID reads two ports with -> between them, as [LinkID.String] writes
// them, or with a hyphen. The far end of an access link is written outside.
func ParseLinkID(s string) (LinkID, error) {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return LinkID{}, fmt.Errorf("topology: link %q: write two ports, such as 0000000000000001:3->0000000000000002:1", s)
	}
	var id LinkID
	for end, text := range map[*PortID]string{&id.From: from, &id.To: strings.TrimPrefix(to, ">")} {
		if text == External.String() {
			continue
		}
		var err error
		if *end, err = ParsePortID(text); err != nil {
			return LinkID{}, err
		}
	}
	return id, nil
}
