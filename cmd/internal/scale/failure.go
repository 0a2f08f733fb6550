//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A failure is something that a share of the allocations has to be moved away
// from.
type failure struct {
	happen   func()
	affected func(*allocation) bool
	leads    []end            // ports that lead into what has failed
	lost     *ofswitch.Switch // nil: none
	home     int              // switch whose hosts have no allocations, counted from 0; -1: none
	near     func(*generator) request
	share    int // one in share allocations is to be affected
}

// An end is a port of an emulated switch.
type end struct {
	sw   *ofswitch.Switch
	port openflow.PortNo
}

// cut measures what becomes of the allocations over a link that is cut.
func cut(side, hosts, n int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		return r.fail(ctx, r.side(side), hosts, n, func(g *grid) failure {
			a := g.size()/2 + g.side/2
			b := g.neighbour(a, 1, 0)
			x, y := g.Switches()[a], g.Switches()[b]
			return failure{
				happen:   g.LinkBetween(x.DPID(), y.DPID()).Cut,
				affected: func(one *allocation) bool { return one.uses(x.DPID().String(), g.trunk(0)) },
				leads:    []end{{x, g.trunk(0)}, {y, g.trunk(1)}},
				home:     -1, share: 10,
				near: func(q *generator) request { return q.between(q.host(a), q.host(b)) },
			}
		})
	}
}

// lose measures what becomes of the allocations over a switch that is lost with
// its links.
func lose(side, hosts, n int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		return r.fail(ctx, r.side(side), hosts, n, func(g *grid) failure {
			v := g.size()/2 + g.side/2
			victim := g.Switches()[v]
			west, east := g.neighbour(v, -1, 0), g.neighbour(v, 1, 0)
			north, south := g.neighbour(v, 0, -1), g.neighbour(v, 0, 1)
			all := g.Switches()
			return failure{
				happen:   func() { g.lose(victim) },
				affected: func(one *allocation) bool { return one.crosses(victim.DPID().String()) },
				leads:    []end{{all[west], g.trunk(0)}, {all[east], g.trunk(1)}, {all[north], g.trunk(2)}, {all[south], g.trunk(3)}},
				lost:     victim, home: v, share: 5,
				near: func(q *generator) request {
					if q.next%2 == 0 {
						return q.between(q.host(west), q.host(east))
					}
					return q.between(q.host(north), q.host(south))
				},
			}
		})
	}
}

// lose ends a switch: its connection, and all its links.
func (g *grid) lose(s *ofswitch.Switch) {
	s.SetFaults(ofswitch.Faults{Refuse: true})
	for _, l := range g.Links() {
		if a, b := l.Ends(); a.DPID == s.DPID() || b.DPID == s.DPID() {
			l.Cut()
		}
	}
	s.Disconnect()
}

// fail makes a network with allocations, has something fail, and measures.
func (r *run) fail(ctx context.Context, side, hosts, n int, plan func(*grid) failure) error {
	w, err := r.newWorld(ctx, side, hosts)
	if err != nil {
		return err
	}
	defer w.end()
	ctx, stop := w.watch(ctx)
	defer stop()
	n = r.divided(n, 50)
	f := plan(w.grid)
	gen := newGenerator(w.grid, f.home)
	// Some of those between random hosts are affected; the rest is made up.
	if err := r.settle(ctx, w, gen.some(n-n/f.share)); err != nil {
		return err
	}
	step, cancel := r.within(ctx)
	defer cancel()
	before, err := w.list(step)
	if err != nil {
		return err
	}
	more := make([]request, max(0, n/f.share-countIf(before, f.affected)))
	for i := range more {
		more[i] = f.near(gen)
	}
	more = append(more, gen.some(n-len(before)-len(more))...)
	if err := w.fill(step, more); err != nil {
		return err
	}
	if _, err := w.grid.quiet(step, time.Second); err != nil {
		return err
	}
	if before, err = w.allActive(step); err != nil {
		return err
	}
	if err := w.grid.verify(before, nil); err != nil {
		return err
	}
	return r.heal(ctx, w, f, before)
}

