package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// An allocation whose traffic is lost on its path, and one whose path is gone,
// is degraded as long as that is so, and its receipt says when and why, also
// after a restart.
func TestDegraded(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, fmt.Sprintf(testConfig+"stats: {interval: 1s}\n", data, "127.0.0.1:0"))
	p := start(t, file)
	addr := p.until("listening for switches")["addr"].(string)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	n := ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, addr)
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)
	c := p.login()
	made := activated(ctx, t, c, client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 8_000_000,
	})
	sending, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for sending.Err() == nil {
			_, _ = h1.SendUDP(sending, netip.AddrPortFrom(h2.Addr(), 9), ofswitch.Traffic{Rate: 4e6, Size: 500, Duration: time.Second})
		}
	}()
	link := n.LinkBetween(1, 2)
	whole := link.Config()
	becomes := func(what string, degraded bool, reason string) {
		t.Helper()
		eventually.True(t, what, func() bool {
			al, err := c.Show(ctx, made.ID)
			return err == nil && al.Degraded == degraded && (!degraded || al.Reason != nil && strings.Contains(*al.Reason, reason))
		})
	}
	becomes("it is whole", false, "")
	lossy := whole
	lossy.Loss = .5
	link.SetConfig(lossy)
	becomes("half of its traffic is lost", true, "of its traffic from the source is lost on its path")
	link.SetConfig(whole)
	becomes("nothing is lost any more", false, "")
	link.Cut()
	becomes("its path is gone", true, "")
	link.Restore()
	becomes("its path is back", false, "")
	stop()
	<-sent
	if err := c.Release(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	var receipt client.Receipt
	check := func(when string) {
		t.Helper()
		eventually.True(t, "the receipt", func() bool {
			al, err := c.Show(ctx, made.ID)
			if err != nil || al.Receipt == nil || !al.Receipt.Final {
				return false
			}
			receipt = *al.Receipt
			return true
		})
		if d := receipt.Degraded; len(d) < 2 || receipt.DegradedSeconds < 1 || !strings.Contains(d[0].Reason, "lost") || receipt.Forward.P50 == nil {
			t.Errorf("%s the receipt is %+v", when, receipt)
		}
	}
	check("at the end")
	p.Stop(syscall.SIGKILL)
	p = start(t, file)
	c = p.login()
	check("after a restart")
}
