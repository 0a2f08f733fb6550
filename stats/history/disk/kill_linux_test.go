package disk

import (
	"bufio"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"conga/stats/history"
)

// runOf returns what is reported of a subject for the five seconds that end at
// a moment: any time has a value of its own.
func runOf(key string, at int64) history.Input {
	v := float32(at / 5000 % 1_000_000)
	return history.Input{Key: key, Run: history.Run{From: at - 5000, To: at, Values: history.Values{v, v, v, float32(math.NaN())}}}
}

// TestMain runs as the process that is killed if it is told a directory.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CONGA_HISTORY_KILLED"); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes minute after minute as fast as it goes, and says how
// far it has come after each.
func writeUntilKilled(dir string) {
	began, _ := strconv.ParseInt(os.Getenv("CONGA_HISTORY_BEGINS"), 10, 64)
	at := time.UnixMilli(began)
	r := Open(Config{Dir: dir, Tracks: 300, Interval: 5 * time.Second, Now: func() time.Time { return at }})
	for {
		for range 12 {
			at = at.Add(5 * time.Second)
			r.Add([]history.Input{runOf("a", at.UnixMilli()), runOf("b", at.UnixMilli())})
		}
		r.Write()
		_, _ = os.Stdout.WriteString(strconv.FormatInt(at.UnixMilli(), 10) + "\n")
	}
}

// TestKilledAtAnyMoment kills the process while it writes, again and again:
// what is read afterwards is what was reported, or a gap, and of what was
// written down before the last minute nothing is missing.
func TestKilledAtAnyMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	at := int64(1_800_000_000_000)
	for n := range 12 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "CONGA_HISTORY_KILLED="+dir, "CONGA_HISTORY_BEGINS="+strconv.FormatInt(at, 10))
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		first := at
		for range 20 + 7*n {
			if lines.Scan() {
				at, _ = strconv.ParseInt(lines.Text(), 10, 64)
			}
		}
		_ = c.Process.Kill()
		for lines.Scan() { // minutes that were written before it was dead
			at, _ = strconv.ParseInt(lines.Text(), 10, 64)
		}
		if err := c.Wait(); err == nil {
			t.Fatal("it ended by itself")
		}
		now := at + 2*history.Minute // it may have written another one
		r := Open(Config{Dir: dir, Tracks: 300, Interval: 5 * time.Second, Now: func() time.Time { return time.UnixMilli(now) }})
		whole := func(known, step, from int64) bool { return from < first || from+step > at || known == step }
		for _, step := range []int64{history.Second, history.Minute, history.Hour} {
			from := max(first, now-history.KeepRuns) / step * step
			for i, p := range r.Points("a", from, step, int((now-from)/step)) {
				begins := from + int64(i)*step
				low, high := runOf("a", begins+1).Run.Values[0], runOf("a", begins+step+5000).Run.Values[0]
				if p[0].Known > 0 && (p[0].Mean() < float64(low)-1 || p[0].Mean() > float64(high) || p[0].Max > high) || p[3].Known != 0 {
					t.Fatalf("killed for the %d. time, step %d: %+v at %d is not from %g to %g", n+1, step, p[0], begins, low, high)
				}
				if !whole(p[0].Known, step, begins) {
					t.Fatalf("killed for the %d. time, step %d: %d ms are known at %d, of %d to %d", n+1, step, p[0].Known, begins, first, at)
				}
			}
		}
		at = now / history.Minute * history.Minute
	}
}

// TestAFullDisk goes on in memory, says so, and goes on writing when there is
// room again; what it reads is true.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=300k,mode=700"); err != nil {
		t.Skipf("no small disk can be mounted (%v), so that TestADiskThatFails has to do", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	w := begin(t, 300)
	w.dir = filepath.Join(dir, "history")
	w.open()
	value := steps()
	keys := []string{"a", "b", "c", "d", "e", "f"}
	for w.Trouble() == nil {
		w.run(10*time.Minute, value, keys...)
		if w.at.Unix() > 1_800_000_000+20*3600 {
			t.Fatal("the disk is never full")
		}
	}
	if err := w.Trouble(); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	w.run(15*time.Minute, value, keys...)
	w.compare("a", 14*time.Minute, time.Second)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	w.run(20*time.Minute, value, keys...)
	if err := w.Trouble(); err != nil {
		t.Error("with room again:", err)
	}
	for range 2 {
		w.compare("f", 14*time.Minute, time.Second)
		w.lost("f", 3*time.Hour, time.Minute)
		w.lost("f", 20*time.Hour, time.Hour)
		w.Write()
		w.open()
	}
}
