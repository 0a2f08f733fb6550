package disk

import (
	"testing"
	"time"

	"conga/stats/history"
)

// TestAClockSetByMistake jumps far away and comes back within a day: nothing
// that was known is lost, but for the time that it was wrong.
func TestAClockSetByMistake(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"91 days": 91 * 24 * time.Hour, "90 days": 90 * 24 * time.Hour, "1970": time.Unix(3600, 0).Sub(time.Unix(1_800_000_000, 0)),
	} {
		for _, restart := range []bool{false, true} {
			w := begin(t, 300)
			value := steps()
			w.run(26*time.Hour+11*time.Minute, value, "a", "b")
			w.run(45*time.Second, value, "a", "b")
			w.at = w.at.Add(away)
			if restart {
				w.Write()
				w.open()
			}
			right := w.all
			w.all = map[string]*history.Recent{}
			w.run(20*time.Minute, value, "a", "c")
			w.all = right
			w.at = w.at.Add(-away)
			if restart {
				w.Write()
				w.open()
			}
			w.run(2*time.Hour, value, "a")
			for _, of := range []time.Duration{time.Minute, time.Hour} {
				lost := w.lost("a", 24*time.Hour, of)
				if lost > 25*time.Minute {
					t.Errorf("%s, restart %t: in steps of %v %v are lost", name, restart, of, lost)
				}
			}
			if w.Points("b", w.at.Add(-time.Hour).UnixMilli(), 60_000, 1) == nil {
				t.Errorf("%s, restart %t: what was not seen since is forgotten", name, restart)
			}
		}
	}
}

// TestASilentStripeAfterTheClockIsSetBack has time pass twice, in the second
// pass without anything known: what the first one wrote is not shown for it,
// whether congad was started again in between or not.
func TestASilentStripeAfterTheClockIsSetBack(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := begin(t, 300)
		w.run(5*time.Hour, steps(), "a")
		w.at = w.at.Add(-4 * time.Hour)
		from := w.at.Truncate(time.Hour).Add(time.Hour)
		w.run(10*time.Second, steps(), "a")
		w.Write()
		if restart {
			w.open()
		}
		w.run(6*time.Hour, steps())
		for _, step := range []time.Duration{time.Minute, time.Hour} {
			for i, c := range w.Points("a", from.UnixMilli(), step.Milliseconds(), int(w.at.Sub(from)/step)) {
				if c.Known() {
					t.Fatalf("restart %t, step %v, number %d: %+v is shown, and nothing was known", restart, step, i, c)
				}
			}
		}
	}
}

// lost returns of how much of a window nothing is known of a subject although
// something was reported, and fails where another value is known.
func (w *world) lost(key string, window, step time.Duration) (lost time.Duration) {
	w.t.Helper()
	ms := step.Milliseconds()
	to := w.at.UnixMilli() / ms * ms
	from := to - window.Milliseconds()
	for i, c := range w.Points(key, from, ms, int(window/step)) {
		want := w.all[key].Cells(from+int64(i)*ms, from+int64(i+1)*ms)
		known, of := c[0].Known, want[0].Known
		if known > of+200 || known > of-200 && known > 0 && (c[0].Max != want[0].Max || c[0].Mean() > float64(want[0].Max)) {
			w.t.Errorf("%s, step %v, number %d: %+v; want %+v", key, step, i, c[0], want[0])
		}
		lost += time.Duration(max(0, of-known)) * time.Millisecond
	}
	return lost
}
