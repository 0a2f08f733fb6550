package path

import (
	"fmt"

	"conga/controller/topology"
	"conga/openflow"
)

// Alive reports whether a path can carry traffic now: every switch connected,
// every port up, both directions of every cable there, both ends still edge
// ports. If not, reason says what is missing, in words for the user.
func Alive(s *topology.Snapshot, p Path) (reason string, ok bool) {
	for _, h := range p {
		if !s.Switches[h.DPID].Connected {
			if s.Switches[h.DPID].Role == openflow.RoleSlave {
				return fmt.Sprintf("switch %s has another controller as its master", h.DPID), false
			}
			return fmt.Sprintf("switch %s is not connected", h.DPID), false
		}
	}
	return intact(s, p)
}

// Severed reports whether the path is cut in the network itself: a port is down
// or a cable gone, as far as connected switches can tell. A path that is
// neither alive nor severed may still carry traffic: only the channel to one of
// its switches is lost.
func Severed(s *topology.Snapshot, p Path) bool {
	_, ok := intact(s, p)
	return !ok
}

// Elsewhere returns which host has left its end of the path, in words, or "". A
// host that is not known any more counts as being where it was. The hosts of a
// prefix have left when all that are known are behind one other port. The path
// must not be empty.
func Elsewhere(s *topology.Snapshot, k FlowKey, p Path) string {
	from, to := p.Ends()
	for _, end := range [2]struct {
		side Prefix
		at   topology.PortID
	}{{k.Src, from}, {k.Dst, to}} {
		if at, ok := Home(s, end.side); ok && at != end.at {
			return fmt.Sprintf("%s has moved to %s", end.side, at)
		}
	}
	return ""
}

// Home returns the port behind which all known hosts of a prefix are; ok is
// false if none is known, or if they are behind several.
func Home(s *topology.Snapshot, p Prefix) (at topology.PortID, ok bool) {
	if p.IsHost() {
		return s.Locate(p.Addr())
	}
	w := s.LocateAll(p.Net())
	return w.First.At, w.Known() && !w.Several()
}

// Apart returns which host of a prefix is not behind its end of the path as
// others are, and so is not carried, in words, or "".
func Apart(s *topology.Snapshot, k FlowKey, p Path) string {
	if len(p) == 0 || k.Hosts() {
		return ""
	}
	from, to := p.Ends()
	for _, end := range [2]struct {
		side Prefix
		at   topology.PortID
	}{{k.Src, from}, {k.Dst, to}} {
		if end.side.IsHost() {
			continue
		}
		w := s.LocateAll(end.side.Net())
		if away := w.Away(end.at); w.Several() {
			return fmt.Sprintf("%s of %s is behind port %s and not behind %s, where the path ends, so what it sends and gets is not carried",
				PrefixOf(away.Prefix), end.side, away.At, end.at)
		}
	}
	return ""
}

// Met reports whether every switch of the path has had a channel to CONGA since
// the start. A switch that never had one cannot be called lost.
func Met(s *topology.Snapshot, p Path) bool {
	for _, h := range p {
		if _, ok := s.Switches[h.DPID]; !ok {
			return false
		}
	}
	return true
}

// intact looks at ports and cables only, not at channels. What only a switch
// without a channel could tell is taken to be in order.
func intact(s *topology.Snapshot, p Path) (reason string, ok bool) {
	if len(p) == 0 {
		return "there is no path", false
	}
	last := len(p) - 1
	if reason, ok := edgeUp(s, topology.PortID{DPID: p[0].DPID, Port: p[0].In}); !ok {
		return reason, false
	}
	for i := range last {
		from, to := topology.PortID{DPID: p[i].DPID, Port: p[i].Out}, topology.PortID{DPID: p[i+1].DPID, Port: p[i+1].In}
		if reason, ok := trunkUp(s, topology.LinkID{From: from, To: to}); !ok {
			return reason, false
		}
	}
	return edgeUp(s, topology.PortID{DPID: p[last].DPID, Port: p[last].Out})
}

func edgeUp(s *topology.Snapshot, at topology.PortID) (reason string, ok bool) {
	sw := s.Switches[at.DPID]
	if !sw.Connected {
		return "", true
	}
	if reason, ok := portUp(sw, at); !ok {
		return reason, false
	}
	if sw.Ports[at.Port].Role == topology.Trunk {
		return fmt.Sprintf("port %s now leads to another switch", at), false
	}
	return "", true
}

func trunkUp(s *topology.Snapshot, id topology.LinkID) (reason string, ok bool) {
	hidden := false
	for _, end := range [2]topology.PortID{id.From, id.To} {
		if sw := s.Switches[end.DPID]; !sw.Connected {
			hidden = true
		} else if reason, ok := portUp(sw, end); !ok {
			return reason, false
		}
	}
	if hidden {
		return "", true
	}
	for _, dir := range [2]topology.LinkID{id, id.Reverse()} {
		if _, ok := s.Link(dir); !ok {
			return fmt.Sprintf("link %s is down", dir), false
		}
	}
	return "", true
}

func portUp(sw topology.Switch, at topology.PortID) (reason string, ok bool) {
	port, ok := sw.Ports[at.Port]
	switch {
	case !ok:
		return fmt.Sprintf("port %s is not there", at), false
	case !port.Up:
		return fmt.Sprintf("port %s is down", at), false
	}
	return "", true
}
