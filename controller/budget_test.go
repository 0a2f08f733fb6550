package controller

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	var b budget
	now := time.Unix(1_800_000_000, 0)
	for i, c := range []struct {
		after time.Duration
		n     int
		want  bool
	}{
		{0, auditBurst - 10, true},
		{0, 11, false},
		{0, 10, true},
		{0, 1, false},
		{time.Second, auditRate, true},
		{0, 1, false},
		{time.Hour, 10 * auditBurst, true}, // more than fits at once, in a full budget
		{0, 1, false},
	} {
		now = now.Add(c.after)
		if got := b.allow(c.n, now); got != c.want {
			t.Errorf("row %d: %v", i, got)
		}
	}
}
