package stats

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conga/controller/topology"
)

const (
	// lookEvery is the time between two looks at which allocations have become
	// degraded, or are no longer.
	lookEvery = time.Second
	// settledAfter is how long that must have been so until it is reported.
	settledAfter = time.Second
)

// announce takes in what has become of allocations, and reports which of them
// have become degraded, or are no longer, for some time now.
func (p *Poller) announce(now time.Time) {
	p.absorb()
	p.mu.Lock()
	var ids []string
	for a := range p.ledger.unsettled {
		d := &a.degraded
		if now.Sub(d.changed) < settledAfter {
			continue
		}
		delete(p.ledger.unsettled, a)
		if is := d.now() != nil; is != d.reported && !a.complete {
			d.reported = is
			ids = append(ids, a.id)
		}
	}
	p.mu.Unlock()
	if p.cfg.Degraded == nil {
		return
	}
	for _, id := range ids {
		p.cfg.Degraded(id)
	}
}

// review looks whether switches enforce the rates of the allocations that they
// carry. They may cease to without a change of an allocation; most networks
// have no such switch, so that there is nothing to be looked at.
func (p *Poller) review(now time.Time) {
	s := p.cfg.Source.Snapshot()
	p.mu.Lock()
	var ids []string
	if p.ledger.degraded[Unenforced] > 0 || lax(s) {
		for _, a := range p.ledger.handles {
			ids = append(ids, a.id)
		}
	}
	p.mu.Unlock()
	for _, id := range ids {
		o, ok := p.cfg.Owner(id)
		if !ok || o.Complete {
			continue
		}
		why := ""
		if o.Shortfall.Cause == Unenforced {
			why = o.Shortfall.Why
		}
		p.mu.Lock()
		if a := p.ledger.accounts[id]; a != nil && !a.complete {
			p.ledger.degrade(a, Unenforced, why, now)
		}
		p.mu.Unlock()
	}
}

// lax reports whether a switch does not enforce some rates.
func lax(s *topology.Snapshot) bool {
	for _, sw := range s.Switches {
		if sw.Unmetered || sw.Unpoliced != 0 {
			return true
		}
	}
	return false
}

// RegisterDegraded registers with r how many allocations are degraded, by the
// cause that counts.
func (p *Poller) RegisterDegraded(r prometheus.Registerer) error {
	return r.Register(degradedGauge{p, prometheus.NewDesc(
		"conga_allocations_degraded", "Allocations that get less than was promised to them, by cause.", []string{"cause"}, nil)})
}

type degradedGauge struct {
	poller *Poller
	desc   *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (g degradedGauge) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

// Collect implements [prometheus.Collector].
func (g degradedGauge) Collect(ch chan<- prometheus.Metric) {
	g.poller.mu.Lock()
	counts := g.poller.ledger.degraded
	g.poller.mu.Unlock()
	for c, n := range counts {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(n), Cause(c).String())
	}
}
