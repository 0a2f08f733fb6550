package scheduler

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/allocator"
	"conga/controller/path"
)

// locked is a buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// has returns how many lines contain all of the words.
func (l *locked) has(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
lines:
	for line := range strings.Lines(l.b.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		n++
	}
	return n
}

// What becomes of circuits is in the log, once.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var out locked
		r.cfg.Log = slog.New(slog.NewTextHandler(&out, nil))
		s := &failing{slow: slow{Store: r.store}}
		r.store = s
		r.start()
		defer r.halt()
		r.create(1, 4, 60, 0)
		r.sleep(5 * time.Second)
		if out.has("circuit installed", "allocation=id1", "0000000000000002[2>1]") != 1 || out.has("circuit") != 2 { // one is that of the start
			t.Errorf("after one was installed:\n%s", out.b.String())
		}
		r.sleep(time.Minute)
		if out.has("circuit removed", "allocation=id1") != 1 || out.has("circuit") != 3 {
			t.Errorf("after it was removed:\n%s", out.b.String())
		}
		r.mu.Lock()
		r.refuse = errors.New("table full")
		r.mu.Unlock()
		r.create(2, 4, 60, 0)
		r.sleep(500 * time.Millisecond)
		if out.has("level=WARN", "circuit could not be changed", "allocation=id2", "remove=false", "table full", "retry_in=1.") != 1 || out.has("installed") != 1 {
			t.Errorf("after one failed:\n%s", out.b.String())
		}
		if out.has("level=ERROR") != 0 {
			t.Errorf("errors without cause:\n%s", out.b.String())
		}
		r.mu.Lock()
		r.refuse = nil
		r.mu.Unlock()
		s.broken.Store(true)
		r.sleep(5 * time.Second)
		if out.has("level=ERROR", "reports could not be saved") == 0 {
			t.Errorf("with a broken store:\n%s", out.b.String())
		}
	})
}

// refusing is a network that installs nothing, and counts what it is asked.
type refusing struct {
	*fabric
	asked *atomic.Int64
}

func (r refusing) Install(context.Context, path.Circuit) error {
	r.asked.Add(1)
	return errors.New("table full")
}

// What fails is tried after 1, 2, 4 … seconds and up to a quarter more.
func TestAttemptsBecomeRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		r.halt()
		network := refusing{r.fabric, new(atomic.Int64)}
		s, err := New(Config{Allocator: r.a, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		r.sleep(20 * time.Second) // past Settled, which tries again what has failed
		r.create(1, 4, 600, 0)
		began := time.Now()
		for attempt, latest := range []time.Duration{0, 1, 3, 7, 15, 31} {
			latest *= time.Second
			r.sleep(time.Until(began.Add(latest - 10*time.Millisecond)))
			if n := network.asked.Load(); attempt > 0 && n > int64(attempt) {
				t.Errorf("asked %d times within %v", n, latest)
			}
			r.sleep(time.Until(began.Add(latest + latest/4 + 10*time.Millisecond)))
			if n := network.asked.Load(); n < int64(attempt+1) {
				t.Errorf("asked %d times after %v", n, latest+latest/4)
			}
		}
		stop()
		<-ended
	})
}

// The wait differs by up to a quarter, and there is one however short it is.
func TestBackoffSpreads(t *testing.T) {
	var longest time.Duration
	for range 1000 {
		longest = max(longest, backoff(time.Second, 0))
	}
	if longest < 1210*time.Millisecond || longest > 1251*time.Millisecond {
		t.Errorf("after a second at most %v", longest)
	}
	if d := backoff(1, 0); d < 1 || d > 2 {
		t.Errorf("after a nanosecond %v", d)
	}
	for failures, want := range map[int]time.Duration{9: 512 * time.Millisecond, 10: time.Minute} {
		if d := backoff(time.Millisecond, failures); d < want || d > want*5/4 {
			t.Errorf("after %d failures %v, want %v", failures, d, want)
		}
	}
}

// A call that ends because the daemon does is no failure.
func TestStoppingIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.latency = time.Hour
		r.start()
		id := r.create(1, 4, 6000, 0)
		r.sleep(time.Second)
		r.halt()
		if v := r.expect(id, allocator.Pending, ""); !strings.HasPrefix(v.Reason, "its path is being installed") {
			t.Errorf("reason %q", v.Reason)
		}
	})
}
