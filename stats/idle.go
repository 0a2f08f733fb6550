package stats

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// mostReclaimed is how many allocations are given up at a time.
const mostReclaimed = 50

// An Idleness says when allocations of a project are given up because hardly
// anything uses them.
type Idleness struct {
	Below float64       // the share of its rate below which one is idle; 0: none ever is
	For   time.Duration // how long it may be
}

// An Idle says since when an allocation is idle.
type Idle struct {
	Since time.Time // zero: it is not, or not for half of the time that it may be
	Until time.Time // when it is given up if that goes on
	Below float64   // the share of its rate that it has been below
}

// idleWatch is what is known of an account's idleness.
type idleWatch struct {
	since    time.Time // since when it is idle; zero: it is not, or that is not known
	reported Idle      // what was said last
}

// use says what counters tell of an allocation's use.
type use uint8

const (
	unknownUse use = iota
	used
	hardlyUsed
)

// useOf returns whether as much enters as makes an account used: in one of the
// directions that have a rate at least that share of it. It is used also if no
// rate was promised to it, since it keeps nothing from others.
func (a *account) useOf(below float64) use {
	v, promised, known := a.view(), false, true
	for w, d := range []Direction{v.Forward, v.Reverse} {
		switch rate := d.EnteredRate; {
		case a.promised(w) == 0:
		case rate == nil:
			promised, known = true, false
		case float64(rate.Bits) >= below*float64(a.promised(w)):
			return used
		default:
			promised = true
		}
	}
	switch {
	case !promised:
		return used
	case !known:
		return unknownUse
	}
	return hardlyUsed
}

// watchIdle takes in what counters have shown until a moment. What is not
// known, or not the allocation's fault, has it begin anew: counters that are
// old, a path that is lost or new, less than was promised. It returns what is
// to be reported, and whether the allocation is to be given up.
func (a *account) watchIdle(policy Idleness, at time.Time, stale bool) (news *Idle, over bool) {
	i := &a.idle
	if a.complete {
		*i = idleWatch{}
		return nil, false
	}
	judged := policy.Below > 0 && policy.For > 0 && !stale && a.leaving.IsZero() && a.confirmed() && a.degraded.now() == nil
	if !judged || a.useOf(policy.Below) != hardlyUsed {
		i.since = time.Time{}
	} else if i.since.IsZero() {
		i.since = at
	}
	var now Idle
	if idle := at.Sub(i.since); !i.since.IsZero() && idle >= policy.For/2 {
		now = Idle{Since: i.since, Until: i.since.Add(policy.For), Below: policy.Below}
		over = idle >= policy.For
	}
	if over && i.reported.Since.IsZero() { // the time has become shorter: half of it is left from now on
		i.since = at.Add(-policy.For / 2)
		now.Since, now.Until, over = i.since, i.since.Add(policy.For), false
	}
	if now == i.reported {
		return nil, over
	}
	i.reported = now
	return &now, over
}

// confirmed reports whether the switches have confirmed the path that the
// account has now.
func (a *account) confirmed() bool {
	return len(a.circuits) > 0 && digest(a.circuits[0].Path) == a.way
}

// watchIdle looks which allocations are idle, reports those that have been for
// half of the time that they may be, and those that are no longer, and has
// those given up that have been for all of it: a few at a time, since others
// wait meanwhile and each may be used again.
func (p *Poller) watchIdle(ctx context.Context) {
	if p.cfg.Idleness == nil {
		return
	}
	snap := p.cfg.Source.Snapshot()
	news, over, idle := map[string]Idle{}, map[string]Idle{}, 0
	policies := map[string]Idleness{}
	p.mu.Lock()
	for _, a := range p.ledger.handles {
		policy, known := policies[a.project]
		if !known {
			policy = p.cfg.Idleness(a.project)
			policies[a.project] = policy
		}
		if policy.Below == 0 && a.idle == (idleWatch{}) {
			continue
		}
		at, stale := a.sampled(p.sampledInLocked(snap))
		told, ends := a.watchIdle(policy, at, stale)
		if told != nil {
			news[a.id] = *told
		}
		if ends && len(over) < mostReclaimed {
			over[a.id] = a.idle.reported
		}
		if a.idle.reported != (Idle{}) {
			idle++
		}
	}
	p.idle = idle
	p.mu.Unlock()
	for id, i := range news {
		p.cfg.Idle(id, i)
	}
	for id, i := range over {
		if ctx.Err() != nil {
			return
		}
		p.cfg.Reclaim(id, i)
	}
}

// Idle returns since when an allocation is idle, if that is for half of the
// time that it may be.
func (p *Poller) Idle(id string) Idle {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.ledger.accounts[id]; a != nil {
		return a.idle.reported
	}
	return Idle{}
}

// RegisterIdle registers with r how many allocations are reported as idle, and
// how many have been given up since the start, as reclaimed tells.
func (p *Poller) RegisterIdle(r prometheus.Registerer, reclaimed func() uint64) error {
	return r.Register(idleMetrics{
		p, reclaimed,
		prometheus.NewDesc("conga_allocations_idle", "Allocations that hardly anything uses, for half of the time that their projects allow.", nil, nil),
		prometheus.NewDesc("conga_allocations_reclaimed_total", "Allocations given up because hardly anything used them.", nil, nil),
	})
}

type idleMetrics struct {
	poller          *Poller
	reclaimed       func() uint64
	idle, givenBack *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (m idleMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.idle; ch <- m.givenBack }

// Collect implements [prometheus.Collector].
func (m idleMetrics) Collect(ch chan<- prometheus.Metric) {
	m.poller.mu.Lock()
	idle := m.poller.idle
	m.poller.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(m.idle, prometheus.GaugeValue, float64(idle))
	ch <- prometheus.MustNewConstMetric(m.givenBack, prometheus.CounterValue, float64(m.reclaimed()))
}
