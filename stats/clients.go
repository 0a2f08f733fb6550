package stats

import "github.com/prometheus/client_golang/prometheus"

// A Clients is what the clients of the API use of the daemon.
type Clients struct {
	Connections int               // open now
	Refused     map[string]uint64 // connections closed because there were too many, by the limit
	BodyBytes   int64             // held of requests' bodies now
}

type clients struct {
	now                        func() Clients
	connections, refused, body *prometheus.Desc
}

// RegisterClients registers with r what clients use. now is called from several
// goroutines.
func RegisterClients(r prometheus.Registerer, now func() Clients) error {
	return r.Register(&clients{
		now: now,
		connections: prometheus.NewDesc("conga_http_connections",
			"Connections of API clients that are open.", nil, nil),
		refused: prometheus.NewDesc("conga_http_connections_refused_total",
			"Connections of API clients that were closed at once, by the limit that they were over.", []string{"limit"}, nil),
		body: prometheus.NewDesc("conga_http_body_bytes",
			"Memory that bodies of requests hold.", nil, nil),
	})
}

// Describe implements [prometheus.Collector].
func (c *clients) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.connections
	ch <- c.refused
	ch <- c.body
}

// Collect implements [prometheus.Collector].
func (c *clients) Collect(ch chan<- prometheus.Metric) {
	v := c.now()
	ch <- prometheus.MustNewConstMetric(c.connections, prometheus.GaugeValue, float64(v.Connections))
	ch <- prometheus.MustNewConstMetric(c.body, prometheus.GaugeValue, float64(v.BodyBytes))
	for limit, n := range v.Refused {
		ch <- prometheus.MustNewConstMetric(c.refused, prometheus.CounterValue, float64(n), limit)
	}
}
