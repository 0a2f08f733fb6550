package stats

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Configuration is what became of the daemon's configuration, and how long
// what it names is good for.
type Configuration struct {
	Applied bool      // when it was read last
	Since   time.Time // when it was last read and applied; the start counts

	Expiries map[string]time.Time // of the certificates that are shown, by listener
}

type configuration struct {
	now                     func() Configuration
	applied, since, expires *prometheus.Desc
}

// RegisterConfiguration registers with r what became of the configuration. now
// is called from several goroutines.
func RegisterConfiguration(r prometheus.Registerer, now func() Configuration) error {
	return r.Register(&configuration{
		now: now,
		applied: prometheus.NewDesc("conga_config_last_reload_successful",
			"Whether the configuration was applied when it was read last; else an older one is in force.", nil, nil),
		since: prometheus.NewDesc("conga_config_last_reload_success_timestamp_seconds",
			"When a configuration was last read and applied, at the start or at SIGHUP.", nil, nil),
		expires: prometheus.NewDesc("conga_certificate_expiry_timestamp_seconds",
			"When the certificate that is shown expires, by the listener that shows it.", []string{"listener"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (c *configuration) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.applied
	ch <- c.since
	ch <- c.expires
}

// Collect implements [prometheus.Collector].
func (c *configuration) Collect(ch chan<- prometheus.Metric) {
	v := c.now()
	applied := 0.0
	if v.Applied {
		applied = 1
	}
	ch <- prometheus.MustNewConstMetric(c.applied, prometheus.GaugeValue, applied)
	ch <- prometheus.MustNewConstMetric(c.since, prometheus.GaugeValue, seconds(v.Since))
	for listener, at := range v.Expiries {
		ch <- prometheus.MustNewConstMetric(c.expires, prometheus.GaugeValue, seconds(at), listener)
	}
}

// seconds returns a time in seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
