package main

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]int64{
		"1": 1, "3600": 3600, "90s": 90, "30m": 1800, "2h": 7200, "1h30m": 5400, "1d": 86400, "1d12h": 129600, "1000ms": 1,
		"": 0, "0": 0, "-1": 0, "-2h": 0, "0s": 0, "1.5s": 0, "1500ms": 0, "d": 0, "-1d": 0, "1dd": 0, "2": 2, "1x": 0, "99999d": 0,
		"1d-2h": 0, "9223372036854775808": 0,
	} {
		got, err := parseDuration(in)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
		if err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: exit code %d", in, exitCode(err))
		}
	}
}

func TestParseStart(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for in, want := range map[string]int64{
		"now": 1_000_000, "+1h": 1_003_600, "+30": 1_000_030, "1893456000": 1893456000,
		"2030-01-01T00:00:00Z": 1893456000, "2030-01-01T00:00:00+01:00": 1893452400, "2030-01-01T00:00": 1893456000, "2030-01-01 00:00:30": 1893456030,
	} {
		if got, err := parseStart(in, now); err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1h", "+", "+soon", "soon", "0", "2030-13-01T00:00"} {
		if _, err := parseStart(in, now); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", in, err)
		}
	}
}
