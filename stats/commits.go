package stats

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Commits counts and times the transactions of the store.
type Commits struct {
	took     prometheus.Histogram
	failures prometheus.Counter
}

// RegisterCommits registers with r the transactions that are passed to Observe,
// and whether the store takes any, which writable reports.
func RegisterCommits(r prometheus.Registerer, writable func() bool) (*Commits, error) {
	c := &Commits{
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "conga_store_commit_duration_seconds",
			Help: "Time of a transaction of the store, syncs included; what waits at the same time shares one.",
			// From a disk with a cache that survives a power cut to one that
			// keeps users waiting.
			Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conga_store_commit_failures_total",
			Help: "Transactions of the store that failed.",
		}),
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "conga_store_writable",
		Help: "Whether the store takes changes: 1, or 0 while it refuses all.",
	}, func() float64 {
		if writable() {
			return 1
		}
		return 0
	})
	return c, errors.Join(r.Register(c.took), r.Register(c.failures), r.Register(open))
}

// Observe counts one transaction and its error, if it had one.
func (c *Commits) Observe(took time.Duration, err error) {
	c.took.Observe(took.Seconds())
	if err != nil {
		c.failures.Inc()
	}
}
