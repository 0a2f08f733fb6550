package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// idleConfig has a project whose allocations are released after a minute in
// which hardly anything uses them, the least that there may be.
const idleConfig = `
data: %s
api: {listen: "127.0.0.1:0"}
openflow: {listen: "127.0.0.1:0"}
network: {default_capacity: 1G}
directory:
  projects: [{id: projectB, members: [abc123], idle_reclaim: {below: 0.05, for: 1m}}]
  allow_passwordless: true
stats: {interval: 1s}
log: {format: json, level: debug}
`

// What hardly anything uses is said to be idle after half of the time that it
// may be, and released after all of it; what waits for its room has it then.
func TestIdleIsReleased(t *testing.T) {
	t.Parallel() // it waits for a minute
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	writeConfig(t, file, fmt.Sprintf(idleConfig, filepath.Join(dir, "data")))
	p := start(t, file)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	n := ofswitch.Linear(2, ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, p.until("listening for switches")["addr"].(string))
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)
	c := p.login()
	r := client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600,
		Protocol: "tcp", DstPort: client.OnePort(2811),
	}
	// What the hosts have sent may not be all known yet.
	var free uint64 // bit/s
	eventually.True(t, "there is room between the hosts", func() bool {
		there, err := c.Availability(ctx, r, 3600)
		if err != nil {
			t.Fatal(err)
		}
		if len(there.Free) > 0 {
			free = there.Free[0].Bandwidth
		}
		return free > 0
	})
	r.Bandwidth = free / 4 * 3
	idle := activated(ctx, t, c, r)
	r.DstPort = client.OnePort(2812) // other traffic, for which there is no room beside it
	next, err := c.Allocate(ctx, r)
	if err == nil {
		next, err = c.Show(ctx, next.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if next.StartTime == nil || *next.StartTime < *idle.EndTime {
		t.Fatalf("the next one is planned beside the first: %+v", next)
	}
	told := make(chan string, 100)
	listening, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_ = c.Events(listening, func(e client.Event) error {
			if e.Type == "allocation.idle" {
				told <- string(e.Data)
			}
			return nil
		})
		close(told)
	}()
	var news struct {
		Allocation struct {
			ID string `json:"allocation_id"`
		}
		Idle *struct{ Since, Until int64 }
	}
	select {
	case data := <-told:
		if err := json.Unmarshal([]byte(data), &news); err != nil || news.Allocation.ID != idle.ID || news.Idle == nil || news.Idle.Until-news.Idle.Since != 60 {
			t.Errorf("the event is %s: %v", data, err)
		}
	case <-ctx.Done():
		t.Fatal("no event said that it is idle")
	}
	if _, err := c.Wait(ctx, next.ID, client.Active, nil); err != nil {
		t.Fatalf("the next one has not begun: %v", err)
	}
	over, err := c.Show(ctx, idle.ID)
	if err != nil || over.State != client.Complete || over.Reason == nil || !strings.HasPrefix(*over.Reason, "released: idle since") {
		t.Errorf("the idle one is %+v: %v", over, err)
	}
	p.until("allocation released, since it was idle")
	for stop(); ; {
		if _, more := <-told; !more {
			return // the stream has ended
		}
	}
}
