package disk

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/stats/history"
)

// TestAnyWindow asks for any window in any steps, before there was anything,
// beyond now, and across restarts: each step has what was reported in it, or,
// where that is kept no longer as fine, less.
func TestAnyWindow(t *testing.T) {
	w := begin(t, 300)
	value := steps()
	began := w.at.UnixMilli()
	for _, d := range []time.Duration{7 * time.Hour, 40 * time.Minute, 9 * time.Hour, 3 * time.Minute} {
		w.run(d+13*time.Second, value, "a")
		w.at = w.at.Add(d / 5)
		w.Write()
		w.open()
		w.run(90*time.Second, value, "a", "b")
	}
	now := w.at.UnixMilli()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]int64{history.Second, history.Minute, history.Hour}).Draw(t, "unit")
		step := unit * int64(rapid.IntRange(1, 59).Draw(t, "units"))
		count := rapid.IntRange(0, 2160).Draw(t, "count")
		from := now - int64(rapid.IntRange(-100, 3000).Draw(t, "steps"))*step
		from -= from % step
		if rapid.IntRange(0, 50).Draw(t, "far") == 0 {
			from = rapid.SampledFrom([]int64{0, -step, -1000 * step, 1 << 50 / step * step}).Draw(t, "moment")
		}
		got := w.Points("a", from, step, count)
		if len(got) != count {
			t.Fatalf("%d steps of %d", len(got), count)
		}
		for i, c := range got {
			begins := from + int64(i)*step
			want := w.all["a"].Cells(begins, begins+step)
			known, of := c[0].Known, want[0].Known
			if known < 0 || known > of+step/100+1 || known > 0 && (c[0].Max > want[0].Max || c[0].Mean() > float64(want[0].Max)*1.0001) {
				t.Fatalf("step %d at %d: %+v; reported was %+v", step, begins, c[0], want[0])
			}
			// Minutes are kept for a day, hours for longer, and the last ones
			// are made of what is in memory.
			kept := step%history.Hour == 0 || step%history.Minute == 0 && begins > now-23*history.Hour || begins > now-10*history.Minute
			if kept && begins >= began && of-known > of/100+1000 {
				t.Fatalf("step %d at %d: %d of %d ms are known", step, begins, known, of)
			}
		}
	})
}
