//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A log is read while it grows: half a line waits for its rest, and a link that
// is found again counts once more.
func TestCountLinks(t *testing.T) {
	const (
		one   = `{"time":"2026-01-01T00:00:01Z","msg":"link found","from":{"dpid":"01","port":1},"to":{"dpid":"02","port":1}}` + "\n"
		other = `{"time":"2026-01-01T00:00:02Z","msg":"link found","from":{"dpid":"02","port":1},"to":{"dpid":"01","port":1}}` + "\n"
	)
	d := &daemon{dir: t.TempDir()}
	c := d.countLinks()
	for _, test := range []struct {
		text         string
		times, links int
	}{
		{one + other[:20], 1, 1},
		{other[20:] + `{"msg":"request"}` + "\nno JSON\n", 2, 2},
		{one, 3, 2},
	} {
		f, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(test.text); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := c.update(); err != nil || c.times != test.times || len(c.links) != test.links {
			t.Errorf("after %q: %d times, %d links, %v", test.text, c.times, len(c.links), err)
		}
	}
	if c.last.Second() != 1 {
		t.Errorf("last found at %v", c.last)
	}
}
