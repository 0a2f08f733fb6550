package stats

import (
	"github.com/prometheus/client_golang/prometheus"

	"conga/controller/topology"
	"conga/openflow"
)

// A network holds the gauges of the topology.
type network struct {
	snapshot func() *topology.Snapshot

	connected, known, links, hosts, attachments, revision *prometheus.Desc
	up, limitations                                       *prometheus.Desc // by switch
	withheld                                              *prometheus.Desc
}

// RegisterNetwork registers with r the gauges of the network that snapshot
// returns. All numbers of one scrape are of one snapshot.
func RegisterNetwork(r prometheus.Registerer, snapshot func() *topology.Snapshot) error {
	gauge := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return r.Register(&network{
		snapshot:    snapshot,
		connected:   gauge("conga_switches_connected", "Switches with a session."),
		known:       gauge("conga_switches_known", "Switches with a session or remembered."),
		up:          prometheus.NewDesc("conga_switch_up", "Whether a switch that is known has a session.", []string{"dpid"}, nil),
		limitations: prometheus.NewDesc("conga_switch_limitations", "Things that a switch cannot do of what is asked of it.", []string{"dpid"}, nil),
		withheld:    gauge("conga_switches_withheld", "Switches that another controller is master of, so that nothing is changed there."),
		links:       gauge("conga_links", "Directed links between switches that can carry traffic."),
		hosts:       gauge("conga_hosts", "Hosts that were seen at an edge port."),
		attachments: gauge("conga_attachments", "Prefixes that the configuration places behind edge ports."),
		revision:    gauge("conga_topology_revision", "Revision of the picture of the network; grows with every change."),
	})
}

// Describe implements [prometheus.Collector].
func (n *network) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{n.connected, n.known, n.links, n.hosts, n.attachments, n.revision, n.up, n.limitations, n.withheld} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (n *network) Collect(ch chan<- prometheus.Metric) {
	s := n.snapshot()
	if s == nil {
		return // no snapshot yet is not an empty network
	}
	connected, withheld := 0, 0
	for dpid, sw := range s.Switches {
		up := 0.0
		if sw.Connected {
			connected++
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(n.up, prometheus.GaugeValue, up, dpid.String())
		if sw.Role == openflow.RoleSlave {
			withheld++
		}
		ch <- prometheus.MustNewConstMetric(n.limitations, prometheus.GaugeValue, float64(len(sw.Limitations)), dpid.String())
	}
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	gauge(n.connected, float64(connected))
	gauge(n.withheld, float64(withheld))
	gauge(n.known, float64(len(s.Switches)))
	gauge(n.links, float64(len(s.Links)))
	gauge(n.hosts, float64(s.Hosts.Len()))
	gauge(n.attachments, float64(len(s.Attachments)))
	gauge(n.revision, float64(s.Revision))
}
