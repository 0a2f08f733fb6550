package stats

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Requests counts and times answered HTTP requests.
type Requests struct {
	seconds *prometheus.HistogramVec
}

// RegisterRequests registers with r the requests that are passed to Observe.
func RegisterRequests(r prometheus.Registerer) (*Requests, error) {
	q := &Requests{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "conga_http_request_duration_seconds",
		Help: "Time from the head of a request to the end of its answer.",
		// From a read of memory, over a commit to disk, to more than a client
		// waits for.
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "code"})}
	return q, r.Register(q.seconds)
}

// Observe counts one answered request. route must be a template and method a
// known one, so that there is a bound to how many series there are.
func (q *Requests) Observe(route, method string, code int, took time.Duration) {
	q.seconds.WithLabelValues(route, method, strconv.Itoa(code)).Observe(took.Seconds())
}
