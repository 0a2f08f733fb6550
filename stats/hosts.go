package stats

import "github.com/prometheus/client_golang/prometheus"

// Hosts is what has become of what hosts claim.
type Hosts struct {
	Claims    map[string]uint64 // to be a host, or to have an address, that is known elsewhere; by outcome
	Unlearned map[string]uint64 // hosts and addresses that found no room, by the bound
	Displaced uint64            // hosts that made room for those of a port with fewer
	Storming  int               // ports whose hosts announce addresses without end
	Crowded   int               // ports with more hosts than may be learned
}

type hosts struct {
	now               func() Hosts
	claims, unlearned *prometheus.Desc
	displaced         *prometheus.Desc
	storming, crowded *prometheus.Desc
}

// RegisterHosts registers with r what hosts claim. now is called from several
// goroutines.
func RegisterHosts(r prometheus.Registerer, now func() Hosts) error {
	return r.Register(&hosts{
		now: now,
		claims: prometheus.NewDesc("conga_host_claims_total",
			"Claims to be a host, or to have an address, that is known elsewhere, by what became of them.", []string{"outcome"}, nil),
		unlearned: prometheus.NewDesc("conga_hosts_unlearned_total",
			"Sightings of hosts and addresses for which there was no room, by the bound.", []string{"bound"}, nil),
		displaced: prometheus.NewDesc("conga_hosts_displaced_total",
			"Hosts that are known no longer, since ports with fewer that came late needed the room.", nil, nil),
		storming: prometheus.NewDesc("conga_ports_storming",
			"Ports whose hosts announce addresses without end.", nil, nil),
		crowded: prometheus.NewDesc("conga_ports_crowded",
			"Ports with more hosts than may be learned.", nil, nil),
	})
}

// Describe implements [prometheus.Collector].
func (h *hosts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{h.claims, h.unlearned, h.displaced, h.storming, h.crowded} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (h *hosts) Collect(ch chan<- prometheus.Metric) {
	v := h.now()
	for outcome, n := range v.Claims {
		ch <- prometheus.MustNewConstMetric(h.claims, prometheus.CounterValue, float64(n), outcome)
	}
	for bound, n := range v.Unlearned {
		ch <- prometheus.MustNewConstMetric(h.unlearned, prometheus.CounterValue, float64(n), bound)
	}
	ch <- prometheus.MustNewConstMetric(h.displaced, prometheus.CounterValue, float64(v.Displaced))
	ch <- prometheus.MustNewConstMetric(h.storming, prometheus.GaugeValue, float64(v.Storming))
	ch <- prometheus.MustNewConstMetric(h.crowded, prometheus.GaugeValue, float64(v.Crowded))
}
