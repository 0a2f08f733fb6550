package channel

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

func listen(t testing.TB, cfg Config) *Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t testing.TB, l *Listener) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &peer{t: t, nc: nc}
}

func accept(t testing.TB, l *Listener) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); c.loops.Wait() })
	return c
}

func TestListener(t *testing.T) {
	l := listen(t, Config{})
	var all sync.WaitGroup
	defer all.Wait()
	for range 20 {
		p := dial(t, l)
		all.Go(p.handshake)
	}
	for range 20 {
		if c := accept(t, l); c.DPID() != testDPID || c.RemoteAddr() == nil {
			t.Errorf("accepted %v from %v", c.DPID(), c.RemoteAddr())
		}
	}
}

// Peers that say nothing, or nonsense, do not keep others out, even if there
// are more than places.
func TestListenerUnderAttack(t *testing.T) {
	l := listen(t, Config{MaxHandshakes: 8, HandshakeTimeout: 2 * time.Second})
	for i := range 40 {
		if p := dial(t, l); i%2 == 0 {
			p.nc.Write([]byte{4, 0})
		}
	}
	start := time.Now()
	p := dial(t, l)
	go p.handshake()
	accept(t, l)
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("a switch waited %v", d)
	}
}

func TestListenerClose(t *testing.T) {
	l := listen(t, Config{})
	silent, waiting, taken := dial(t, l), dial(t, l), dial(t, l)
	go taken.handshake()
	c := accept(t, l)
	waiting.handshake() // and then it is not accepted
	l.Close()
	_, err := l.Accept(context.Background())
	wantKind(t, err, ErrClosed)
	for {
		if _, _, err := silent.next(); err != nil {
			break
		}
	}
	if c.Err() != nil {
		t.Errorf("an accepted connection ended: %v", c.Err())
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
	l.Close()
}

// Close ends an Accept that waits.
func TestListenerCloseEndsAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewListener(newPipes(), Config{})
		ended := make(chan error)
		go func() {
			_, err := l.Accept(context.Background())
			ended <- err
		}()
		synctest.Wait()
		l.Close()
		wantKind(t, <-ended, ErrClosed)
	})
}

func TestListenerAcceptContext(t *testing.T) {
	l := listen(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := l.Accept(ctx)
	wantKind(t, err, ErrTimeout)
	_, err = Listen("127.0.0.1:none", Config{})
	wantKind(t, err, ErrNetwork)
}

// A connection that ends before it is accepted frees its slot.
func TestListenerNotAccepted(t *testing.T) {
	l := listen(t, Config{MaxHandshakes: 1})
	for range 3 {
		p := dial(t, l)
		p.handshake()
		p.nc.Close()
	}
	p := dial(t, l)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.handshake()
	}()
	for accept(t, l).RemoteAddr().String() != p.nc.LocalAddr().String() { // it may not be known yet that one is gone
	}
	<-done
}

// Failures are logged, but not each of a flood.
func TestListenerLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncBuffer
		ln := newPipes()
		l := NewListener(ln, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		defer l.Close()
		fail := func() {
			p := ln.dial(t)
			go func() {
				for _, _, err := p.next(); err == nil; {
					_, _, err = p.next()
				}
			}()
			p.write(1, &openflow.BarrierReply{})
			synctest.Wait()
		}
		for range 20 {
			fail()
		}
		if text := log.String(); strings.Count(text, "handshake failed") != 1 || !strings.Contains(text, "barrier reply") {
			t.Errorf("of 20 failures at once were logged:\n%s", text)
		}
		time.Sleep(failureEvery)
		fail()
		if text := log.String(); strings.Count(text, "handshake failed") != 2 || !strings.Contains(text, "skipped=19") {
			t.Errorf("of one more later were logged:\n%s", text)
		}
	})
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
