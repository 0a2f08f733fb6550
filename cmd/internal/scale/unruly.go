//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// unrulyFor is how long a switch misbehaves; longer if that is asked for.
const unrulyFor = 10 * time.Second

// A habit is how one switch misbehaves until ctx ends.
type habit func(ctx context.Context, g *grid, s *ofswitch.Switch)

// habits are all habits, by name.
var habits = map[string]habit{
	"mute":       withFaults(ofswitch.Faults{Mute: true}),
	"stalled":    withFaults(ofswitch.Faults{Stall: true}),
	"late":       withFaults(ofswitch.Faults{Delay: func(openflow.Message) time.Duration { return 5 * time.Second }}),
	"refusing":   withFaults(ofswitch.Faults{Reject: refuseEntries}),
	"reconnects": reconnects,
	"floods":     floods,
}

// unruly measures what one switch that misbehaves does to requests whose paths
// do not cross it: how long they take beside those without it.
func unruly(name string) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		w, err := r.newWorld(ctx, r.side(10), 2)
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		one := w.grid.size() / 2
		gen := newGenerator(w.grid, one)
		if err := r.settle(ctx, w, gen.nearby(r.divided(200, 20))); err != nil {
			return err
		}
		step, cancel := r.within(ctx)
		defer cancel()
		calm, err := w.apart(step, gen, unrulyFor/2)
		if err != nil {
			return err
		}
		under, end := context.WithCancel(step)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer end()
		wg.Go(func() { habits[name](under, w.grid, w.grid.Switches()[one]) })
		m := w.measure()
		busy, err := w.apart(step, gen, unrulyFor)
		if err != nil {
			return err
		}
		r.figure("cpu-cores", m.share())
		m.end()
		r.note("p50 %v and p95 %v without, %v and %v with", p50(calm), p95(calm), p50(busy), p95(busy))
		r.figure("p50-ratio", p50(busy).Seconds()/p50(calm).Seconds())
		r.figure("p95-ratio", p95(busy).Seconds()/p95(calm).Seconds())
		return nil
	}
}

// apart makes requests for a while, one after the other and between neighbours,
// and returns how long each took.
func (w *world) apart(ctx context.Context, gen *generator, while time.Duration) (times []time.Duration, err error) {
	for end := time.Now().Add(while); time.Now().Before(end); {
		took, err := w.onceFor(ctx, gen.nearby(1)[0])
		if err != nil {
			return nil, err
		}
		times = append(times, took)
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// nearby returns so many requests between hosts of neighbours, whose paths
// cross no other switch.
func (q *generator) nearby(n int) (list []request) {
	for len(list) < n {
		from := q.random.IntN(q.g.size())
		if to := q.g.neighbour(from, 1, 0); from != q.spared && to != q.spared {
			list = append(list, q.between(q.host(from), q.host(to)))
		}
	}
	return list
}

func p50(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2]
}

func withFaults(f ofswitch.Faults) habit {
	return func(ctx context.Context, _ *grid, s *ofswitch.Switch) {
		s.SetFaults(f)
		<-ctx.Done()
		s.SetFaults(ofswitch.Faults{})
	}
}

// refuseEntries refuses every flow entry for want of room.
func refuseEntries(_ int, m openflow.Message) *openflow.Error {
	if m.Type() != openflow.TypeFlowMod {
		return nil
	}
	return &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
}

// reconnects has a switch lose its connection, and its entries, once a second.
func reconnects(ctx context.Context, _ *grid, s *ofswitch.Switch) {
	for sleep(ctx, time.Second) == nil {
		s.Disconnect()
	}
}

// floods has a host of a switch send from as many addresses as it can.
func floods(ctx context.Context, g *grid, s *ofswitch.Switch) {
	random := rand.New(rand.NewPCG(2, uint64(s.DPID())))
	hosts := g.Hosts()
	from := hosts[g.hosts*int(s.DPID()-1)]
	for sleep(ctx, time.Millisecond) == nil {
		for range 10 {
			mac := openflow.MAC{2, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}
			addr := netip.AddrFrom4([4]byte{11, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())})
			from.Send(ofswitch.ARPReply(mac, addr, hosts[0].MAC(), hosts[0].Addr()))
		}
	}
}
