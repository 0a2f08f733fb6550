package stats

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	// believeSlack is by how much counters may lag behind or run ahead.
	believeSlack = 3 * time.Second
	// unknownAge is how long an entry of an earlier run of the daemon may have
	// counted unseen.
	unknownAge = 400 * 24 * time.Hour
	// leastFrame is the size in bytes of the smallest Ethernet frame without
	// checksum.
	leastFrame = 60
)

// doubts counts what switches are not believed.
type doubts struct {
	fastest func(openflow.DPID) bitrate.Rate // speed of a switch's fastest port; nil: as of any port
	total   uint64
	fresh   map[openflow.DPID]bool // that were not believed since the last look
}

// believes reports whether an entry or a meter of a switch can have counted so
// much in a time: no more than its fastest port carries.
func (b *doubts) believes(dpid openflow.DPID, v Volume, elapsed time.Duration) bool {
	fastest := topology.FastestPort
	if b.fastest != nil {
		fastest = b.fastest(dpid)
	}
	most := float64(fastest) * (elapsed + believeSlack).Seconds() // bits
	if float64(v.Bytes)*8 <= most && float64(v.Packets)*8*leastFrame <= most {
		return true
	}
	b.total++
	if b.fresh == nil {
		b.fresh = map[openflow.DPID]bool{}
	}
	b.fresh[dpid] = true
	return false
}

// unseen returns for how long at most an entry or meter of an allocation can
// have counted that was last looked at, if ever, at a moment.
func (a *account) unseen(last, now time.Time) time.Duration {
	switch {
	case !last.IsZero():
		return max(0, now.Sub(last))
	case !a.began.IsZero():
		return max(0, now.Sub(a.began))
	}
	return unknownAge
}

// warn logs which switches were not believed, once each for as long as the
// daemon runs.
func (p *Poller) warn() {
	p.mu.Lock()
	fresh := p.ledger.doubts.fresh
	p.ledger.doubts.fresh = nil
	said := []openflow.DPID{}
	for dpid := range fresh {
		if !p.disbelieved[dpid] {
			p.disbelieved[dpid] = true
			said = append(said, dpid)
		}
	}
	p.mu.Unlock()
	for _, dpid := range said {
		p.cfg.Log.Warn("switch counts more than its ports carry; that is not added up", "dpid", dpid)
	}
}

// beganLocked notes when an account was opened. What is there soon after the
// daemon has started may be of an earlier run.
func (p *Poller) beganLocked(id string, now time.Time) {
	if a := p.ledger.accounts[id]; a.began.IsZero() && a.fresh && now.Sub(p.started) > time.Minute {
		a.began = now
	}
}

// fastest returns the speed of the fastest port of a switch, as far as it is
// known.
func (p *Poller) fastest(dpid openflow.DPID) bitrate.Rate {
	if f := p.cfg.Source.Snapshot().Switches[dpid].Fastest; f != 0 {
		return f
	}
	return topology.FastestPort
}

// Register registers with r how often counters were not believed.
func (p *Poller) Register(r prometheus.Registerer) error {
	return r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "conga_stats_disbelieved_total",
		Help: "Counters of switches that showed more than their ports carry.",
	}, func() float64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		return float64(p.ledger.doubts.total)
	}))
}
