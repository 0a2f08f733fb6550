package stats

import (
	"context"
	"testing"
	"time"

	"conga/openflow"
)

// plain answers as an idle switch of four ports does, with as many tables as
// Open vSwitch has.
type plain struct {
	manySwitches
	rows int // how often tables were asked for
}

var (
	plainPorts  = make(openflow.PortStatsReply, 4)
	plainTables = make(openflow.TableStatsReply, 254)
	plainMeters = make(openflow.MeterStatsReply, 1)
)

func (p *plain) AskAll(_ context.Context, _ openflow.DPID, questions ...*openflow.MultipartRequest) ([]openflow.MultipartReplyBody, error) {
	bodies := make([]openflow.MultipartReplyBody, len(questions))
	for i, q := range questions {
		switch q.MPType {
		case openflow.MultipartPortStats:
			bodies[i] = plainPorts
		case openflow.MultipartTable:
			bodies[i] = plainTables
			p.mu.Lock()
			p.rows++
			p.mu.Unlock()
		case openflow.MultipartMeter:
			bodies[i] = plainMeters
		}
	}
	return bodies, nil
}

// BenchmarkIdleRound measures one interval's polls of 1,024 idle switches,
// without what the connections cost.
func BenchmarkIdleRound(b *testing.B) {
	const n = 1024
	src := &plain{manySwitches: manySwitches{snap: switches(n)}}
	p, err := New(b.Context(), Config{Source: src})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	r := newRoster(p.cfg.Interval, now)
	p.follow(r, src.snap)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		for range slots {
			now = now.Add(r.step)
			var due []openflow.DPID
			p.due(r, src.snap, now, func(dpid openflow.DPID, _ bool) { due = append(due, dpid) })
			for _, dpid := range due {
				p.poll(b.Context(), dpid)
				p.done(dpid)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/switch")
}
