package disk

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// files returns the contents of the history's files.
func (w *world) files() map[string]string {
	out := map[string]string{}
	names, _ := filepath.Glob(filepath.Join(w.dir, "*"))
	for _, name := range names {
		b, _ := os.ReadFile(name)
		out[filepath.Base(name)] = string(b)
	}
	return out
}

// TestAListThatIsNotGiven: where the system does not give the list, nothing on
// the disk is touched, seconds come out of memory, and all is there again once
// the list is.
func TestAListThatIsNotGiven(t *testing.T) {
	w := begin(t, 300)
	value := steps()
	w.run(2*time.Hour, value, "a", "b")
	w.Write()
	list, aside := filepath.Join(w.dir, "tracks"), filepath.Join(t.TempDir(), "aside")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Rename(list, aside))
	must(os.Mkdir(list, 0o700)) // reading it fails, for root as well
	before := w.files()
	kept := w.all["a"]
	w.open()
	if err := w.Trouble(); err == nil || !strings.Contains(err.Error(), "in memory only") || !strings.Contains(w.log.String(), "start congad again") {
		t.Fatalf("%v; %s", err, w.log.String())
	}
	delete(w.all, "a")
	w.run(10*time.Minute, value, "a", "c")
	w.compare("a", 10*time.Minute, time.Second)
	if after := w.files(); !maps.Equal(before, after) {
		t.Error("what is on the disk has changed")
	}
	must(os.Remove(list))
	must(os.Rename(aside, list))
	w.all["a"] = kept
	w.open()
	if err := w.Trouble(); err != nil {
		t.Fatal(err)
	}
	w.compareAll("a")
	w.compareAll("b")
}

// TestTroublesAreToldOneByOne: with journals and stripes that cannot be written
// there are two sentences, of a line each, however many stripes there are.
func TestTroublesAreToldOneByOne(t *testing.T) {
	w := begin(t, 300)
	keys := make([]string, w.most)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	w.run(2*time.Minute, steps(), keys...)
	for _, name := range []string{"recent-0", "recent-1", "stripe-0000", "stripe-0001", "stripe-0002"} {
		name = filepath.Join(w.dir, name)
		if err := errors.Join(os.RemoveAll(name), os.Mkdir(name, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	w.run(2*time.Minute, steps(), keys...)
	told := w.Troubles()
	if len(told) != 2 || !strings.Contains(told[0].Error(), "recent-") || !strings.Contains(told[1].Error(), "stripe-0000") {
		t.Errorf("%d are told: %q", len(told), told)
	}
	for _, one := range told {
		if strings.Contains(one.Error(), "\n") || !strings.Contains(one.Error(), "will be a gap") {
			t.Errorf("no sentence: %q", one)
		}
	}
}

// TestNoDirectory: whatever is in the place of the directory or of a file in
// it, the recorder opens and keeps the last seconds.
func TestNoDirectory(t *testing.T) {
	huge := func(name string) error { // a sparse file that no memory holds
		return errors.Join(os.WriteFile(name, []byte("conga"), 0o600), os.Truncate(name, 1<<46))
	}
	garbage := func(name string) error {
		return os.WriteFile(name, []byte(strings.Repeat("\x00\xff\n7 ", 1000)), 0o600)
	}
	directory := func(name string) error { return os.MkdirAll(filepath.Join(name, "full"), 0o700) }
	loop := func(name string) error { return os.Symlink(name, name) }
	for what, put := range map[string]func(string) error{"huge": huge, "garbage": garbage, "a directory": directory, "a loop": loop} {
		for _, name := range []string{"", "tracks", "tracks.new", "recent-0", "recent-1", "stripe-0000", "stripe-junk"} {
			w := begin(t, 300)
			w.run(65*time.Minute, steps(), "a")
			w.Write()
			target := filepath.Join(w.dir, name)
			if err := errors.Join(os.RemoveAll(target), put(target)); err != nil {
				continue // this file system has no such files
			}
			w.open()
			clear(w.all)
			w.run(5*time.Minute, steps(), "a")
			w.compare("a", 4*time.Minute, time.Second)
			w.open()
			w.Points("a", w.at.Add(-time.Hour).Truncate(time.Hour).UnixMilli(), 3_600_000, 2)
			w.Write()
			if err := w.Trouble(); err != nil && w.log.Len() == 0 {
				t.Errorf("%s in place of %q: the log says nothing of %v", what, name, err)
			}
		}
	}
}

// TestTheClockIsSetBackAndTheDaemonStarts finds the newer journal by its number,
// not by its time: what came after the clock was set is newer.
func TestTheClockIsSetBackAndTheDaemonStarts(t *testing.T) {
	for range 3 {
		w := begin(t, 10)
		value := steps()
		w.run(40*time.Minute, value, "a")
		w.at = w.at.Add(-3 * time.Hour)
		clear(w.all)
		for range 4 {
			w.run(6*time.Minute, value, "a")
			w.Write()
			w.open()
			w.compare("a", 5*time.Minute, time.Second)
		}
		w.compare("a", 14*time.Minute, time.Second)
	}
}
