//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"conga/httpapi/client"
)

// other asks for the capacity that a run below has, later than that.
func (r *runner) other(duration, start int64) client.Allocation {
	r.t.Helper()
	al, err := r.c.Allocate(r.t.Context(), client.Request{
		ProjectID: "projectB", SrcIP: "192.127.1.10", DstIP: "192.127.1.12", Duration: duration, Bandwidth: 500_000_000, StartTime: start,
	})
	if err == nil {
		al, err = r.c.Show(r.t.Context(), al.ID)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return al
}

// only returns the one allocation of what is not complete.
func (r *runner) only() client.Allocation {
	r.t.Helper()
	live := r.live()
	if len(live) != 1 {
		r.t.Fatalf("allocations %+v", live)
	}
	return live[0]
}

const wide = "500M"

// TestRunReservesAhead: a run without a duration has its path for as long as
// the project reserves, whatever is asked for later. If it is killed the path
// ends with the lease, also after renewals, and what waits moves forward.
func TestRunReservesAhead(t *testing.T) {
	r := newRunner(t)
	r.s.ahead.Store(24 * 3600)
	const lease = 3 * time.Second
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", lease.String(), "--bandwidth", wide, "--", "sh", "-c", sleeper)
	p.child()
	mine := r.only()
	if mine.State != client.Active || *mine.Duration != 24*3600 || mine.ActiveLease == nil || *mine.ActiveLease != 3 {
		t.Fatalf("it has %+v", mine)
	}
	later := r.other(60, 0)
	if *later.StartTime < *mine.EndTime {
		t.Errorf("a later request is planned for %d, the run has the path until %d", *later.StartTime, *mine.EndTime)
	}
	r.until("the first lease has passed", func() bool { return time.Now().Unix() > *mine.StartTime+3 })
	if got, err := r.c.Show(t.Context(), mine.ID); err != nil || got.State != client.Active || *got.EndTime != *mine.EndTime {
		t.Errorf("while it runs it is %+v, %v", got, err)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	r.until("what waited is active", func() bool { live := r.live(); return len(live) == 1 && live[0].State == client.Active })
	if took := time.Since(killed); took > lease+2*time.Second { // seconds are whole, and the network takes its time
		t.Errorf("it stayed for %v", took)
	}
}

// TestRunOfProjectThatIsNotConfigured: a project of which only the HTTP
// directory knows has the default.
func TestRunOfProjectThatIsNotConfigured(t *testing.T) {
	r := newRunner(t)
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if strings.Contains(q.URL.Path, "/projects/") {
			q.URL.Path += "x"
		}
		api.ServeHTTP(w, q)
	})
	r.start("192.127.1.10", "192.127.1.11", "--", "sh", "-c", sleeper).child()
	if mine := r.only(); *mine.Duration != 24*3600 || mine.ActiveLease == nil || *mine.ActiveLease != 300 {
		t.Errorf("it has %+v", mine)
	}
}

// TestRunBesideEarlierRequests: what was promised before neither keeps a run
// from its start, nor is it touched: the run has what is left before it.
func TestRunBesideEarlierRequests(t *testing.T) {
	for name, start := range map[string]int64{"as early as it fits": 0, "now": 1} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t)
			r.s.ahead.Store(24 * 3600)
			booked := time.Now().Unix() + 5000
			r.other(3600, booked)
			args := []string{"192.127.1.10", "192.127.1.11", "--lease", "60s", "--bandwidth", wide, "--timeout", "20s"}
			if start != 0 {
				args = append(args, "--start", "now")
			}
			p := r.start(append(args, "--", "sh", "-c", sleeper)...)
			p.child()
			r.until("it has what is left", func() bool {
				for _, al := range r.live() {
					if al.DstIP == "192.127.1.11" {
						return *al.EndTime <= booked && *al.EndTime > booked-120
					}
				}
				return false
			})
			if s := p.stderr.String(); strings.Contains(s, "cannot be extended") {
				t.Errorf("it says %s", s)
			}
		})
	}
}

