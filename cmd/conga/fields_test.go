package main

import (
	"testing"
	"time"

	"conga/httpapi/client"
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

// TestUnits: tables show amounts in the usual notation.
func TestUnits(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m", 5 * time.Minute: "5m", time.Hour + time.Second: "1h0m1s",
		10 * time.Second: "10s", 300 * time.Millisecond: "300ms", 10 * time.Hour: "10h", 100 * time.Minute: "1h40m",
	} {
		if got := short(in); got != want {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
	for in, want := range map[uint64]string{
		0: "0 bit/s", 7: "7 bit/s", 1500: "1.5 kbit/s", 40_000_000: "40 Mbit/s", 2_500_000_000: "2.5 Gbit/s", 1_000_000_000_000: "1 Tbit/s",
	} {
		if got := bits(in); got != want {
			t.Errorf("%d: got %q, want %q", in, got, want)
		}
	}
}

// A path that is reserved ahead is left alone until the last lease of it.
func TestFirstExtension(t *testing.T) {
	for _, c := range []struct{ lease, reserved, want time.Duration }{
		{3 * time.Minute, 3 * time.Minute, time.Minute},
		{3 * time.Minute, 0, time.Minute}, // by a request that has none
		{3 * time.Minute, 2 * time.Hour, 2*time.Hour - 2*time.Minute},
	} {
		if got := firstExtension(c.lease, c.reserved); got != c.want {
			t.Errorf("a lease of %s in %s: after %s, want %s", c.lease, c.reserved, got, c.want)
		}
	}
}

// TestCommandFor: a command says all of what is asked for, with flags that are
// read back as that.
func TestCommandFor(t *testing.T) {
	for want, r := range map[string]client.Request{
		"conga allocate a b --duration 60 --bandwidth 50k --yes": {Duration: 60, Bandwidth: 50_000},
		"conga allocate a b --volume 40T --by 7":                 {Volume: 40e12, Deadline: 7},
		"conga allocate a b --volume 1 --min 50k --max 10G --yes": {
			Volume: 1, MinBandwidth: 50_000, MaxBandwidth: 10_000_000_000},
	} {
		if r.SrcIP, r.DstIP = "a", "b"; commandFor(r) != want {
			t.Errorf("%s, want %s", commandFor(r), want)
		}
	}
}