// heal measures from the failure until everything is as it must be.
func (r *run) heal(ctx context.Context, w *world, f failure, before []allocation) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	affected := slices.DeleteFunc(slices.Clone(before), func(a allocation) bool { return !f.affected(&a) })
	ids := make([]string, len(affected))
	for i := range affected {
		ids[i] = affected[i].ID
	}
	r.note("%d of %d allocations are affected", len(ids), len(before))
	events, err := w.follow(ctx)
	if err != nil {
		return err
	}
	defer events.close()
	old := w.grid.contents(f.lost)
	w.grid.recorder.reset(true)
	m := w.measure()
	began := time.Now()
	cleared := make(chan time.Time, 1)
	go func() { cleared <- waitClear(ctx, f.leads) }()
	f.happen()
	moved, err := events.waitAll(ctx, w.api, ids, func(a *allocation) bool { return a.settled() && !f.affected(a) })
	r.figure("affected", float64(len(ids)))
	if err != nil {
		<-cleared
		r.figure("pending", float64(w.pending(ctx)))
		return err
	}
	clear := <-cleared
	if clear.IsZero() {
		return fmt.Errorf("entries still lead into what has failed: %w", context.Cause(ctx))
	}
	r.figure("s", max(moved.Sub(began), clear.Sub(began)).Seconds())
	r.figure("clear-s", clear.Sub(began).Seconds())
	quiet, err := w.grid.quiet(ctx, 2*time.Second)
	if err != nil {
		return err
	}
	r.figure("cpu-s", m.end().Seconds())
	r.figure("quiet-s", max(0, quiet.Sub(began).Seconds()))
	return r.afterHeal(ctx, w, f, affected, old)
}

// afterHeal checks the entries, and counts what was written.
func (r *run) afterHeal(ctx context.Context, w *world, f failure, affected []allocation, old contents) error {
	t := w.grid.recorder.sum()
	now := w.grid.contents(f.lost)
	all, err := w.list(ctx)
	if err != nil {
		return err
	}
	r.figure("pending", float64(len(all)-countIf(all, (*allocation).settled)))
	needed := map[openflow.DPID]bool{}
	for _, e := range f.leads {
		needed[e.sw.DPID()] = true
	}
	of := map[string]bool{}
	for _, a := range affected {
		of[a.ID] = true
	}
	for _, a := range append(all, affected...) {
		if of[a.ID] {
			for _, h := range a.Path {
				d, err := h.dpid()
				if err != nil {
					return err
				}
				needed[d] = true
			}
		}
	}
	needless, rerouted := old.needless(now, w.grid, f, t.written, needed)
	r.figure("flow-mods", float64(t.flows))
	r.figure("repeated", float64(t.again))
	r.figure("switches", float64(len(t.written)))
	r.figure("needless", float64(needless))
	r.figure("rerouted", float64(rerouted))
	return w.grid.verify(all, f.lost)
}

// waitClear waits until no entry leads out of the ports, and returns when that
// was seen; the zero time if ctx ends before.
func waitClear(ctx context.Context, leads []end) time.Time {
	err := until(ctx, 5*time.Millisecond, func() (bool, error) {
		return !slices.ContainsFunc(leads, func(e end) bool { return e.sw.FlowsTo(e.port) > 0 }), nil
	})
	if err != nil {
		return time.Time{}
	}
	return time.Now()
}

// pending returns how many allocations are not active, for a report of a
// failure.
func (w *world) pending(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	all, err := w.list(ctx)
	if err != nil {
		return -1
	}
	return len(all) - countIf(all, (*allocation).settled)
}

func countIf(all []allocation, is func(*allocation) bool) (n int) {
	for i := range all {
		if is(&all[i]) {
			n++
		}
	}
	return n
}
