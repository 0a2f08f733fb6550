package main

import (
	"strings"
	"testing"
	"time"
)

// at is a Tuesday at noon.
var at = time.Date(2026, 3, 24, 12, 0, 0, 0, time.UTC)

func TestParseMoment(t *testing.T) {
	for in, want := range map[string]int64{"now": 0, "+1h": 3600, "+30": 30, "+1d12h": 36 * 3600} {
		if m, err := parseMoment("start", in, at); err != nil || m.at != 0 || m.in == nil || *m.in != want {
			t.Errorf("%q: got %+v, %v; want %d from now", in, m, err, want)
		}
	}
	for in, want := range map[string]string{
		"1893456000":                   "2030-01-01T00:00:00Z",
		"2030-01-01T00:00:00Z":         "2030-01-01T00:00:00Z",
		"2030-01-01T00:00:00+01:00":    "2029-12-31T23:00:00Z",
		"2030-01-01T00:00+01:00":       "2029-12-31T23:00:00Z",
		"2030-01-01T00:00":             "2030-01-01T00:00:00Z",
		"2030-01-01 00:00:30":          "2030-01-01T00:00:30Z",
		"2030-01-01 00:00 UTC":         "2030-01-01T00:00:00Z",
		"2030-01-01":                   "2030-01-01T00:00:00Z",
		"2030-07-01 00:00 Europe/Rome": "2030-06-30T22:00:00Z",
		"2030-07-01 Europe/Rome":       "2030-06-30T22:00:00Z",
		"12:00":                        "2026-03-25T12:00:00Z",
		"12:01":                        "2026-03-24T12:01:00Z",
		"12:00:01":                     "2026-03-24T12:00:01Z",
		"12:30 Europe/Rome":            "2026-03-25T11:30:00Z",
		"Fri 06:00":                    "2026-03-27T06:00:00Z",
		"friday 06:00":                 "2026-03-27T06:00:00Z",
		"Fri 06:00 America/New_York":   "2026-03-27T10:00:00Z",
		"Fri":                          "2026-03-27T00:00:00Z",
		"tue 06:00":                    "2026-03-31T06:00:00Z",
		"Tue 12:01":                    "2026-03-24T12:01:00Z",
		"today 06:00":                  "2026-03-24T06:00:00Z",
		"tomorrow 06:00":               "2026-03-25T06:00:00Z",
		"tomorrow":                     "2026-03-25T00:00:00Z",
	} {
		m, err := parseMoment("start", in, at)
		if got := time.Unix(m.at, 0).UTC().Format(time.RFC3339); err != nil || m.in != nil || got != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"": "write now", "-1h": "write now", "+": "duration", "+soon": "duration", "soon": "write now", "0": "write now", "2030-13-01T00:00": "write now",
		"Fri 25:00": "write now", "Fr 06:00": "write now", "06:00 06:00": "write now", "2030-01-01 00:00 Europe/Nowhere": `no time zone "Europe/Nowhere"`,
	} {
		if _, err := parseMoment("by", in, at); exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

// Where the clocks are set, a time exists twice or not at all.
func TestParseMomentAtClockChange(t *testing.T) {
	for in, want := range map[string]string{
		"2026-03-29 01:59:59 Europe/Rome": "2026-03-29T00:59:59Z",
		"2026-03-29 03:00 Europe/Rome":    "2026-03-29T01:00:00Z",
		"2026-10-25 01:59:59 Europe/Rome": "2026-10-24T23:59:59Z",
		"2026-10-25 03:00 Europe/Rome":    "2026-10-25T02:00:00Z",
	} {
		m, err := parseMoment("by", in, at)
		if got := time.Unix(m.at, 0).UTC().Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"2026-03-29 02:30 Europe/Rome":         "the clocks in Europe/Rome never show that, as they are set forward then; write 2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00",
		"Sun 02:00 Europe/Rome":                "never show that",
		"2026-10-25 02:00 Europe/Rome":         "the clocks in Europe/Rome show that twice, as they are set back; write 2026-10-25T02:00:00+02:00 or 2026-10-25T02:00:00+01:00",
		"2026-10-25 02:59 Europe/Rome":         "twice",
		"2026-04-05 01:30 Australia/Lord_Howe": "write 2026-04-05T01:30:00+11:00 or 2026-04-05T01:30:00+10:30",
	} {
		if _, err := parseMoment("by", in, at); exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}
