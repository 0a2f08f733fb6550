package stats

import "github.com/prometheus/client_golang/prometheus"

// states are the values of the label state, in the order of an allocation's
// life.
var states = []string{"pending", "active", "complete"}

// allocations are the gauges of the allocator.
type allocations struct {
	byState func() map[string]int
	desc    *prometheus.Desc
}

// RegisterAllocations registers with r how many allocations are pending, active
// and complete. A state that byState leaves out has none; other states are left
// out.
func RegisterAllocations(r prometheus.Registerer, byState func() map[string]int) error {
	return r.Register(&allocations{byState, prometheus.NewDesc(
		"conga_allocations", "Allocations by state.", []string{"state"}, nil)})
}

// Describe implements [prometheus.Collector].
func (a *allocations) Describe(ch chan<- *prometheus.Desc) { ch <- a.desc }

// Collect implements [prometheus.Collector].
func (a *allocations) Collect(ch chan<- prometheus.Metric) {
	counts := a.byState()
	for _, state := range states {
		ch <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, float64(counts[state]), state)
	}
}
