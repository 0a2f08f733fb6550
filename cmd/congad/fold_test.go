package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// folding calls test with a log and what it has written.
func folding(t *testing.T, test func(log *slog.Logger, text func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		out := &written{}
		log, flush := newLogger(out, "text", slog.LevelInfo)
		test(log, func() string {
			flush()
			out.mu.Lock()
			defer out.mu.Unlock()
			defer out.text.Reset()
			return out.text.String()
		})
	})
}

// Repeated messages about one switch are written so often, and then counted;
// those about another, and other messages, are not touched.
func TestLogFolds(t *testing.T) {
	folding(t, func(log *slog.Logger, text func() string) {
		for range 1000 {
			log.With("dpid", "01").Warn("switch reports an error", "err", errors.New("bad"))
			log.Warn("handshake failed", "remote", "192.0.2.1:1234")
		}
		log.Warn("switch reports an error", "dpid", "02")
		got := text()
		if n := strings.Count(got, "dpid=01 err="); n != foldSame {
			t.Errorf("%d lines about switch 1, want %d", n, foldSame)
		}
		for _, want := range []string{
			`msg="switch reports an error" dpid=01 repeated=980 within=1m0s`,
			`msg="handshake failed" remote=192.0.2.1 repeated=980 within=1m0s`,
			`msg="switch reports an error" dpid=02` + "\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("the log has no line with %s", want)
			}
		}
	})
}

// After a minute there is a line with the count, without being asked for, and
// the same message is written again.
func TestLogFoldsByTheMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &written{}
		log, flush := newLogger(out, "json", slog.LevelInfo)
		for range 2 {
			for range foldSame + 5 {
				log.Warn("malformed message", "dpid", "01")
			}
			time.Sleep(foldEvery)
			synctest.Wait()
		}
		if n, _ := out.lines(); n != 2*(foldSame+1) {
			t.Errorf("%d lines, want %d", n, 2*(foldSame+1))
		}
		flush()
		if n, _ := out.lines(); n != 2*(foldSame+1) {
			t.Error("what is summed up is summed up again")
		}
	})
}

// Whatever a peer makes of messages, DPIDs and texts, the log and the memory of
// what is counted are bounded.
func TestLogIsBounded(t *testing.T) {
	folding(t, func(log *slog.Logger, text func() string) {
		long := strings.Repeat("x", 100_000)
		const n = 100_000
		for i := range n {
			log.Warn("second connection refused", "dpid", fmt.Sprint(i), "err", errors.New(long))
			log.Info("link found", "from", i, "to", long[:1000])
		}
		f := log.Handler().(folded).folder
		if kinds := len(f.sums); kinds > 2*foldKinds {
			t.Errorf("%d sums are kept", kinds)
		}
		got := text()
		if most := foldCredit + foldBytes + foldBytes/2; len(got) > most {
			t.Errorf("%d bytes in the first minute, want at most %d", len(got), most)
		}
		for range n {
			log.Info("link found", "to", long[:1000])
		}
		if got := text(); len(got) > 3*foldBytes/2 {
			t.Errorf("%d bytes in another minute, want at most %d", len(got), 3*foldBytes/2)
		}
	})
}

// What clients can cause at will, such as a line for each request, leaves room
// for warnings.
func TestWarningsAreNotCrowdedOut(t *testing.T) {
	folding(t, func(log *slog.Logger, text func() string) {
		for range 2 * (foldCredit + foldBytes) / foldLine {
			log.Info("request", "route", "/api")
		}
		log.Error("the store cannot be written", "err", errors.New("no space"))
		if !strings.Contains(text(), `msg="the store cannot be written" err="no space"`) {
			t.Error("requests have crowded an error out")
		}
	})
}

// A large network says at its start what it has to say.
func TestLogOfALargeNetwork(t *testing.T) {
	folding(t, func(log *slog.Logger, text func() string) {
		const n = 20_000
		for i := range n {
			log.Info("link found", "from", i, "to", i+1)
		}
		if got := strings.Count(text(), "link found"); got != n {
			t.Errorf("%d of %d lines", got, n)
		}
	})
}
