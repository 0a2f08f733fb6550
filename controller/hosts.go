package controller

import (
	"log/slog"
	"time"

	"conga/controller/discovery"
	"conga/controller/topology"
	"conga/openflow"
)

// hostSeen: a host has spoken.
type hostSeen struct {
	s    *session
	at   topology.PortID
	host discovery.Sighting
}

func (e hostSeen) apply(k *core) {
	h := e.host
	if !k.current(e.s) {
		return
	}
	if k.builder.HostSeen(h.VLAN, e.at, h.MAC, h.Addrs, h.Claimed, k.now) {
		k.log.Info("host found", "mac", h.MAC, "at", e.at, "addrs", h.Addrs)
	}
	k.builder.Announced(h.VLAN, e.at, h.MAC, h.Foreign, k.now)
	k.askHosts()
}

// hostAnswered: a host has answered a question.
type hostAnswered struct {
	s    *session
	at   topology.PortID
	host discovery.Sighting
}

func (e hostAnswered) apply(k *core) {
	if k.current(e.s) {
		k.builder.HostAnswered(e.host.VLAN, e.at, e.host.MAC, e.host.Addrs, k.now)
		k.askHosts()
	}
}

// portStorms: the hosts behind a port announce addresses without end.
type portStorms struct {
	s  *session
	at topology.PortID
}

func (e portStorms) apply(k *core) {
	if k.current(e.s) && k.builder.PortStorms(e.at, k.now) && k.storms.allow(k.now) {
		k.log.Warn("hosts behind a port announce addresses without end; it has a budget of its own for as long as they do", "at", e.at)
	}
}

// portEchoes: many frames of hosts that are known elsewhere come from a port.
type portEchoes struct {
	s  *session
	at topology.PortID
}

func (e portEchoes) apply(k *core) {
	if k.current(e.s) && k.builder.PortEchoes(e.at, k.now) && k.storms.allow(k.now) {
		k.log.Warn("a port brings frames of hosts that are elsewhere, as a ring would; little is flooded from there until probes have told", "at", e.at)
	}
}

// askHosts sends what is due to hosts whose port or address others claim, and
// reports what became of such claims.
func (k *core) askHosts() {
	for _, q := range k.builder.Queries(k.now) {
		p := k.peers[q.At.DPID]
		if p == nil || !p.up {
			continue
		}
		out := packetOut(q.At.Port, discovery.Question(q.Host.MAC, q.Addr, q.VLAN))
		if q.Announce { // as if the host had, for all to hear
			out = packetOut(openflow.PortTable, discovery.Announcement(q.Host.MAC, q.Addr, q.VLAN))
			out.InPort = q.At.Port
		}
		if p.session.conn.PacketOut(out, true) == nil {
			k.builder.Queried(q)
		}
	}
	k.countUnlearned(k.now)
	for _, v := range k.builder.Verdicts() {
		k.claimed[v.Outcome].Add(1)
		if k.cfg.Contested != nil {
			k.cfg.Contested(v)
		}
		k.logVerdict(v)
	}
}

// countUnlearned publishes what found no room, and says from time to time that
// the network has more hosts than may be learned.
func (k *core) countUnlearned(now time.Time) {
	was, u := *k.unlearned.Load(), k.builder.Unlearned()
	if u == was {
		return
	}
	k.unlearned.Store(&u)
	if u.Network+u.Displaced == was.Network+was.Displaced || !k.overfullSaid.IsZero() && now.Sub(k.overfullSaid) < overfullEvery {
		return
	}
	k.overfullSaid = now
	k.log.Warn("more hosts are heard than may be learned in all; the ports with most learn no more, and make room for others: raise network.learning.hosts, or see who sends from many addresses",
		"unlearned", u.Network, "displaced", u.Displaced)
}

func (k *core) logVerdict(v topology.Verdict) {
	details := []any{"mac", v.Owner, "at", v.At, "claimed_by", v.By, "claimed_at", v.From}
	if v.Addr.IsValid() {
		details = append(details, "addr", v.Addr)
	}
	if v.Outcome == topology.Taken {
		k.log.Info("host does not answer where it was, so a claim is believed", details...)
		return
	}
	if !k.claims.allow(k.now) {
		return
	}
	log := k.log.With(slog.Uint64("unsaid", k.claims.take()))
	switch {
	case v.Outcome == topology.Flapping:
		log.Warn("host is heard at two ports alternately; it stays where it is for a while", details...)
	case v.Addr.IsValid():
		log.Warn("address is claimed by a host that does not have it; the claim is refused", details...)
	default:
		log.Warn("host answers where it was, and is heard at another port too; it stays", details...)
	}
}

// A throttle lets a few lines of the log through a minute.
type throttle struct {
	since  time.Time
	lines  int
	unsaid uint64
}

const linesPerMinute = 20

// overfullEvery is how often the log says that the network has too many hosts.
const overfullEvery = time.Hour

// allow reports whether one more line may be written.
func (t *throttle) allow(now time.Time) bool {
	if now.Sub(t.since) >= time.Minute {
		t.since, t.lines = now, 0
	}
	if t.lines++; t.lines > linesPerMinute {
		t.unsaid++
		return false
	}
	return true
}

// take returns how many lines were not written since the last call.
func (t *throttle) take() uint64 {
	n := t.unsaid
	t.unsaid = 0
	return n
}

// How many announcements a port's hosts may make in a span before it storms,
// and, as long as it does, before that is reported again; and how many frames
// of hosts that are elsewhere it may bring before it echoes. A host that has
// moved sends as many until that is believed, and is hurt little.
const (
	loadSpan  = 250 * time.Millisecond
	loadStorm = 64
	loadStill = 25
	loadEcho  = 16
)

func stormLimit(storming bool) int {
	if storming {
		return loadStill
	}
	return loadStorm
}

// load counts the frames of a sort that come from each port.
type load struct {
	since time.Time
	ports map[openflow.PortNo]int
}

// count adds one and reports whether the port has reached the limit, once in a
// span.
func (l *load) count(port openflow.PortNo, limit int, now time.Time) bool {
	if l.ports == nil || now.Sub(l.since) >= loadSpan {
		if l.since = now; l.ports == nil {
			l.ports = map[openflow.PortNo]int{}
		}
		clear(l.ports)
	}
	l.ports[port]++
	return l.ports[port] == limit
}
