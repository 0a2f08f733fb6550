package controller

import (
	"testing"
	"time"

	"conga/controller/discovery"
	"conga/controller/topology"
	"conga/openflow"
)

// A probe counts once by each way, and the ways by which none that is still
// good has come are forgotten, however many a switch makes up.
func TestReplaysAreKnownInBoundedMemory(t *testing.T) {
	k := &core{heard: map[way]time.Time{}}
	now := time.Now()
	for second := range 60 {
		of := discovery.Origin{From: topology.PortID{DPID: 1, Port: 1}, Left: now}
		for i := range 1000 {
			to := topology.PortID{DPID: 2, Port: openflow.PortNo(1000*second + i)}
			if k.replayed(of, to, now) || !k.replayed(of, to, now) {
				t.Fatal("a probe counts not at all, or twice")
			}
		}
		now = now.Add(time.Second)
	}
	if n, most := len(k.heard), 3*1000*int(discovery.MaxAge/time.Second); n > most {
		t.Errorf("%d ways are kept, want at most %d", n, most)
	}
}
