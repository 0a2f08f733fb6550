package limits_test

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conga/httpapi/limits"
)

// flood sends on a connection from there as fast as the daemon reads. got
// counts what it has read.
func (d *limited) flood(t *testing.T, from string, got *atomic.Int64) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	d.below.conns <- addressed{server, text(from)}
	ours := <-d.taken
	t.Cleanup(func() { client.Close(); ours.Close() })
	go func() {
		frames := make([]byte, 17*100) // pings of HTTP/2
		for {
			if _, err := client.Write(frames); err != nil {
				return
			}
		}
	}()
	go func() {
		for b := make([]byte, 16<<10); ; {
			n, err := ours.Read(b)
			if got.Add(int64(n)); err != nil || got.Load() > 64<<20 {
				return
			}
		}
	}()
	return ours
}

// TestStrangersFlood has 20 connections of one client send without end, and
// others beside them.
func TestStrangersFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newLimited(100, 30)
		defer d.Close()
		var many, one, known, small atomic.Int64
		for range 20 {
			d.flood(t, "192.0.2.1:1", &many)
		}
		d.flood(t, "192.0.2.2:1", &one)
		limits.Recognize(limits.WithConn(t.Context(), d.flood(t, "192.0.2.1:2", &known)))
		const seconds = 10
		time.Sleep(seconds * time.Second)
		synctest.Wait()
		// Of what a connection has free, and one read is under way on each.
		if most := int64(20*(8<<10+16<<10) + 512<<10 + seconds*128<<10); many.Load() > most || many.Load() < most/2 {
			t.Errorf("%d bytes of 20 connections are read, want %d at most", many.Load(), most)
		}
		if most := int64(8<<10 + 16<<10 + 128<<10 + seconds*32<<10); one.Load() > most || one.Load() < most/2 {
			t.Errorf("%d bytes of one connection are read, want %d at most", one.Load(), most)
		}
		if known.Load() < 64<<20 {
			t.Errorf("%d bytes of a known client are read", known.Load())
		}
		before := time.Now()
		client, server := net.Pipe()
		d.below.conns <- addressed{server, text("192.0.2.1:3")}
		ours := <-d.taken
		go client.Write(make([]byte, 8<<10))
		for small.Load() < 8<<10 {
			n, err := ours.Read(make([]byte, 4<<10))
			if small.Add(int64(n)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(before); took > 0 {
			t.Errorf("what begins a connection took %s", took)
		}
		client.Close()
	})
}

// TestBudgetEnds closes a connection, and makes one known, while it waits.
func TestBudgetEnds(t *testing.T) {
	for _, end := range []func(net.Conn){
		func(c net.Conn) { c.Close() },
		func(c net.Conn) { limits.Recognize(limits.WithConn(t.Context(), c)) },
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newLimited(100, 30)
			defer d.Close()
			client, server := net.Pipe()
			d.below.conns <- addressed{server, text("192.0.2.1:1")}
			ours := <-d.taken
			go client.Write(make([]byte, 1<<20))
			done := false
			go func() {
				_, _ = ours.Read(make([]byte, 1<<20))
				_, _ = ours.Read(make([]byte, 1<<20))
				done = true
			}()
			synctest.Wait()
			if done {
				t.Fatal("it is not waited")
			}
			end(ours)
			client.Close()
			synctest.Wait()
			if !done {
				t.Error("it is still waited")
			}
		})
	}
}
