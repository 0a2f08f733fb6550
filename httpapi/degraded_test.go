package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/httpapitest"
	"conga/httpapi/webhook"
	"conga/openflow"
	"conga/stats"
)

// An uncounted network has no switches that count.
type uncounted struct{}

func (uncounted) Snapshot() *topology.Snapshot { return &topology.Snapshot{} }

func (uncounted) AskAll(context.Context, openflow.DPID, ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	return nil, nil
}

// deliveries are what webhooks have POSTed.
type deliveries chan string

// RoundTrip implements [http.RoundTripper].
func (d deliveries) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d <- string(text)
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

// That an allocation is degraded, and that it is no longer, is told once it has
// been so for a second, to the streams and webhooks of its project and of the
// operator; what is undone sooner is not.
func TestDegradedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		id := l.create(`,"bandwidth":100000000`)
		l.settle()
		var owner atomic.Pointer[stats.Owner]
		owner.Store(&stats.Owner{Project: "projectB", Started: true})
		publish := httpapi.Degraded(l.harness.events, func(string) string { return owner.Load().Shortfall.Why })
		p, err := stats.New(t.Context(), stats.Config{
			Source: uncounted{}, Owner: func(string) (stats.Owner, bool) { return *owner.Load(), true },
			Degraded: func(id string) {
				one, err := l.alloc.Get(id)
				if err != nil {
					t.Error(err)
				}
				publish(one)
			},
		})
		l.must(err)
		posted := make(deliveries, 100)
		hooks, err := webhook.Open(t.Context(), webhook.Config{Store: l.disk, Hub: l.harness.events, Now: l.clock, Transport: posted, Admit: l.dir.Admit})
		l.must(err)
		for project, types := range map[string][]string{"projectB": {"allocation.degraded"}, "project B": {"allocation.degraded"}} {
			_, err := hooks.Create(t.Context(), webhook.Hook{Project: project, User: "xyz987", URL: "https://example.org/", Events: types}, nil)
			l.must(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{}, 2)
		go func() { _ = p.Run(ctx); done <- struct{}{} }()
		go func() { hooks.Run(ctx); done <- struct{}{} }()
		defer func() { cancel(); <-done; <-done }()
		made, err := l.alloc.Get(id)
		l.must(err)
		p.Install(made.Circuit())
		own, foreign, admin := l.open(t, l.key), l.open(t, l.foreign), l.open(t, l.admin)
		synctest.Wait()
		becomes := func(what string) {
			o := stats.Owner{Project: "projectB", Started: true}
			if what != "" {
				o.Shortfall = stats.Shortfall{Cause: stats.Unenforced, Why: what}
			}
			owner.Store(&o)
			p.Changed(id, o, false)
		}
		becomes("a blink")
		time.Sleep(500 * time.Millisecond)
		becomes("")
		time.Sleep(time.Minute)
		c, err := httpapitest.Load()
		l.must(err)
		for _, what := range []string{"a third is lost", ""} {
			at := time.Now()
			becomes(what)
			parts := []string{`"degraded":false`, `"reason":null`, `"allocation_id":"` + id + `"`, `"state":"active"`}
			if what != "" {
				parts[0], parts[1] = `"degraded":true`, `"reason":"`+what+`"`
			}
			_, data := own.want("allocation.degraded")
			if took := time.Since(at); took < time.Second || took > 2*time.Second+100*time.Millisecond {
				t.Errorf("%q is told after %v", what, took)
			}
			_, all := admin.want("allocation.degraded")
			text := <-posted
			if err := c.ValidText("/components/schemas/Event", text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			for _, part := range parts {
				if !strings.Contains(data, part) || !strings.Contains(all, part) || !strings.Contains(text, part) {
					t.Errorf("no %s in %s, the operator's %s, or the webhook's %s", part, data, all, text)
				}
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if len(posted) > 0 {
			t.Errorf("posted as well: %s", <-posted)
		}
		// What comes next has nothing before it.
		l.want200("DELETE", "/api/allocations/"+id, "")
		own.want("allocation.changed")
		admin.want("allocation.changed")
		other := strings.ReplaceAll(strings.ReplaceAll("{"+good+"}", "1.10", "1.22"), "projectB", "project B")
		l.harness.want(201, "POST", "/api/allocations", other, bearer(l.foreign))
		foreign.want("allocation.changed")
		for _, s := range []*stream{own, foreign, admin} {
			s.conn.Close()
		}
	})
}
