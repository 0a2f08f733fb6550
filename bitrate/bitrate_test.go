package bitrate

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseBitRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"0": 0, "1500": 1500, "40k": 40 * Kbps, "100M": 100 * Mbps, "2.5G": 2500 * Mbps, "1t": Tbps,
		" 10g ": 10 * Gbps, "0.001k": 1, "18446744073709551615": 1<<64 - 1,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "-1", "+1", "1e3", "inf", "0x10", "1.5.2M", ".5M", "5.M", "1 M G",
		"18446744073709551616", "99999999999T", "1MM", "ten"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %d; want an error", text, got)
		}
	}
}

func TestBitRateTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rate(rapid.Uint64Max(1<<52).Draw(t, "rate"))
		if rapid.Bool().Draw(t, "round") {
			r = r / Mbps * Mbps
		}
		if back, err := Parse(r.String()); err != nil || back != r {
			t.Fatalf("%d prints as %s, which reads as %d, %v", r, r, back, err)
		}
	})
}

func TestMeant(t *testing.T) {
	for small, want := range map[Rate]Rate{
		0: 0, 1: Mbps, 40: 40 * Mbps, 999: 999 * Mbps, 1000: Mbps, 40_000: 40 * Mbps, 99_999: 100 * Mbps,
		12_345: 12_300 * Kbps, 12_350: 12_400 * Kbps, 999_499: 999 * Mbps, 999_500: Gbps,
	} {
		if got := Meant(small); got != want {
			t.Errorf("Meant(%d) = %s, want %s", small, got, want)
		}
	}
}
