package disk

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/stats/history"
)

// A world is a recorder with a clock of its own, and what it was given.
type world struct {
	t    testing.TB
	dir  string
	at   time.Time
	log  bytes.Buffer
	most int
	*Recorder
	all map[string]*history.Recent
}

func begin(t testing.TB, most int) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "history"), at: time.Unix(1_800_000_000, 0), most: most, all: map[string]*history.Recent{}}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	r := Open(Config{
		Dir: w.dir, Tracks: w.most, Interval: 5 * time.Second, Now: func() time.Time { return w.at },
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	w.Recorder = r
}

// run has subjects polled for a time, each 5 s, and writes down once a minute.
func (w *world) run(d time.Duration, value func(key string) float32, keys ...string) {
	for end := w.at.Add(d); w.at.Before(end); {
		w.at = w.at.Add(5 * time.Second)
		var in []history.Input
		for _, key := range keys {
			v := value(key)
			now := w.at.UnixMilli()
			in = append(in, history.Input{Key: key, Run: history.Run{From: now - 5000, To: now, Values: history.Values{v, 2 * v, 0, float32(math.NaN())}}})
			if w.all[key] == nil {
				w.all[key] = &history.Recent{}
			}
			w.all[key].Add(in[len(in)-1].Run, 1<<20)
		}
		w.Add(in)
		if w.at.Second() == 0 {
			w.Write()
		}
	}
}

// compare holds the history of a subject against all the runs of its time, from
// a moment on.
func (w *world) compare(key string, window, step time.Duration) {
	w.t.Helper()
	ms := step.Milliseconds()
	to := w.at.UnixMilli() + ms - 1
	to -= to % ms
	from := to - window.Milliseconds()
	got := w.Points(key, from, ms, int(window/step))
	if got == nil {
		w.t.Fatalf("nothing is known of %s", key)
	}
	for i, c := range got {
		want := w.all[key].Cells(from+int64(i)*ms, from+int64(i+1)*ms)
		for ch := range c {
			if diff := c[ch].Known - want[ch].Known; diff > 200 || diff < -200 || c[ch].Max != want[ch].Max ||
				math.Abs(c[ch].Mean()-want[ch].Mean()) > 1e-3*want[ch].Mean()+1e-6 {
				w.t.Fatalf("%s, step %v, number %d of %d, channel %d: got mean %g over %d ms, max %g; want %g over %d ms, max %g", key, step, i, len(got),
					ch, c[ch].Mean(), c[ch].Known, c[ch].Max, want[ch].Mean(), want[ch].Known, want[ch].Max)
			}
		}
	}
}

func (w *world) compareAll(key string) {
	w.t.Helper()
	w.compare(key, 15*time.Minute, time.Second)
	w.compare(key, 24*time.Hour, time.Minute)
	w.compare(key, 24*time.Hour, 5*time.Minute)
	w.compare(key, 48*time.Hour, time.Hour)
}

func steps() func(string) float32 {
	n := float32(0)
	return func(string) float32 { n++; return n * 1000 }
}

func TestARestartKeepsTheHistory(t *testing.T) {
	for name, c := range map[string]struct {
		orderly bool
		away    time.Duration
	}{
		"at once": {true, 0}, "two minutes": {true, 2 * time.Minute}, "an hour": {true, time.Hour + 7*time.Minute},
		"30 hours": {true, 30 * time.Hour}, "crash": {false, time.Minute}, "crash for long": {false, 26 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, 300)
			value := steps()
			w.run(3*time.Hour+11*time.Minute, value, "a", "b")
			w.compareAll("a")
			if c.orderly {
				w.run(25*time.Second, value, "a", "b")
				w.Write()
			} else {
				w.run(time.Minute-time.Duration(w.at.Second())*time.Second, value, "a", "b") // all that counts is written
			}
			w.at = w.at.Add(c.away)
			w.open()
			w.compareAll("a")
			w.run(47*time.Minute, value, "a", "c")
			for _, key := range []string{"a", "b", "c"} {
				w.compareAll(key)
			}
			w.open()
			w.compareAll("b")
		})
	}
}

// TestACrashCostsTheLastMinute ends without a last write.
func TestACrashCostsTheLastMinute(t *testing.T) {
	w := begin(t, 300)
	w.run(20*time.Minute-time.Duration(w.at.Second())*time.Second, steps(), "a")
	w.run(40*time.Second, steps(), "a")
	w.all["a"].Forget(w.at.UnixMilli() - 40_000)
	w.open()
	w.compareAll("a")
}

