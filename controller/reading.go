package controller

import (
	"context"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

const (
	// rereadAfter is how long after a message about a port the ports are read:
	// by then the switch should have come to rest.
	rereadAfter = time.Second
	// rereadEvery is how often a switch is asked at most.
	rereadEvery = time.Second
	// readings is how many switches are asked in a tick at most.
	readings = 10
)

// portSpoke: a frame has come in by a port that is held to be down.
type portSpoke struct {
	s  *session
	at topology.PortID
}

func (e portSpoke) apply(k *core) {
	if k.current(e.s) {
		k.doubt(e.s.dpid, time.Time{})
	}
}

// doubt has the ports of a switch read again, not before a moment. What was to
// be read earlier stays so.
func (k *core) doubt(dpid openflow.DPID, from time.Time) {
	p := k.peers[dpid]
	if p == nil || !p.up {
		return
	}
	if earliest := p.read.Add(rereadEvery); from.Before(earliest) {
		from = earliest
	}
	if at, doubted := k.doubted[dpid]; !doubted || from.Before(at) {
		k.doubted[dpid] = from
	}
}

// readDoubted asks switches for their ports, where it is due.
func (k *core) readDoubted(now time.Time) {
	for _, id := range k.builder.Overdue() {
		k.doubt(id.DPID, now)
	}
	left := readings
	for dpid, at := range k.doubted {
		p := k.peers[dpid]
		switch {
		case p == nil || !p.up:
			delete(k.doubted, dpid)
		case p.reading || at.After(now):
		case left > 0:
			left--
			delete(k.doubted, dpid)
			p.reading, p.read = true, now
			k.sessions.Go(func() { p.session.readPorts(k.ctx) })
		}
	}
}

// readPorts asks the switch for its ports and hands the answer to the core.
func (s *session) readPorts(life context.Context) {
	ctx, cancel := context.WithTimeout(life, answerTime)
	defer cancel()
	e := portsRead{s: s, after: s.statuses.Load()}
	body, err := s.question(ctx, &openflow.MultipartRequest{MPType: openflow.MultipartPortDesc})
	ports, ok := body.(openflow.PortDescReply)
	if e.ok = err == nil && ok && len(ports) <= portsMost; e.ok {
		e.ports = ports
	} else if err != nil {
		s.log.Debug("switch does not describe its ports", "err", err)
	}
	s.post(life, e)
}

// portsRead: a switch has described its ports when it was asked.
type portsRead struct {
	s     *session
	after uint64 // how many messages about ports had come when it was asked
	ports []openflow.Port
	ok    bool // it has answered
}

func (e portsRead) apply(k *core) {
	if !k.current(e.s) {
		return
	}
	p := k.peers[e.s.dpid]
	p.reading = false
	switch {
	case !e.ok:
		return
	case p.statuses > e.after: // the answer may be older than what has been said since
		k.doubt(e.s.dpid, k.now.Add(rereadAfter))
		return
	}
	for _, id := range k.builder.PortsRead(e.s.dpid, e.ports, k.now) {
		if k.misread.allow(k.now) {
			k.log.Warn("port is not as the switch last said by itself; its description counts", "port", id)
		}
	}
}

// nameTooFast warns of ports that say that they are faster than any port.
func (k *core) nameTooFast(dpid openflow.DPID, ports ...openflow.Port) {
	for _, p := range ports {
		if topology.TooFast(p) && k.misread.allow(k.now) {
			k.log.Warn("port says a speed that no port has; the default capacity counts",
				"port", topology.PortID{DPID: dpid, Port: p.No}, "kbps", p.CurrSpeed)
		}
	}
}
