package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// A restart in the middle of a stream leaves the history as it was, a gap while
// the daemon was away, and nothing that was never sent.
func TestHistorySurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	config := testConfig + "stats: {interval: 1s}\n"
	writeConfig(t, file, fmt.Sprintf(config, data, "127.0.0.1:0"))
	p := start(t, file)
	addr := p.until("listening for switches")["addr"].(string)
	writeConfig(t, file, fmt.Sprintf(config, data, addr))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	n := ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, addr)
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)
	c := p.login()
	made := activated(ctx, t, c, client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 40_000_000,
	})
	const rate = 4_000_000
	streaming, stop := context.WithCancel(ctx)
	var stream sync.WaitGroup
	stream.Go(func() {
		_, _ = h1.SendUDP(streaming, netip.AddrPortFrom(h2.Addr(), 9), ofswitch.Traffic{Rate: rate, Size: 1000, Duration: time.Minute})
	})
	defer stream.Wait()
	defer stop()
	// known returns the seconds in which something was delivered.
	known := func() (out []int64) {
		h, err := c.AllocationHistory(ctx, made.ID, client.HistorySpan{Window: 2 * time.Minute, Step: time.Second})
		if err != nil {
			return nil
		}
		for i, at := range h.Times {
			if v := h.Forward.Delivered.Mean[i]; v != nil && *v > 0 {
				out = append(out, at)
			}
		}
		return out
	}
	var before []int64
	eventually.True(t, "some seconds are known", func() bool { before = known(); return len(before) >= 4 })
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	stopped := time.Now()
	<-time.After(2500 * time.Millisecond) // the gap
	p = start(t, file)
	c = p.login()
	again := time.Now()
	var after []int64
	eventually.True(t, "some more seconds are known", func() bool {
		after = known()
		return len(after) > 0 && after[len(after)-1] > again.Unix()+2
	})
	left := map[int64]bool{}
	for _, at := range after {
		left[at] = true
		if at > stopped.Unix() && at < again.Unix() {
			t.Errorf("second %d is known, when no daemon ran: from %d to %d", at, stopped.Unix(), again.Unix())
		}
	}
	for _, at := range before {
		if !left[at] {
			t.Errorf("second %d is no longer known", at)
		}
	}
	h, err := c.AllocationHistory(ctx, made.ID, client.HistorySpan{Window: 2 * time.Minute, Step: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range h.Forward.Delivered.Max {
		if v != nil && (*v < 0 || *v > 3*rate) {
			t.Errorf("second %d: %v bit/s of a stream of %d", h.Times[i], *v, rate)
		}
	}
}
