package stats_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats"
)

// An empty is a network without switches.
type empty struct{}

func (empty) Snapshot() *topology.Snapshot { return &topology.Snapshot{} }

func (empty) AskAll(context.Context, openflow.DPID, ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	return nil, nil
}

// Each degraded allocation is counted once, by the cause that counts, and no
// more when it is whole, complete or deleted.
func TestDegradedMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := stats.New(t.Context(), stats.Config{Source: empty{}})
		r := prometheus.NewRegistry()
		if err == nil {
			err = p.RegisterDegraded(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		wants := func(path, capacity, enforcement string) {
			t.Helper()
			time.Sleep(time.Second + time.Millisecond) // changes are taken in every second
			synctest.Wait()
			wantLines(t, r, `conga_allocations_degraded{cause="path"} `+path, `conga_allocations_degraded{cause="capacity"} `+capacity,
				`conga_allocations_degraded{cause="enforcement"} `+enforcement, `conga_allocations_degraded{cause="loss"} 0`)
		}
		lacks := func(id string, s stats.Shortfall) {
			p.Changed(id, stats.Owner{Project: "p", Started: true, Shortfall: s}, false)
		}
		for i, id := range []string{"a", "b", "c"} {
			p.Install(path.Circuit{ID: id, Handle: uint32(i + 1), Path: path.Path{{DPID: 1, In: 1, Out: 2}}})
			lacks(id, stats.Shortfall{})
		}
		wants("0", "0", "0")
		lacks("a", stats.Shortfall{Cause: stats.LostPath, Why: "cut"})
		lacks("b", stats.Shortfall{Cause: stats.LostPath, Why: "cut"})
		lacks("c", stats.Shortfall{Cause: stats.Unenforced, Why: "no meters"})
		wants("2", "0", "1")
		lacks("a", stats.Shortfall{Cause: stats.LostPath, Why: "cut elsewhere"})
		lacks("b", stats.Shortfall{Cause: stats.Narrowed, Why: "no room"})
		wants("1", "1", "1")
		lacks("a", stats.Shortfall{})
		wants("0", "1", "1")
		p.Changed("b", stats.Owner{Project: "p", Started: true, Complete: true}, false)
		p.Changed("c", stats.Owner{}, true)
		wants("0", "0", "0")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
