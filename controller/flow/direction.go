package flow

import (
	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// A direction is one of the two in which a circuit carries traffic.
type direction uint8

const (
	forward    direction = iota // from its source
	reverse                     // back
	directions = 2
)

// PerDirection is a rate in kbit/s from the source of a circuit, and one back.
type PerDirection [directions]uint32

// An egress is what a circuit reserves of a port by which it leaves a switch:
// the higher of its rates in the directions in which it does.
type egress struct {
	rate bitrate.Rate
	in   [directions]bool
}

// reserve adds a rate with which traffic leaves.
func (e *egress) reserve(by path.Exit, rate bitrate.Rate) {
	e.rate = max(e.rate, rate)
	e.in[forward] = e.in[forward] || !by.Back
	e.in[reverse] = e.in[reverse] || by.Back
}

// beyond returns by how much least rates exceed what is reserved.
func (e *egress) beyond(least PerDirection) (more bitrate.Rate) {
	for d, in := range e.in {
		if in {
			more = max(more, beyond(e.rate, least[d]))
		}
	}
	return more
}

// enters returns the switch where a circuit's traffic in a direction enters the
// network.
func enters(c *path.Circuit, d direction) openflow.DPID {
	if d == reverse {
		return c.Path[len(c.Path)-1].DPID
	}
	return c.Path[0].DPID
}
