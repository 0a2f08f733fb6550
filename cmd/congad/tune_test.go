package main

import (
	"runtime/debug"
	"testing"
	"testing/synctest"
)

// While many circuits move the heap may grow more, and no more after that.
func TestCollectorWaitsInABurst(t *testing.T) {
	before := debug.SetGCPercent(garbage)
	defer debug.SetGCPercent(before)
	percent := func() int {
		p := debug.SetGCPercent(garbage)
		debug.SetGCPercent(p)
		return p
	}
	t.Setenv("GOGC", "")
	synctest.Test(t, func(t *testing.T) {
		c := newCollector()
		for _, step := range []struct {
			begins bool
			want   int
		}{{true, moreGarbage}, {false, garbage}, {true, moreGarbage}} {
			c.burst(step.begins)
			if synctest.Wait(); percent() != step.want {
				t.Errorf("after burst(%v) the heap may grow by %d %%, want %d", step.begins, percent(), step.want)
			}
		}
		c.burst(true)
		c.burst(false)
		if synctest.Wait(); percent() != garbage {
			t.Errorf("after a short burst the heap may grow by %d %%", percent())
		}
	})
	t.Setenv("GOGC", "70")
	debug.SetGCPercent(70)
	newCollector().burst(true)
	if percent() != 70 {
		t.Error("what the environment sets does not count")
	}
}
