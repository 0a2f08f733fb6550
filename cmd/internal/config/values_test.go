package config

import (
	"testing"
	"time"
)

// What is a length of time in one place of the file is one in every other.
func TestIntervals(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5s": 5 * time.Second, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "-5s": -5 * time.Second, "1m30s": 90 * time.Second,
	} {
		if got, err := parseInterval(text); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "often", "1d-1h"} {
		if got, err := parseInterval(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
