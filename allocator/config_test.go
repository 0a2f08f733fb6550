package allocator

import (
	"testing"
	"time"
)

// TestConfigDefaults: what a configuration leaves out, or has no sense, is as
// the documentation says; the rest stays.
func TestConfigDefaults(t *testing.T) {
	for _, c := range []Config{{}, {History: -1, Occurrences: -1, ScavengerGrace: -1}} {
		c = c.withDefaults()
		if c.Reservable != 0.8 || c.History != DefaultHistory || c.Occurrences != DefaultOccurrences || c.ScavengerGrace != DefaultScavengerGrace {
			t.Errorf("%+v", c)
		}
		if c.Limits("p") != (Limits{}) || c.Log == nil || c.NewID() == "" || time.Since(c.Now()) > time.Hour {
			t.Errorf("%+v", c)
		}
	}
	c := Config{Reservable: 1, History: 1, Occurrences: 1, ScavengerGrace: 1, NewID: func() string { return "x" }, Now: func() time.Time { return time.Unix(7, 0) }}.withDefaults()
	if c.Reservable != 1 || c.History != 1 || c.Occurrences != 1 || c.ScavengerGrace != 1 || c.NewID() != "x" || c.Now() != time.Unix(7, 0) {
		t.Errorf("%+v", c)
	}
}

// TestHistoryIsKeptByDefault: what has ended is kept for as long as the
// documentation says, if the configuration does not.
func TestHistoryIsKeptByDefault(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 1, 2, 1, 1, 1))
	w.work()
	w.pass(1)
	kept := Seconds(DefaultHistory / time.Second)
	for _, x := range []struct {
		later Seconds
		gone  int
	}{{0, 0}, {kept - 1, 0}, {1, 1}} {
		w.now += x.later
		if n, err := w.a.Prune(bg); n != x.gone || err != nil {
			t.Errorf("%d removed, want %d; %v", n, x.gone, err)
		}
	}
}