// TestAnyDamageIsAGap writes noise anywhere: what is read is what was, or a
// gap, and the daemon starts.
func TestAnyDamageIsAGap(t *testing.T) {
	w := begin(t, 300)
	w.run(2*time.Hour+3*time.Minute, func(string) float32 { return 7 }, "a", "b")
	w.Write()
	whole := map[string][]byte{}
	files, _ := filepath.Glob(filepath.Join(w.dir, "*"))
	for _, name := range files {
		whole[name], _ = os.ReadFile(name)
	}
	names := []string{"tracks", "recent-0", "recent-1", "stripe-0000"}
	rapid.Check(t, func(t *rapid.T) {
		for name, b := range whole {
			_ = os.WriteFile(name, b, 0o600)
		}
		name := filepath.Join(w.dir, rapid.SampledFrom(names).Draw(t, "file"))
		b := bytes.Clone(whole[name])
		if len(b) == 0 {
			return
		}
		if rapid.Bool().Draw(t, "cut") {
			b = b[:rapid.IntRange(0, len(b)-1).Draw(t, "length")]
		} else {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "noise"))
		}
		_ = os.WriteFile(name, b, 0o600)
		w.open()
		for _, step := range []time.Duration{time.Second, time.Minute, time.Hour} {
			for _, p := range w.Points("a", w.at.Truncate(step).Add(-20*step).UnixMilli(), step.Milliseconds(), 20) {
				if p[0].Known != 0 && (p[0].Mean() != 7 || p[0].Max != 7) || p[3].Known != 0 {
					t.Fatalf("damage of %s reads as %+v", name, p)
				}
			}
		}
	})
}

// TestASlotThatChangesHandsShowsNothingOld fills a small history with subjects
// that come and go.
func TestASlotThatChangesHandsShowsNothingOld(t *testing.T) {
	w := begin(t, 2)
	value := steps()
	w.run(30*time.Minute, value, "a", "b", "left out")
	if w.Points("left out", 0, 1000, 1) != nil || w.Tracks() != 2 {
		t.Error("there are more tracks than there may be")
	}
	if n := strings.Count(w.log.String(), "raise stats.history.tracks"); n != 1 {
		t.Errorf("the log says so %d times: %s", n, w.log.String())
	}
	w.run(2*time.Hour, value, "b")
	w.run(20*time.Minute, value, "b", "c")
	if w.Points("a", 0, 1000, 1) != nil {
		t.Error("a subject that is gone has kept its slot")
	}
	w.compareAll("b")
	w.compareAll("c")
	w.open()
	w.compareAll("c")
}

// TestTheClockIsSet has it go back and forth: no value that never was, none
// twice.
func TestTheClockIsSet(t *testing.T) {
	w := begin(t, 10)
	w.run(2*time.Hour, func(string) float32 { return 3 }, "a")
	for _, step := range []time.Duration{-10 * time.Second, -30 * time.Minute, 5 * time.Hour, -4 * time.Hour} {
		w.at = w.at.Add(step)
		w.run(7*time.Minute, func(string) float32 { return 5 }, "a")
	}
	for _, step := range []time.Duration{time.Minute, time.Hour} {
		for i, p := range w.Points("a", w.at.Truncate(step).Add(-9*step).UnixMilli(), step.Milliseconds(), 10) {
			if c := p[0]; c.Known > step.Milliseconds() || c.Known > 0 && (c.Mean() < 3 || c.Mean() > 5.001 || c.Max > 5) {
				t.Errorf("step %v, number %d: %+v", step, i, c)
			}
		}
	}
	if last := w.Points("a", w.at.Add(-5*time.Second).UnixMilli(), 1000, 5); last[0][0].Mean() != 5 {
		t.Errorf("the last seconds are %+v", last)
	}
}

// TestTheDirectoryIsBounded has a year of weeks pass, each with some minutes of
// traffic of others, and sees the size that was promised.
func TestTheDirectoryIsBounded(t *testing.T) {
	w := begin(t, 200)
	size := func() (n int64) {
		files, _ := filepath.Glob(filepath.Join(w.dir, "*"))
		for _, name := range files {
			if info, err := os.Stat(name); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	for week := range 53 {
		at := w.at
		keys := make([]string, 30)
		for i := range keys {
			keys[i] = fmt.Sprintf("week %d, number %d", week, i)
		}
		w.run(3*time.Minute, steps(), keys...)
		clear(w.all)
		if got, most := size(), w.Size(); got > most {
			t.Fatalf("%d bytes after %d weeks; %d at most", got, week, most)
		}
		w.at = at.Add(7 * 24 * time.Hour)
		if week%9 == 0 {
			w.open()
		}
	}
	t.Logf("%d bytes after a year, %d at most", size(), w.Size())
}

// TestADiskThatFails keeps what is in memory, says so once, and goes on.
func TestADiskThatFails(t *testing.T) {
	w := begin(t, 10)
	w.run(10*time.Minute, steps(), "a")
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
	w.run(3*time.Minute, steps(), "a")
	w.compare("a", 2*time.Minute, time.Second)
	if n := strings.Count(w.log.String(), "cannot be written"); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.run(3*time.Minute, steps(), "a")
	w.compare("a", 2*time.Minute, time.Minute)
	if !strings.Contains(w.log.String(), "can be written again") {
		t.Error("the log does not say that it goes on")
	}
}

func TestFewerTracksThanThereWere(t *testing.T) {
	w := begin(t, 300)
	keys := map[string]bool{}
	for i := range 300 {
		keys[fmt.Sprint(i)] = true
	}
	for key := range maps.Keys(keys) {
		w.run(5*time.Second, steps(), key)
	}
	w.Write()
	w.most = 100
	w.open()
	w.run(2*time.Minute, steps(), "0", "1")
	if n := w.Tracks(); n > 100 {
		t.Errorf("%d tracks; 100 at most", n)
	}
	if names, _ := filepath.Glob(filepath.Join(w.dir, "stripe-*")); len(names) != 1 {
		t.Errorf("stripes that can have no track are left: %v", names)
	}
}
