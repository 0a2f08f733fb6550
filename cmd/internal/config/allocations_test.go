package config

import (
	"strings"
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		text, printed, problem string
		want                   time.Duration
	}{
		{"90d", "90d", "", 90 * day},
		{"12h", "12h", "", 12 * time.Hour},
		{"1d12h", "1d12h", "", 36 * time.Hour},
		{"24h", "1d", "", day},
		{"90m30s", "1h30m30s", "", 90*time.Minute + 30*time.Second},
		{"1d90m", "1d1h30m", "", day + 90*time.Minute},
		{"0", "0s", "", 0},
		{"0d", "0s", "", 0},
		{"90", "", "not a time span", 0},
		{"-1d", "", "not a time span", 0},
		{"1d-1h", "", "not a time span", 0},
		{"1d2d", "", "not a time span", 0},
		{"d", "", "not a time span", 0},
		{"-2h", "", "is not between", 0},
		{"59m", "", "is not between 1h and 3650d", 0},
		{"3651d", "", "is not between", 0},
		{"70000d", "", "not a time span", 0},
	} {
		c, err := read("f", []byte("allocations: {history: "+tc.text+"}"), Overrides{}, Overrides{})
		switch {
		case tc.problem != "":
			if err == nil || !strings.Contains(err.Error(), tc.problem) || !strings.Contains(err.Error(), "history") && tc.problem == "is not between" {
				t.Errorf("%s: error %v, want %q", tc.text, err, tc.problem)
			}
		case err != nil:
			t.Errorf("%s: %v", tc.text, err)
		case time.Duration(c.Allocations.History) != tc.want || c.Allocations.History.String() != tc.printed:
			t.Errorf("%s is %v, printed %s", tc.text, time.Duration(c.Allocations.History), c.Allocations.History)
		}
	}
	if c := Default(); time.Duration(c.Allocations.History) != 90*day {
		t.Errorf("the default is %s", c.Allocations.History)
	}
}
