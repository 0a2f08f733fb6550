package stats

import "github.com/prometheus/client_golang/prometheus"

// A Queue is how much waits in a queue of the daemon.
type Queue struct {
	Length   int
	Capacity int // at which it is full; 0: no bound
}

type queues struct {
	now              func() map[string]Queue
	length, capacity *prometheus.Desc
}

// RegisterQueues registers with r the queues that now returns by their names.
// now is called from several goroutines.
func RegisterQueues(r prometheus.Registerer, now func() map[string]Queue) error {
	return r.Register(&queues{
		now: now,
		length: prometheus.NewDesc("conga_queue_length",
			"What waits in a queue of the daemon.", []string{"queue"}, nil),
		capacity: prometheus.NewDesc("conga_queue_capacity",
			"How much may wait in a queue that has a bound.", []string{"queue"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (q *queues) Describe(ch chan<- *prometheus.Desc) {
	ch <- q.length
	ch <- q.capacity
}

// Collect implements [prometheus.Collector].
func (q *queues) Collect(ch chan<- prometheus.Metric) {
	for name, v := range q.now() {
		ch <- prometheus.MustNewConstMetric(q.length, prometheus.GaugeValue, float64(v.Length), name)
		if v.Capacity > 0 {
			ch <- prometheus.MustNewConstMetric(q.capacity, prometheus.GaugeValue, float64(v.Capacity), name)
		}
	}
}
