package stats

import (
	"time"

	"conga/controller/topology"
	"conga/stats/history"
)

// Steps are the times of a history: count times step from a moment on, which is
// a multiple of the step since the UNIX epoch.
type Steps struct {
	From  time.Time
	Step  time.Duration
	Count int
}

// A Level is how fast something went over one step.
type Level struct {
	Mean, Max float64       // over the time that is known; the highest mean from one sample to the next
	Known     time.Duration // of the step; 0: a gap
}

// An AllocationHistory is how fast an allocation went, both ways.
type AllocationHistory struct{ Forward, Reverse DirectionHistory }

// A DirectionHistory is how fast one direction of an allocation went, in bit/s,
// over each of the steps that were asked for.
type DirectionHistory struct{ Promised, Entered, Delivered, Dropped []Level }

// A PortHistory is how fast a port went: in bit/s, and what was dropped in
// packets/s.
type PortHistory struct{ Received, Sent, ReceiveDropped, SendDropped []Level }

// AllocationHistory returns how fast an allocation went.
func (p *Poller) AllocationHistory(id string, s Steps) AllocationHistory {
	source, destination := p.points(endKey(id, forward), s), p.points(endKey(id, reverse), s)
	direction := func(in, out []history.Cells) DirectionHistory {
		return DirectionHistory{levels(in, endPromised, s), levels(in, endEntered, s), levels(out, endDelivered, s), levels(in, endDropped, s)}
	}
	return AllocationHistory{direction(source, destination), direction(destination, source)}
}

// PortHistory returns how fast a port went.
func (p *Poller) PortHistory(at topology.PortID, s Steps) PortHistory {
	c := p.points(portKey(at), s)
	return PortHistory{levels(c, portReceived, s), levels(c, portSent, s), levels(c, portReceiveDropped, s), levels(c, portSendDropped, s)}
}

// LinkHistory returns how fast a directed link went, in bit/s: as its sending
// port counted, and in steps of which that one told nothing as its receiving
// port did.
func (p *Poller) LinkHistory(id topology.LinkID, s Steps) []Level {
	if id.From == topology.External {
		return p.PortHistory(id.To, s).Received
	}
	out := p.PortHistory(id.From, s).Sent
	if id.To == topology.External {
		return out
	}
	for i, far := range p.PortHistory(id.To, s).Received {
		if out[i].Known == 0 {
			out[i] = far
		}
	}
	return out
}

// points returns what is kept of a subject; nil if nothing is.
func (p *Poller) points(key string, s Steps) []history.Cells {
	if p.cfg.History == nil {
		return nil
	}
	return p.cfg.History.Points(key, s.From.UnixMilli(), s.Step.Milliseconds(), s.Count)
}

// levels returns one of the values of a track; gaps alone if nothing is known.
func levels(cells []history.Cells, channel int, s Steps) []Level {
	out := make([]Level, s.Count)
	for i := range cells {
		c := &cells[i][channel]
		out[i] = Level{Mean: c.Mean(), Max: float64(c.Max), Known: time.Duration(c.Known) * time.Millisecond}
	}
	return out
}
