package allocator

import (
	"strings"
	"testing"

	"conga/bitrate"
)

// A rate that is too small is asked back about, where it is asked for and where
// one is changed; what is there already stays, and no rate is no small one.
func TestLeastRate(t *testing.T) {
	w := newWorld(t, 2, bitrate.Gbps)
	w.cable(1, 2, bitrate.Gbps)
	w.open()
	old := w.create(ask(1, 3, 2, 3, 7, 10))
	w.cfg.Least = 100 * bitrate.Kbps
	w.open()
	for rate, meant := range map[bitrate.Rate]string{1: "1M", 40: "40M", 999: "999M", 1000: "1M", 40_000: "40M", 99_999: "100M", 12_345: "12.3M"} {
		_, err := w.a.Create(bg, ask(1, 1, 2, 1, rate, 10))
		refused(t, err, Invalid, "bandwidth")
		if !strings.Contains(err.Error(), "less than the least rate, 100k; was "+meant+" meant?") {
			t.Error(err)
		}
	}
	made := w.create(ask(1, 1, 2, 1, 100*bitrate.Kbps, 10))
	w.create(ask(1, 2, 2, 2, 0, 10))
	_, err := w.a.Update(bg, made.ID, 0, Change{Bandwidth: new(bitrate.Rate(99_999))})
	refused(t, err, Invalid, "bandwidth")
	w.update(made.ID, Change{Bandwidth: new(bitrate.Rate(0))})
	w.update(old.ID, Change{Duration: new(Seconds(9))})
	_, err = w.a.Update(bg, old.ID, 0, Change{Bandwidth: new(bitrate.Rate(6))})
	refused(t, err, Invalid, "bandwidth")
}
