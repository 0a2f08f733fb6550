package stats

import (
	"context"
	"errors"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// Nothing is kept of switches that have gone, whether they ever answered or
// not: strangers connect under as many datapath IDs as they like.
func TestSwitchesAreForgotten(t *testing.T) {
	p, err := New(context.Background(), Config{Source: &fakeNetwork{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r := newRoster(p.cfg.Interval, now)
	for i := range openflow.DPID(100) {
		p.note(i, errors.New("no answer"))
		p.samples[i] = &Sample{DPID: i, Tables: make([]Table, 3)}
		p.tableCount += 3
		p.glimpses.last[i], p.glimpses.missed[i] = p.samples[i], now
		p.disbelieved[i] = true
		p.dumps[i] = &dump{}
	}
	p.note(1000, errors.New("it never answers"))
	p.glimpses.missed[1001] = now
	p.follow(r, &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{5: {DPID: 5}}})
	for what, n := range map[string]int{
		"samples": len(p.samples), "failing": len(p.failing), "last glimpses": len(p.glimpses.last), "missed glimpses": len(p.glimpses.missed),
		"disbelieved": len(p.disbelieved), "listings": len(p.dumps), "on the roster": len(r.of),
	} {
		if n != 1 {
			t.Errorf("%s: of %d switches something is kept, one is there", what, n)
		}
	}
	if p.tableCount != 3 {
		t.Errorf("%d tables are counted, want 3", p.tableCount)
	}
}
