package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A written is a file that counts writes.
type written struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(b)
}

func (w *written) lines() (n, writes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), "\n"), w.writes
}

// Lines wait for a moment and are written together; warnings are written at
// once, after what waits.
func TestLogWaits(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		synctest.Test(t, func(t *testing.T) {
			out := &written{}
			log, flush := newLogger(out, format, slog.LevelInfo)
			want := func(when string, lines, writes int) {
				t.Helper()
				synctest.Wait()
				if n, w := out.lines(); n != lines || w != writes {
					t.Errorf("%s: %d lines in %d writes, want %d in %d", when, n, w, lines, writes)
				}
			}
			log.Info("one")
			log.With("part", "api").WithGroup("g").Info("two")
			log.Debug("nothing")
			want("at once", 0, 0)
			time.Sleep(logWait)
			want("after a moment", 2, 1)
			log.Info("three")
			log.With("part", "api").Warn("four")
			want("after a warning", 4, 2)
			time.Sleep(logWait)
			want("later", 4, 2)
			log.Info("five")
			flush()
			want("at the end", 5, 3)
			time.Sleep(time.Second)
			for i := range 10_000 {
				log.Info(fmt.Sprintf("line %d", i))
			}
			if n, w := out.lines(); n < 9_000 || w > 200 {
				t.Errorf("%d lines in %d writes while many come", n, w)
			}
			flush()
			if text := out.text.String(); strings.Index(text, "three") > strings.Index(text, "four") || !strings.Contains(text, "line 9999") {
				t.Error("lines are out of order, or missing")
			}
		})
	}
}
