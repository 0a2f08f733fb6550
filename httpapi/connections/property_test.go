package connections_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"conga/allocator/store/storetest"
	"conga/controller/path"
	"conga/httpapi/connections"
)

// model is the registry as one would write it without a thought for speed.
type model struct {
	live []connections.Connection // in order of arrival
	ids  map[string]uuid.UUID     // every identity ever seen
}

// identity returns the identity of a report, spelt out.
func identity(project string, r connections.Report) string {
	if r.Protocol == connections.Unsaid {
		r.Protocol = connections.TCP
	}
	r.Source.User, r.Source.Group, r.Source.ProcessName, r.Source.Age = "", "", "", 0
	return fmt.Sprint(project, r.Protocol, r.Source, r.Destination)
}

func (m *model) expire(now int64, keep time.Duration) {
	m.live = slices.DeleteFunc(m.live, func(c connections.Connection) bool {
		return now-c.LastSeen >= int64(keep/time.Second)
	})
}

func (m *model) report(t *rapid.T, now int64, project string, id uuid.UUID, r connections.Report) (fresh bool) {
	name := identity(project, r)
	if was, known := m.ids[name]; known && was != id {
		t.Fatalf("%s was %s and is %s", name, was, id)
	}
	for other, theirs := range m.ids {
		if theirs == id && other != name {
			t.Fatalf("%s and %s are both %s", name, other, id)
		}
	}
	m.ids[name] = id
	i := slices.IndexFunc(m.live, func(c connections.Connection) bool { return c.ID == id })
	if i < 0 {
		m.live = append(m.live, connections.Connection{ID: id, Project: project, Report: r, FirstSeen: now, LastSeen: now})
		return true
	}
	m.live[i].Report, m.live[i].LastSeen = r, now
	return false
}

// Few of everything, so that much comes again.
var anyReport = rapid.Custom(func(t *rapid.T) connections.Report {
	r := one(rapid.IntRange(1, 3).Draw(t, "port"))
	r.Protocol = rapid.SampledFrom([]string{"", "tcp", "udp"}).Draw(t, "protocol")
	r.Source.PID = rapid.Int64Range(connections.None, 1).Draw(t, "pid")
	r.Source.User = rapid.SampledFrom([]string{"", "vcap", "root"}).Draw(t, "user")
	r.Source.Age = rapid.Int64Range(0, 2).Draw(t, "age")
	if rapid.Bool().Draw(t, "back") {
		r.Source.Addr, r.Destination = r.Destination, r.Source.Addr
	}
	return r
})

// Whatever is reported in whatever order, with restarts and sweeps in between:
// the registry is what the model is, each connection keeps its UUID, and no two
// share one.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const keep = time.Minute
		clock, disk := newClock(), storetest.NewMemory()
		cfg := connections.Config{Store: disk, Now: clock.Now, Keep: keep}
		r, err := connections.Open(t.Context(), cfg)
		m := model{ids: map[string]uuid.UUID{}}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch what := rapid.SampledFrom([]string{"report", "report", "wait", "sweep", "restart"}).Draw(t, "what"); what {
			case "report":
				project := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
				reports := rapid.SliceOfN(anyReport, 0, 4).Draw(t, "reports")
				var got connections.Result
				got, err = r.Report(t.Context(), project, reports)
				m.expire(clock.Now().Unix(), keep)
				fresh := 0
				for i := range got.IDs {
					if m.report(t, clock.Now().Unix(), project, got.IDs[i], reports[i]) {
						fresh++
					}
				}
				if len(got.IDs) != len(reports) || got.Fresh != fresh {
					t.Fatalf("%d reports gave %+v; %d are fresh", len(reports), got, fresh)
				}
			case "wait":
				clock.advance(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			case "sweep":
				_, err = r.Sweep(t.Context())
			case "restart":
				m.expire(clock.Now().Unix(), keep)
				r, err = connections.Open(t.Context(), cfg)
				m.restart(t, r, int64(keep/time.Second/4))
			}
			if err != nil {
				t.Fatal(err)
			}
			m.expire(clock.Now().Unix(), keep)
			m.check(t, r)
		}
	})
}

// restart checks what a restart may change, which is age and when something was
// last seen, by a little, and has the model follow.
func (m *model) restart(t *rapid.T, r *connections.Registry, slack int64) {
	list, _ := r.List(connections.Query{}, 0, -1)
	var live []connections.Connection
	for _, c := range list {
		i := slices.IndexFunc(m.live, func(o connections.Connection) bool { return o.ID == c.ID })
		if i < 0 {
			live = append(live, *c) // it had just expired
			continue
		}
		if late := c.LastSeen - m.live[i].LastSeen; late < 0 || late > slack {
			t.Fatalf("after a restart, seen %d s later than it was", late)
		}
		live = append(live, *c)
		m.live = slices.Delete(m.live, i, i+1)
	}
	if len(m.live) > 0 {
		t.Fatalf("lost: %v", m.live)
	}
	m.live = live
}

func (m *model) check(t *rapid.T, r *connections.Registry) {
	list, total := r.List(connections.Query{}, 0, -1)
	got := make([]connections.Connection, len(list))
	counts := map[string]int{}
	for i, c := range list {
		got[i] = *c
		counts[c.Project]++
	}
	if !slices.Equal(m.live, got) || total != len(got) {
		t.Fatalf("%d listed of %d: %s", len(got), total, cmp.Diff(m.live, got, equal))
	}
	hosts := path.FlowKey{Src: path.Host(one(1).Destination.Addr()), Dst: path.Host(one(1).Source.Addr.Addr())}
	for _, project := range []string{"p", "q"} {
		_, listed := r.List(connections.Query{Project: project}, 0, 1)
		wide := path.FlowKey{Src: path.Host(one(1).Destination.Addr()), Dst: path.Host(one(1).Source.Addr.Addr()).Widen(31)}
		counted := r.Count([]connections.Flow{{Project: project, Key: hosts}, {Project: project, Key: wide}})
		if listed != counts[project] || counted[0] != listed || counted[1] != listed {
			t.Fatalf("%s has %d; listed %d, counted %d", project, counts[project], listed, counted)
		}
	}
}
