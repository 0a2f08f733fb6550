package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// On switches without meters an allocation with a rate is active and says that
// its rate is not enforced, unless the operator requires meters: then it is
// refused with a sentence, and one without a rate is not.
func TestRatesOnSwitchesWithoutMeters(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	writeConfig(t, file, fmt.Sprintf(testConfig, data, "127.0.0.1:0"))
	p := start(t, file)
	addr := p.until("listening for switches")["addr"].(string)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	n := ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{NoMeters: true, Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, addr)
	h1, h2 := n.Host("h1"), n.Host("h2")
	reached := func() {
		t.Helper()
		reach(ctx, t, h1, h2)
	}
	reached()
	r := client.Request{ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 40_000_000}
	c := p.login()
	made, err := c.Allocate(ctx, r)
	if err == nil {
		made, err = c.Wait(ctx, made.ID, client.Active, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	const says = "its rate is not enforced at switch 0000000000000001, which has no meters that CONGA can use"
	if made.Reason == nil || !strings.HasPrefix(*made.Reason, says) {
		t.Errorf("it is active and says %v, want %q", made, says)
	}
	if err := c.Release(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	p.Stop(syscall.SIGTERM)

	required := strings.Replace(testConfig, "default_capacity: 1G", "default_capacity: 1G, priority: {require_meters: true}", 1)
	writeConfig(t, file, fmt.Sprintf(required, data, addr))
	p = start(t, file)
	p.until("listening for switches")
	reached()
	c = p.login()
	const refusal = "no path enforces a rate: switch 0000000000000001 has no meters that CONGA can use"
	eventually.True(t, "the rate to be refused", func() bool {
		made, err := c.Allocate(ctx, r)
		if err == nil { // the switches have yet to say what they have
			_ = c.Release(ctx, made.ID)
			return false
		}
		return strings.Contains(err.Error(), refusal)
	})
	r.Bandwidth = 0
	if made, err = c.Allocate(ctx, r); err == nil {
		made, err = c.Wait(ctx, made.ID, client.Active, nil)
	}
	if err != nil || made.Reason != nil {
		t.Errorf("without a rate: %v, %+v", err, made)
	}
}
