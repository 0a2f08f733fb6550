package controller

import (
	"conga/controller/topology"
)

// logTroubles logs which ports of the switches that have changed are closed, or
// not any more, for what hangs on them.
func (k *core) logTroubles(old, now *topology.Snapshot) {
	for _, dpid := range now.Delta.Switches {
		was := old.Switches[dpid].Ports
		for no, p := range now.Switches[dpid].Ports {
			q := was[no]
			if p.Trouble == q.Trouble && p.Closed == q.Closed {
				continue
			}
			switch {
			case p.Trouble == topology.Relayed:
				k.log.Warn("probes arrive as over a cable that cannot be one", "port", p.ID, "from", p.Peer, "closed", p.Closed)
			case p.Trouble == topology.Reflecting:
				k.log.Warn("port hears its own probes and is closed", "port", p.ID)
			case p.Trouble == topology.Deaf:
				k.log.Warn("link carries in one direction only and is not used", "port", p.ID, "sends_to", p.Peer)
			case p.Trouble == topology.Unheard: // the other end is logged
			case p.Closed:
				k.log.Warn("port closes a ring and is closed", "port", p.ID, "ring", p.Peer)
			case p.Trouble == topology.SharedSegment:
				k.log.Warn("ports share a segment", "port", p.ID, "with", p.Peer)
			case q.Trouble >= topology.Deaf:
				k.log.Info("link does not carry in one direction only any more", "port", p.ID)
			default:
				k.log.Info("port is on a segment of its own again", "port", p.ID)
			}
		}
	}
}
