package stats

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
)

// A traffic holds the counters of ports, links and best-effort meters.
type traffic struct {
	poller   *Poller
	reserved func(topology.LinkID) bitrate.Rate

	ports                                       []portMetric
	capacity, reservedRate, utilisation         *prometheus.Desc
	droppedBytes, droppedPackets, entries, when *prometheus.Desc
}

type portMetric struct {
	desc *prometheus.Desc
	of   func(*Port) uint64
}

// RegisterTraffic registers with r the counters of ports, links and best-effort
// meters as of the last samples, and how much is reserved of each link between
// switches, by the port that sends. A switch whose sample is stale is left out,
// so that old numbers are not taken for new ones. Labels are DPID and port
// only.
func RegisterTraffic(r prometheus.Registerer, p *Poller, reserved func(topology.LinkID) bitrate.Rate) error {
	at := []string{"dpid", "port"}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	port := func(name, help string, of func(*Port) uint64) portMetric {
		return portMetric{desc("conga_port_"+name, help, at...), of}
	}
	return r.Register(&traffic{
		poller: p, reserved: reserved,
		ports: []portMetric{
			port("receive_bytes_total", "Bytes that came in.", func(p *Port) uint64 { return p.Received.Bytes }),
			port("receive_packets_total", "Packets that came in.", func(p *Port) uint64 { return p.Received.Packets }),
			port("transmit_bytes_total", "Bytes that went out.", func(p *Port) uint64 { return p.Sent.Bytes }),
			port("transmit_packets_total", "Packets that went out.", func(p *Port) uint64 { return p.Sent.Packets }),
			port("receive_dropped_packets_total", "Packets dropped on their way in.", func(p *Port) uint64 { return p.ReceiveDropped }),
			port("transmit_dropped_packets_total", "Packets dropped on their way out.", func(p *Port) uint64 { return p.SendDropped }),
			port("receive_errors_total", "Packets that came in damaged.", func(p *Port) uint64 { return p.ReceiveErrors }),
			port("transmit_errors_total", "Packets that could not be sent.", func(p *Port) uint64 { return p.SendErrors }),
		},
		capacity:       desc("conga_link_capacity_bytes_per_second", "Bytes per second that a link between switches can carry.", at...),
		reservedRate:   desc("conga_link_reserved_bytes_per_second", "Bytes per second that allocations hold now of a link between switches.", at...),
		utilisation:    desc("conga_link_utilisation_ratio", "What a link between switches carries, of what it can.", at...),
		droppedBytes:   desc("conga_best_effort_dropped_bytes_total", "Bytes of best effort dropped in favour of allocations; begins anew when reservations change.", at...),
		droppedPackets: desc("conga_best_effort_dropped_packets_total", "Packets of best effort dropped in favour of allocations; begins anew when reservations change.", at...),
		entries:        desc("conga_switch_flow_entries", "Flow entries, ours and others'.", "dpid"),
		when:           desc("conga_switch_sample_timestamp_seconds", "When the switch told its counters last.", "dpid"),
	})
}

// Describe implements [prometheus.Collector].
func (t *traffic) Describe(ch chan<- *prometheus.Desc) {
	for _, p := range t.ports {
		ch <- p.desc
	}
	for _, d := range []*prometheus.Desc{t.capacity, t.reservedRate, t.utilisation, t.droppedBytes, t.droppedPackets, t.entries, t.when} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (t *traffic) Collect(ch chan<- prometheus.Metric) {
	s := t.poller.cfg.Source.Snapshot()
	for _, sw := range s.Switches {
		r, ok := t.poller.Switch(sw)
		if !ok {
			continue
		}
		dpid := sw.DPID.String()
		ch <- prometheus.MustNewConstMetric(t.when, prometheus.GaugeValue, float64(r.At.UnixMilli())/1000, dpid)
		if !r.Stale {
			t.collectSwitch(ch, dpid, r.Sample, sw)
		}
	}
	for _, l := range s.Links {
		at := []string{l.ID.From.DPID.String(), strconv.FormatUint(uint64(l.ID.From.Port), 10)}
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, at...)
		}
		gauge(t.capacity, float64(l.Capacity)/8)
		gauge(t.reservedRate, float64(t.reserved(l.ID))/8)
		if load := t.poller.Link(s, l.ID); !load.Stale && load.Rate != nil && l.Capacity > 0 {
			gauge(t.utilisation, float64(load.Rate.Bits)/float64(l.Capacity))
		}
	}
}

// collectSwitch sends the metrics of one switch. It leaves out ports that are
// not in the network, so that a switch cannot make up series.
func (t *traffic) collectSwitch(ch chan<- prometheus.Metric, dpid string, s *Sample, sw topology.Switch) {
	if n, ok := s.Entries(); ok {
		ch <- prometheus.MustNewConstMetric(t.entries, prometheus.GaugeValue, float64(n), dpid)
	}
	counter := func(d *prometheus.Desc, v uint64, port uint32) {
		if v != Unkept {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), dpid, strconv.FormatUint(uint64(port), 10))
		}
	}
	seen := map[uint32]bool{}
	for i := range s.Ports {
		p := &s.Ports[i]
		if _, ok := sw.Ports[p.No]; !ok || seen[uint32(p.No)] {
			continue
		}
		seen[uint32(p.No)] = true
		for _, m := range t.ports {
			counter(m.desc, m.of(p), uint32(p.No))
		}
	}
	metered := map[uint32]bool{}
	for _, m := range s.Meters {
		if m.Kind != purpose.MeterBestEffort || !seen[m.Of] || metered[m.Of] {
			continue
		}
		metered[m.Of] = true
		counter(t.droppedBytes, m.Dropped.Bytes, m.Of)
		counter(t.droppedPackets, m.Dropped.Packets, m.Of)
	}
}
