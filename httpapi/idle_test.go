package httpapi_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi"
	"conga/httpapi/httpapitest"
	"conga/stats"
)

// An idling has an allocation that is idle.
type idling struct {
	cannedStats
	since *stats.Idle
}

func (i idling) Idle(string) stats.Idle { return *i.since }

// TestIdleIsShown: that an allocation is idle is in its reason while it is
// active, with another entity tag, and its project says when that is so.
func TestIdleIsShown(t *testing.T) {
	var idle stats.Idle
	h := newHarness(t, func(c *httpapi.Config) {
		c.Statistics = idling{cannedStats{time.Unix(1429206570, 0)}, &idle}
		c.Projects = func() []httpapi.Project {
			return []httpapi.Project{{ID: "projectB", Idleness: stats.Idleness{Below: .05, For: 30 * time.Minute}}, {ID: "project B"}}
		}
	})
	one := "/api/v1/allocations/" + h.create(`,"bandwidth":1000000`)
	h.settle()
	before := h.want(200, "GET", one, "", bearer(h.key))
	idle = stats.Idle{Since: time.Unix(1429206000, 0), Until: time.Unix(1429207800, 0), Below: .05}
	a := h.want(200, "GET", one, "", bearer(h.key))
	if got, want := a.Results[0]["reason"], "idle since 2015-04-16T17:40:00Z: it is released at 2015-04-16T18:10:00Z unless more than 5 % of its rate is used"; got != want {
		t.Errorf("reason %v, want %s", got, want)
	}
	if a.header.Get("ETag") == before.header.Get("ETag") {
		t.Error("the entity tag is as before")
	}
	for project, want := range map[string]string{"projectB": `"idle_reclaim":{"below":0.05,"for":1800}`, "project%20B": `"idle_reclaim":null`} {
		if a := h.want(200, "GET", "/api/v1/projects/"+project, "", bearer(h.admin)); !strings.Contains(a.body, want) {
			t.Errorf("%s: %s, want %s", project, a.body, want)
		}
	}
	if got := httpapi.IdleReason(idle); got != "released: idle since 2015-04-16T17:40:00Z, with less than 5 % of its rate" {
		t.Error(got)
	}
}

// TestIdleEvents: that an allocation is idle, and that it is used again, is an
// event of its project.
func TestIdleEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t)
		defer l.stop()
		id := l.create(`,"bandwidth":100000000`)
		l.settle()
		made, err := l.alloc.Get(id)
		l.must(err)
		publish := httpapi.Idle(l.harness.events, nil)
		own := l.open(t, l.key)
		synctest.Wait()
		c, err := httpapitest.Load()
		l.must(err)
		for _, x := range []struct {
			idle stats.Idle
			want []string
		}{
			{stats.Idle{Since: time.Unix(1429206000, 0), Until: time.Unix(1429207800, 0), Below: .05}, []string{`"idle":{"since":1429206000,"until":1429207800,"below":0.05}`, `"reason":"idle since 2015-04-16T17:40:00Z`}},
			{stats.Idle{}, []string{`"idle":null`, `"reason":null`}},
		} {
			publish(made, x.idle)
			_, data := own.want("allocation.idle")
			if err := c.ValidText("/components/schemas/Event", data); err != nil {
				t.Errorf("%s: %v", data, err)
			}
			for _, part := range append(x.want, `"allocation_id":"`+id+`"`) {
				if !strings.Contains(data, part) {
					t.Errorf("no %s in %s", part, data)
				}
			}
		}
	})
}
