package stats

import "github.com/prometheus/client_golang/prometheus"

type maintenances struct {
	now   func() map[string]int
	count *prometheus.Desc
}

// RegisterMaintenances registers with r how many maintenances there are, by the
// name of their phase. now is called from several goroutines.
func RegisterMaintenances(r prometheus.Registerer, now func() map[string]int) error {
	return r.Register(&maintenances{
		now:   now,
		count: prometheus.NewDesc("conga_maintenances", "Maintenances of switches and links that are not over.", []string{"state"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (m *maintenances) Describe(ch chan<- *prometheus.Desc) { ch <- m.count }

// Collect implements [prometheus.Collector].
func (m *maintenances) Collect(ch chan<- prometheus.Metric) {
	for state, n := range m.now() {
		ch <- prometheus.MustNewConstMetric(m.count, prometheus.GaugeValue, float64(n), state)
	}
}
