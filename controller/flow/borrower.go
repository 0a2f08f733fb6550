package flow

import (
	"conga/bitrate"
	"conga/controller/topology"
)

// A borrower is a circuit that has a loan, or asks for one, in a direction in
// which it has a rate. One whose way back is full is lent what is free from its
// source all the same.
type borrower struct {
	m *member
	d direction
}

// borrowers returns those that have or ask for loans, by the ports that they
// use.
func (w *Wanted) borrowers() map[topology.PortID][]borrower {
	ports := map[topology.PortID][]borrower{}
	for m := range w.loans {
		for i := range m.held {
			u := &m.held[i]
			for d, leaves := range u.in {
				if leaves {
					ports[u.port] = append(ports[u.port], borrower{m, direction(d)})
				}
			}
		}
	}
	return ports
}

// need returns what the borrower's policers had to carry.
func (b borrower) need() *need { return &b.m.demand.of[b.d] }

// lent returns the borrower's loan in kbit/s.
func (b borrower) lent() uint32 { return b.m.lent[b.d] }

// lending returns what is lent to the circuit with another loan.
func (b borrower) lending(lent uint32) PerDirection {
	all := b.m.lent
	all[b.d] = lent
	return all
}

// rate returns the borrower's rate.
func (b borrower) rate() (rate bitrate.Rate) {
	for i := range b.m.listed {
		c := &b.m.listed[i]
		rate = max(rate, [directions]bitrate.Rate{c.Rate, c.Back()}[b.d])
	}
	return rate
}
