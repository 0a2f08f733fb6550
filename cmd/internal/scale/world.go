//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A world is a daemon and the network that it controls.
type world struct {
	*daemon
	*api
	grid     *grid
	profiled bool
	note     func(format string, args ...any)
}

// newWorld starts a daemon and makes a network, which is not connected yet.
func (r *run) newWorld(ctx context.Context, side, hosts int) (*world, error) {
	return r.newWorldOf(ctx, newGrid(side, hosts), "")
}

// newWorldOf starts a daemon for a network that is not connected yet, with a
// section of its configuration about that.
func (r *run) newWorldOf(ctx context.Context, g *grid, network string) (*world, error) {
	o := daemonOptions{program: r.program, keep: r.keep, network: network}
	if r.profile != "" {
		o.profile = r.profileName()
	}
	d, err := startDaemon(ctx, o)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(ctx, d)
	if err != nil {
		d.stop()
		return nil, err
	}
	r.note("congad %d in %s", d.pid(), d.dir)
	return &world{daemon: d, api: a, grid: g, profiled: r.profile != "", note: r.note}, nil
}

// end stops the daemon first: to it, a network that stops is an outage.
func (w *world) end() {
	w.api.close()
	w.daemon.stop()
	_ = w.grid.Close()
}

// askEvery is the pause between requests whether the daemon knows all links,
// beside reading its log. It is long, since a request costs the daemon more
// than a probe.
const askEvery = time.Second

// connect connects all switches, and returns how long it took until all links
// were known.
func (w *world) connect(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	w.grid.Start(context.WithoutCancel(ctx), w.openflow)
	found, want := w.countLinks(), w.grid.directed()
	asked, known := time.Now(), 0
	err := until(ctx, 20*time.Millisecond, func() (bool, error) {
		if err := found.update(); err != nil {
			return false, err
		}
		if len(found.links) < want && time.Since(asked) < askEvery {
			return false, nil
		}
		asked = time.Now()
		var err error
		known, err = w.count(ctx, "links")
		return known >= want, err
	})
	if err != nil {
		return 0, fmt.Errorf("%d of %d links are known after %.3g s of CPU: %w", known, want, w.cpu().Seconds(), err)
	}
	if len(found.links) < want {
		return time.Since(began), nil
	}
	return found.last.Sub(began), nil // lines of the log come together, with their times
}

// waitCount waits until a list has so many items.
func (w *world) waitCount(ctx context.Context, list string, want int) error {
	n := 0
	err := until(ctx, 50*time.Millisecond, func() (bool, error) {
		var err error
		n, err = w.count(ctx, list)
		return n >= want, err
	})
	if err != nil {
		return fmt.Errorf("%d of %d %s are known after %.3g s of CPU: %w", n, want, list, w.cpu().Seconds(), err)
	}
	return nil
}

// populate connects all switches, makes all hosts known, and waits until no
// switch changes.
func (w *world) populate(ctx context.Context) error {
	took, err := w.connect(ctx)
	if err != nil {
		return err
	}
	w.note("%d links known after %v", w.grid.directed(), took.Round(time.Millisecond))
	if _, err := w.grid.quiet(ctx, 2*time.Second); err != nil { // ports count as edges after a second
		return err
	}
	if err := w.learn(ctx); err != nil {
		return err
	}
	_, err = w.grid.quiet(ctx, time.Second)
	return err
}

// learn has the hosts speak until all are known.
func (w *world) learn(ctx context.Context) error {
	want := w.grid.size() * w.grid.hosts
	if want == 0 {
		return nil
	}
	began := time.Now()
	known := map[netip.Addr]bool{}
	first := w.grid.hostOf(0, 0)
	for round := 0; ; round++ {
		silent := func(a netip.Addr) bool { return !known[a] && (round > 0 || a == first) }
		if err := w.grid.speak(ctx, silent, 2000); err != nil {
			return err
		}
		if err := w.known(ctx, known); err != nil {
			return err
		}
		if len(known) >= want {
			w.note("%d hosts known after %v", want, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d hosts are known: %w", len(known), want, err)
		}
		if err := w.known(ctx, known); err != nil {
			return err
		}
	}
}

// known adds the addresses of the hosts that the daemon knows.
func (w *world) known(ctx context.Context, into map[netip.Addr]bool) error {
	type host struct {
		Addresses []string        `json:"addresses"`
		At        json.RawMessage `json:"at"`
	}
	hosts, err := pages[host](ctx, w.api, w.boss, "/hosts?per_page=1000")
	if err != nil {
		return err
	}
	for _, h := range hosts {
		for _, text := range h.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				into[a] = true
			}
		}
	}
	return nil
}

var errDied = errors.New("congad has ended by itself")

// watch returns a context that ends when the daemon does.
func (w *world) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-w.exited:
			cancel(errDied)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