// TestRunBehindOthers: where less would not start sooner, a run that waits
// reserves all of it.
func TestRunBehindOthers(t *testing.T) {
	r := newRunner(t)
	r.s.ahead.Store(24 * 3600)
	first := r.other(3600, 0)
	r.start("192.127.1.10", "192.127.1.11", "--lease", "60s", "--bandwidth", wide, "--", "sh", "-c", sleeper)
	r.until("it waits for all", func() bool {
		for _, al := range r.live() {
			if al.ID != first.ID && al.EndTime != nil {
				return *al.Duration == 24*3600 && *al.StartTime >= *first.EndTime
			}
		}
		return false
	})
}

// TestRunWithDuration: a run that says how long it takes has a lease, too.
func TestRunWithDuration(t *testing.T) {
	r := newRunner(t)
	r.s.ahead.Store(24 * 3600)
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", "3s", "--duration", "8h", "--", "sh", "-c", sleeper)
	p.child()
	if mine := r.only(); *mine.Duration != 8*3600 || mine.ActiveLease == nil {
		t.Errorf("it has %+v", mine)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.until("it is released", func() bool { return len(r.live()) == 0 })
}

// TestRunWhoseServerKnowsNoActiveLease asks again without one, and then
// reserves nothing ahead that was not asked for: if it were killed, it would
// leave it behind.
func TestRunWhoseServerKnowsNoActiveLease(t *testing.T) {
	r := newRunner(t)
	r.s.ahead.Store(24 * 3600)
	r.s.intercept(func(w http.ResponseWriter, q *http.Request, api http.Handler) {
		if asksForPath(q) {
			text, err := io.ReadAll(q.Body)
			if err != nil {
				t.Error(err)
			}
			members := map[string]any{}
			if err := json.Unmarshal(text, &members); err != nil {
				t.Error(err)
			}
			if members["active_lease"] != nil {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(w, `{"status":422,"results":[],"errors":["active_lease: is not a field of this request"]}`)
				return
			}
			q.Body = io.NopCloser(strings.NewReader(string(text)))
		}
		api.ServeHTTP(w, q)
	})
	p := r.start("192.127.1.10", "192.127.1.11", "--duration", "8h", "--", "sh", "-c", "exit 4")
	if code := p.code(); code != 4 {
		t.Errorf("exit code %d", code)
	}
	r.start("192.127.1.10", "192.127.1.11", "--lease", "60s", "--", "sh", "-c", sleeper).child()
	if mine := r.only(); *mine.Duration != 60 || mine.ActiveLease != nil {
		t.Errorf("it has %+v", mine)
	}
}

// TestRunWithVolume: a run with a volume waits for the start that is planned
// however short it is to wait, has its path by a lease, and goes on when the
// volume has had its time.
func TestRunWithVolume(t *testing.T) {
	r := newRunner(t)
	other := r.other(3600, 0)
	p := r.start("192.127.1.10", "192.127.1.11", "--lease", "3s", "--timeout", "1ms", "--volume", "186M", "--min", wide, "--by", "+4h",
		"--", "sh", "-c", "sleep 6; exit 5")
	r.until("it is planned", func() bool { return strings.Contains(p.stderr.String(), "is pending") })
	id := ""
	for _, al := range r.live() {
		if al.ID == other.ID {
			continue
		}
		if id = al.ID; al.ActiveLease == nil || *al.StartTime < *other.EndTime || *al.Volume != 186_000_000 {
			t.Errorf("it has %+v", al)
		}
	}
	if err := r.c.Release(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	if said := p.stderr.String(); !strings.Contains(said, "the path has ended; the command goes on without priority") {
		t.Errorf("it said %q", said)
	}
	if left := r.live(); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	if al, err := r.c.Show(t.Context(), id); err != nil || al.State != client.Complete {
		t.Errorf("what it had is not kept: %+v, %v", al, err)
	}
}
