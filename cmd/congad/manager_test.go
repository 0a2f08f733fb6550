package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"conga/cmd/internal/eventually"
)

// TestStatusIsReported: the manager hears at once, then in time for its
// watchdog, and again after a failure. Where there is none, nothing is asked
// any more.
func TestStatusIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []string
		fails := errors.New("no buffer")
		m := serviceManager{log: slog.New(slog.DiscardHandler), every: 10 * time.Second, tell: func(s string) (bool, error) {
			states = append(states, s)
			return true, []error{nil, fails, nil}[min(len(states)-1, 2)]
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if err := m.run(ctx, func() string { return "well" }); err != nil {
			t.Error(err)
		}
		if want := slices.Repeat([]string{"STATUS=well\nWATCHDOG=1"}, 3); !slices.Equal(states, want) {
			t.Errorf("told %q", states)
		}

		asked := 0
		m.tell = func(string) (bool, error) { return false, nil }
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := m.run(ctx, func() string { asked++; return "" }); err != nil || asked != 1 {
			t.Errorf("asked %d times without a manager: %v", asked, err)
		}
	})
}

// TestDeparture: the daemon is not ready from the moment at which it is asked
// to stop, and stops when it has been so for long enough.
func TestDeparture(t *testing.T) {
	for _, after := range []time.Duration{0, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := departure{after: after, log: slog.New(slog.DiscardHandler), asked: func() {}, leaving: make(chan struct{})}
			ctx, ask := context.WithCancel(t.Context())
			late, done := p.delay(ctx)
			defer done()
			if err := p.ready(ctx); err != nil {
				t.Errorf("before: %v", err)
			}
			ask()
			asked := time.Now()
			synctest.Wait()
			if p.ready(ctx) == nil {
				t.Error("ready though asked to stop")
			}
			if after > 0 && late.Err() != nil {
				t.Error("stopped at once")
			}
			<-late.Done()
			if waited := time.Since(asked); waited != after {
				t.Errorf("stopped after %s, want %s", waited, after)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // a part fails meanwhile
		p := departure{after: time.Hour, log: slog.New(slog.DiscardHandler), asked: func() {}, leaving: make(chan struct{})}
		ctx, ask := context.WithCancel(t.Context())
		late, done := p.delay(ctx)
		ask()
		synctest.Wait()
		done()
		<-late.Done()
	})
}

// TestNotices starts the daemon as systemd does, with a socket on which it
// says how it is: ready, reloading and ready again, stopping.
func TestNotices(t *testing.T) {
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	heard := make(chan string, 1000)
	go func() {
		defer close(heard)
		for buf := make([]byte, 4096); ; {
			n, err := socket.Read(buf)
			if err != nil {
				return
			}
			heard <- string(buf[:n])
		}
	}()
	hear := func(want string) {
		t.Helper()
		timeout := time.After(eventually.Patience)
		for {
			select {
			case got := <-heard:
				if strings.Contains(got, want) {
					return
				}
			case <-timeout:
				t.Fatalf("%q was never heard", want)
			}
		}
	}
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, strings.Replace(fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0"), "127.0.0.1:0\"}", "127.0.0.1:0\", lame_duck: 1ms}", 1))
	c := exec.Command("congad", "--config", file)
	c.Env = append(c.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "WATCHDOG_USEC=400000")
	p := startCommand(t, c)
	hear("READY=1")
	hear("STATUS=0 switches connected; 0 allocations active, 0 pending\nWATCHDOG=1")
	hear("WATCHDOG=1")
	p.Signal(syscall.SIGHUP)
	hear("RELOADING=1")
	hear("READY=1")
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	hear("STOPPING=1")
	p.until("asked to stop: not ready from now on")
}
