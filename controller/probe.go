package controller

import (
	"conga/controller/discovery"
	"conga/controller/topology"
	"conga/openflow"
)

// probeSilent probes again where a probe has stayed away.
func (k *core) probeSilent() { k.probeNear(k.builder.Silent(reprobes)...) }

// probeNear sends a near probe out of each port that is up; out of the ends of
// static links a wide one as well, since they may have a bridge between them.
func (k *core) probeNear(ids ...topology.PortID) {
	snap := k.Snapshot()
	for _, id := range ids {
		if p, ok := snap.Port(id); ok && p.Up {
			k.probe(discovery.Probe{Port: p, Near: !k.cfg.NoLLDP, Wide: p.Static && !k.cfg.NoBDDP})
		}
	}
}

// probe sends probes out of ports. Those of one switch, which follow one
// another, leave in one write.
func (k *core) probe(probes ...discovery.Probe) {
	for len(probes) > 0 {
		n := 1
		for n < len(probes) && probes[n].ID.DPID == probes[0].ID.DPID {
			n++
		}
		k.probeSwitch(probes[:n])
		probes = probes[n:]
	}
}

// probeSwitch probes ports of one switch. What finds no room is not counted as
// sent: it is due again soon.
func (k *core) probeSwitch(probes []discovery.Probe) {
	p := k.peers[probes[0].ID.DPID]
	if p == nil {
		return
	}
	outs := make([]*openflow.PacketOut, 0, len(probes))
	send := func(port topology.Port, reach discovery.Reach) {
		outs = append(outs, packetOut(port.ID.Port, k.prober.Frame(port.ID, port.MAC, reach, k.now)))
	}
	for _, b := range probes {
		if b.Near {
			send(b.Port, discovery.Near)
		}
		if b.Wide {
			send(b.Port, discovery.Wide)
		}
	}
	if p.session.conn.PacketOuts(outs, true) != nil {
		return
	}
	for _, b := range probes {
		k.builder.Probed(b.ID, k.now)
	}
}

// nameMissing warns once, when all have had the time to come, of the configured
// links that are not there: a wrong number is easily written.
func (k *core) nameMissing() {
	if k.named || !k.builder.Settled() {
		return
	}
	k.named = true
	missing := k.builder.Missing()
	for i, l := range missing {
		if i == named {
			k.log.Warn("more configured links are not there", "links", len(missing)-named)
			return
		}
		k.log.Warn("configured link is not there; static: true has it used though no probe passes",
			"a", l.A, "b", l.B, "a_is", k.standing(l.A), "b_is", k.standing(l.B))
	}
}

// named is how many missing links are named.
const named = 20

// standing says in a word or two what a port is.
func (k *core) standing(id topology.PortID) string {
	s := k.Snapshot()
	p, ok := s.Port(id)
	switch {
	case !s.Switches[id.DPID].Connected:
		return "on a switch that is not connected"
	case !ok:
		return "absent"
	case !p.Up:
		return "down"
	case p.Role == topology.Trunk:
		return "a trunk to " + p.Far.String()
	}
	return p.Role.String()
}
