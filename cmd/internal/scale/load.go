//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// bandwidth is what each allocation asks for, in bit/s: little enough for all
// that may meet on one link.
const bandwidth = 100_000

// A generator makes requests that do not conflict: each has ports of its own.
type generator struct {
	g      *grid
	random *rand.Rand
	next   int
	spared int // switch whose hosts are left out, counted from 0; -1: none
}

func newGenerator(g *grid, spared int) *generator {
	return &generator{g: g, random: rand.New(rand.NewPCG(8, 967253)), spared: spared}
}

// between returns a request for traffic between two hosts.
func (q *generator) between(src, dst netip.Addr) request {
	q.next++
	return request{
		SrcIP: src.String(), DstIP: dst.String(), Protocol: []string{"tcp", "udp"}[q.next%2],
		SrcPort: uint16(4096 + q.next%60_000), DstPort: uint16(1024 + q.next/60_000),
		Duration: 6 * 3600, Bandwidth: bandwidth,
	}
}

// any returns a request between hosts of two different switches.
func (q *generator) any() request {
	n := q.g.size()
	from := q.random.IntN(n)
	for from == q.spared {
		from = q.random.IntN(n)
	}
	to := q.random.IntN(n)
	for to == from || to == q.spared {
		to = q.random.IntN(n)
	}
	return q.between(q.host(from), q.host(to))
}

// some returns so many requests between hosts of different switches.
func (q *generator) some(n int) []request {
	out := make([]request, n)
	for i := range out {
		out[i] = q.any()
	}
	return out
}

// host returns some host of a switch.
func (q *generator) host(sw int) netip.Addr { return q.g.hostOf(sw, q.random.IntN(q.g.hosts)) }

// createAll asks for allocations over several connections, and returns their
// IDs in the order of the requests.
func (w *world) createAll(ctx context.Context, requests []request) ([]string, error) {
	ids := make([]string, len(requests))
	began := time.Now()
	err := each(ctx, len(requests), func(ctx context.Context, i int) (err error) {
		ids[i], _, err = w.create(ctx, requests[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	w.note("%d allocations asked for in %v", len(requests), time.Since(began).Round(time.Millisecond))
	return ids, nil
}

// each calls do for every number below n, as many at once as there are
// connections, until one fails.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	jobs := make(chan int)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for i := range jobs {
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feed:
	for i := range n {
		select {
		case jobs <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(jobs)
	wg.Wait()
	return context.Cause(ctx)
}

// fill makes allocations and waits until all are active. They come in batches,
// each active before the next is requested, so that this does not depend on how
// the daemon copes with many at once.
func (w *world) fill(ctx context.Context, requests []request) error {
	const part = 500
	for len(requests) > 0 {
		n := min(part, len(requests))
		if _, err := w.createAll(ctx, requests[:n]); err != nil {
			return err
		}
		requests = requests[n:]
		if _, err := w.grid.quiet(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	_, err := w.allActive(ctx)
	return err
}

// allActive waits until every allocation is active, and returns them.
func (w *world) allActive(ctx context.Context) (all []allocation, err error) {
	why := ""
	waiting := 0
	err = until(ctx, 300*time.Millisecond, func() (bool, error) {
		if all, err = w.list(ctx); err != nil {
			return false, err
		}
		waiting, why = 0, ""
		for i := range all {
			if !all[i].settled() {
				waiting++
				if all[i].Reason != nil {
					why = ": " + *all[i].Reason
				}
			}
		}
		return waiting == 0, nil
	})
	if err != nil {
		err = fmt.Errorf("%d of %d allocations are not active%s: %w", waiting, len(all), why, err)
	}
	return all, err
}
