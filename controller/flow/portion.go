package flow

import (
	"math/bits"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// A policed circuit with a low rate would get less than best effort gives: its
// entries are there, and drop what exceeds the rate. So each has a portion of
// what is never reserved of a link, the spare part, and its policers let
// through the larger of rate and portion:
//
//   - Almost half of the spare part is divided equally among the circuits with
//     a rate. The best-effort meter of the port gives up what exceeds their
//     rates, rounded up a little, and so keeps half at least.
//   - No reservation is ever made out of the spare part. So what is promised to
//     one circuit does not depend on how soon the policer of another follows.
//   - While circuits come, move and go, those that are there keep what they have
//     for a moment, and best effort gives that up, too. So a burst of changes
//     moves policers once, when it is over, and no circuit waits for them.
//   - A portion is rounded down to steps that are twice as high each, at heights
//     that differ from circuit to circuit. So one circuit more or less moves the
//     policers of one or two others on a link, however many it has.

// steps is how many circuits with successive handles have steps of their own.
const steps = 16

// fewCircuits is how many circuits of a port get their portions at once.
const fewCircuits = 16

// unlimited is the portion of a port of which nothing is known: its switch is
// away, or has not come yet.
const unlimited = ^uint32(0)

// portion returns what each of some circuits may have of a port beyond what is
// reserved, in kbit/s.
func (p Policy) portion(port topology.Port, reserved bitrate.Rate, circuits int) uint32 {
	if !p.Meter || circuits == 0 {
		return 0
	}
	spare := p.spare(port, reserved)
	return min(kbps((spare/2-spare/32)/bitrate.Rate(circuits)), unlimited-1)
}

// spare returns what is never reserved of a port, of what it carries of frames.
func (p Policy) spare(port topology.Port, reserved bitrate.Rate) bitrate.Rate {
	room, kept := p.Frames.Room(port.Capacity), bitrate.Rate(float64(port.Capacity)*(1-p.Spare))
	kept = max(kept, reserved) // more may be reserved of a link that has become slower
	return room - min(kept, room)
}

// mostGivenUp returns how much of the spare part best effort gives up at most
// until portions that were put off are settled.
func mostGivenUp(spare bitrate.Rate) bitrate.Rate { return spare - spare/8 }

// stepped returns the highest step of a circuit that a portion reaches, which
// is more than half of it; 0 where it reaches none.
func stepped(portion, handle uint32) uint32 {
	first := steps + handle%steps
	if portion < first {
		return 0
	}
	return first << (bits.Len32(portion/first) - 1)
}

// beyond returns by how much a least rate in kbit/s exceeds a rate.
func beyond(rate bitrate.Rate, least uint32) bitrate.Rate {
	return max(rate, bitrate.Rate(least)*bitrate.Kbps) - rate
}

// givenUp returns what best effort gives up where circuits get so much beyond
// their rates: at most a sixteenth more, so that it need not change with each.
func givenUp(beyond bitrate.Rate) bitrate.Rate {
	low := max(bits.Len64(uint64(beyond)), 5) - 5
	return (beyond + 1<<low - 1) >> low << low
}

// Policed returns the circuits that must be held to a rate where they enter the
// network, by ID: those that share a port with another circuit that has a rate.
// The value is what their policers let through at least, in kbit/s. A circuit
// that shares no port may use what is free beyond what it reserved; it takes
// that from best effort only.
func Policed(n *Network) map[string]PerDirection {
	handles := map[string]uint32{}
	held := map[topology.PortID]map[string]bitrate.Rate{}
	for id, listed := range byID(n.Circuits) {
		handles[id] = listed[0].Handle
		for port, h := range heldRates(listed) {
			if held[port] == nil {
				held[port] = map[string]bitrate.Rate{}
			}
			held[port][id] = h.rate
		}
	}
	portions := map[string]uint32{}
	for _, rates := range held {
		for id := range rates {
			if len(rates) > 1 || n.Contested[id] {
				portions[id] = unlimited
			}
		}
	}
	for port, rates := range held {
		portion := n.portion(port, rates)
		for id := range rates {
			if least, is := portions[id]; is && portion != unlimited {
				portions[id] = min(least, stepped(portion, handles[id]))
			}
		}
	}
	policed := map[string]PerDirection{}
	for id, portion := range portions {
		if portion == unlimited {
			portion = 0
		}
		lent := n.Lent[id]
		policed[id] = PerDirection{max(portion, lent[forward]), max(portion, lent[reverse])}
	}
	return policed
}

// portion returns what each of the circuits of a port may have of it.
func (n *Network) portion(id topology.PortID, rates map[string]bitrate.Rate) uint32 {
	port, known := n.Switches[id.DPID].Ports[id.Port]
	if !known {
		return unlimited
	}
	var sum bitrate.Rate
	for _, rate := range rates {
		sum += rate
	}
	return n.Policy.portion(port, sum, len(rates))
}

// byID returns the circuits as they are listed under each ID.
func byID(circuits []path.Circuit) map[string][]path.Circuit {
	listed := map[string][]path.Circuit{}
	for _, c := range circuits {
		listed[c.ID] = append(listed[c.ID], c)
	}
	return listed
}

// reserved sums what best effort leaves to circuits on the ports of a switch,
// by the port that sends. A circuit that moves is listed with both its paths
// and counts once on a port that both use.
func (n *Network) reserved(dpid openflow.DPID) map[openflow.PortNo]bitrate.Rate {
	sums, more := map[openflow.PortNo]bitrate.Rate{}, map[openflow.PortNo]bitrate.Rate{}
	for id, listed := range byID(n.Circuits) {
		for port, h := range heldRates(listed) {
			if port.DPID == dpid {
				sums[port.Port] += h.rate
				more[port.Port] += h.beyond(n.Policed[id])
			}
		}
	}
	for no := range sums {
		sums[no] += givenUp(more[no])
	}
	return sums
}
