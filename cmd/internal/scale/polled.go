//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
	"conga/stats/history/disk"
)

const (
	// perSwitch is how many allocations begin at each switch, and end at the
	// next: each end has four entries, two in either direction for two ports,
	// beside those for fragments: a switch has 100 that are asked for.
	perSwitch = 12
	// pollEvery is how often the daemon asks each switch.
	pollEvery = 5 * time.Second
	// fills is how long runs are kept, by the time that is measured: until then
	// the history takes memory.
	fills = 1.6
)

// polled measures what it costs to ask switches with many entries for their
// counters, and to keep what they tell: time, memory that is still growing once
// the history of a quarter of an hour is full, and disk.
func polled(side int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		g := newGrid(r.side(side), 1)
		w, err := r.newWorldOf(ctx, g, g.attached())
		if err != nil {
			return err
		}
		defer w.end()
		ctx, stop := w.watch(ctx)
		defer stop()
		step, cancel := r.within(ctx)
		defer cancel()
		if _, err := w.connect(step); err != nil {
			return err
		}
		if _, err := w.grid.quiet(step, 2*time.Second); err != nil { // ports count as edges after a second
			return err
		}
		flows, err := w.allocateNext(ctx, perSwitch*w.grid.size())
		if err != nil {
			return err
		}
		r.figure("entries/switch", float64(w.grid.allocationEntries())/float64(w.grid.size()))
		go w.trickle(ctx, flows)
		if err := sleep(ctx, time.Duration(fills*float64(r.time))); err != nil {
			return err
		}
		return r.measurePolls(ctx, w)
	}
}

// attached returns the configuration of a network that carries allocations
// only, so that each switch has their entries and few more, and that is told
// where the hosts are.
func (g *grid) attached() string {
	b := []byte("network:\n  forwarding: none\n  attachments:\n")
	for i, s := range g.Switches() {
		b = fmt.Appendf(b, "  - {prefix: %v/32, at: \"%v:1\"}\n", g.hostOf(i, 0), s.DPID())
	}
	return string(b)
}

// measurePolls measures what the polls of some time cost.
func (r *run) measurePolls(ctx context.Context, w *world) error {
	before, _, err := memoryOf(w.pid())
	if err != nil {
		return err
	}
	store := sizeOf(w.data()) - sizeOf(filepath.Join(w.data(), "history"))
	w.grid.recorder.reset(false)
	m := w.measure()
	if err := sleep(ctx, r.time); err != nil {
		return err
	}
	share, took := m.share(), time.Since(m.began)
	m.end()
	polls := w.grid.recorder.sum().polls
	after, _, err := memoryOf(w.pid())
	if err != nil {
		return err
	}
	const mebi = 1 << 20
	history := sizeOf(filepath.Join(w.data(), "history"))
	grown := sizeOf(w.data()) - history - store
	r.figure("cores", share)
	r.figure("s/poll", took.Seconds()*float64(w.grid.size())/float64(max(1, polls)))
	r.figure("MiB", after)
	r.figure("grown-MiB", after-before)
	r.figure("disk-MiB", float64(history+store+grown)/mebi)
	// The history has a size that it never passes, in a year or ten; the store
	// writes what is carried over what was carried before.
	r.figure("year-MiB", float64(disk.Size(disk.DefaultTracks, pollEvery)-history)/mebi)
	r.figure("store-grown-MiB", float64(grown)/mebi)
	return nil
}

// A datagram is one that a host sends.
type datagram struct {
	from  *ofswitch.Host
	frame []byte
}

// allocateNext makes allocations between the hosts of neighbouring switches,
// and returns a datagram of each.
func (w *world) allocateNext(ctx context.Context, n int) (flows []datagram, err error) {
	const batch = 500
	hosts := w.grid.Hosts()
	for first := 0; first < n; first += batch {
		err := each(ctx, min(batch, n-first), func(ctx context.Context, i int) error {
			return w.allocateBetween(ctx, hosts, first+i)
		})
		if err != nil {
			return nil, err
		}
		if _, err := w.grid.quiet(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
	for i := range n {
		from, to := w.grid.pair(i)
		flows = append(flows, datagram{hosts[from], ofswitch.Datagram{
			SrcMAC: hosts[from].MAC(), DstMAC: hosts[to].MAC(), Size: 200 + i%1000,
			Src: netip.AddrPortFrom(hosts[from].Addr(), 9), Dst: netip.AddrPortFrom(hosts[to].Addr(), portOf(i)),
		}.UDP()})
	}
	err = until(ctx, time.Second, func() (bool, error) {
		var pending []json.RawMessage
		_, err := w.call(ctx, w.key, "GET", "/allocations?state=pending&per_page=1", nil, &pending)
		return len(pending) == 0, err
	})
	w.note("%d allocations are active", n)
	return flows, err
}

// pair returns between which switches an allocation is, by its number.
func (g *grid) pair(i int) (from, to int) {
	from = i % g.size()
	return from, g.neighbour(from, 1, 0)
}

// portOf returns the first port of an allocation, by its number.
func portOf(i int) uint16 { return uint16(1024 + 4*i%60_000) }

// allocateBetween makes an allocation for two ports that need an entry each.
func (w *world) allocateBetween(ctx context.Context, hosts []*ofswitch.Host, i int) error {
	from, to := w.grid.pair(i)
	port := portOf(i)
	_, err := w.call(ctx, w.key, "POST", "/allocations", map[string]any{
		"project_id": project, "src_ip": hosts[from].Addr().String(), "dst_ip": hosts[to].Addr().String(), "protocol": "udp",
		"dst_port": fmt.Sprintf("%d,%d", port, port+3), "duration": 6 * 3600, "bandwidth": bandwidth,
	}, nil)
	return err
}

// trickle has most allocations carry something between any two polls, other
// ones and more or less each time, until ctx ends.
func (w *world) trickle(ctx context.Context, flows []datagram) {
	random := rand.New(rand.NewPCG(8, 967253))
	const parts = 50
	pace := time.NewTicker(pollEvery / parts)
	defer pace.Stop()
	for part := 0; ; part = (part + 1) % parts {
		for i := part; i < len(flows); i += parts {
			if random.IntN(5) > 0 {
				flows[i].from.Send(flows[i].frame)
			}
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// allocationEntries returns how many entries of allocations the switches hold.
func (g *grid) allocationEntries() (n int) {
	for _, s := range g.Switches() {
		for _, e := range s.Flows(openflow.TableAll) {
			if kind, _ := purpose.ReadCookie(e.Cookie); kind == purpose.Allocation {
				n++
			}
		}
	}
	return n
}

// sizeOf returns how many bytes the files of a directory have.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is gone
		}
		if info, err := e.Info(); err == nil && e.Type().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
