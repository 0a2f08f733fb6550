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
// prefix have left when all that are known are behind one other port: however
// many have shown up elsewhere, they take the path from none that is where it
// was. The path must not be empty.
func Elsewhere(s *topology.Snapshot, k FlowKey, p Path) string {
	for _, end := range k.ends(p) {
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
	for i, end := range k.ends(p) {
		if w := s.LocateAll(end.side.Net()); !end.side.IsHost() && w.Several() {
			away := w.Away(end.at)
			text := fmt.Sprintf("%s of %s is behind port %s and not behind %s, where the path %s, so what it sends and gets is best effort",
				PrefixOf(away.Prefix), end.side, away.At, end.at, [...]string{"begins", "ends"}[i])
			if len(k.apartKeys(s, p, MaxApart+1)) > MaxApart {
				text += fmt.Sprintf("; there are more than %d such hosts, and what is sent to the others comes to that end", MaxApart)
			}
			return text
		}
	}
	return ""
}

// end is a side of a key, and where its end of a path is.
type end struct {
	side Prefix
	at   topology.PortID
}

func (k FlowKey) ends(p Path) [2]end {
	from, to := p.Ends()
	return [2]end{{k.Src, from}, {k.Dst, to}}
}

// MaxApart is of how many hosts of its prefixes, or prefixes within these, that
// are not behind the ends of a path switches know that they are best effort.
// Entries are scarce, and strangers can claim any number of addresses. What is
// sent to those beyond goes where the path ends, and what they send may join
// it, as all may that bears an address of another.
const MaxApart = 32

// ApartKeys returns the traffic of hosts that are not behind their end of a
// path, as seen from the key's source, that of [MaxApart] of them at most:
// those that are configured first, then by address.
func (k FlowKey) ApartKeys(s *topology.Snapshot, p Path) []FlowKey {
	return k.apartKeys(s, p, MaxApart)
}

func (k FlowKey) apartKeys(s *topology.Snapshot, p Path, most int) (keys []FlowKey) {
	if len(p) == 0 || k.Hosts() {
		return nil
	}
	for i, end := range k.ends(p) {
		if end.side.IsHost() {
			continue
		}
		for _, a := range s.Apart(end.side.Net(), end.at, most-len(keys)) {
			away := k
			*[...]*Prefix{&away.Src, &away.Dst}[i] = PrefixOf(a.Prefix)
			keys = append(keys, away)
		}
	}
	return keys
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
