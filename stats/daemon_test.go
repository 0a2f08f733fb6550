package stats_test

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conga/stats"
)

func TestConfiguration(t *testing.T) {
	r := prometheus.NewRegistry()
	c := stats.Configuration{
		Applied: true, Since: time.UnixMilli(1_900_000_000_500),
		Expiries: map[string]time.Time{"api": time.Unix(2_000_000_000, 0)},
	}
	if err := stats.RegisterConfiguration(r, func() stats.Configuration { return c }); err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, "conga_config_last_reload_successful 1", "conga_config_last_reload_success_timestamp_seconds 1.9000000005e+09",
		`conga_certificate_expiry_timestamp_seconds{listener="api"} 2e+09`)
	c.Applied = false
	wantLines(t, r, "conga_config_last_reload_successful 0")
}

func TestQueues(t *testing.T) {
	r := prometheus.NewRegistry()
	err := stats.RegisterQueues(r, func() map[string]stats.Queue {
		return map[string]stats.Queue{"core": {Length: 3, Capacity: 9}, "store": {Length: 2}}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, r, `conga_queue_length{queue="core"} 3`, `conga_queue_length{queue="store"} 2`, `conga_queue_capacity{queue="core"} 9`)
}

func TestCommits(t *testing.T) {
	r := prometheus.NewRegistry()
	writable := true
	c, err := stats.RegisterCommits(r, func() bool { return writable })
	if err != nil {
		t.Fatal(err)
	}
	c.Observe(3*time.Millisecond, nil)
	c.Observe(2*time.Second, errors.New("the disk is full"))
	wantLines(t, r, "conga_store_commit_duration_seconds_count 2", `conga_store_commit_duration_seconds_bucket{le="0.0025"} 0`,
		`conga_store_commit_duration_seconds_bucket{le="0.005"} 1`, "conga_store_commit_duration_seconds_sum 2.003", "conga_store_commit_failures_total 1")
	wantLines(t, r, "conga_store_writable 1")
	writable = false
	wantLines(t, r, "conga_store_writable 0")
}
