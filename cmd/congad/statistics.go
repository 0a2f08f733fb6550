package main

import (
	"context"
	"fmt"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/controller"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats"
)

// openStatistics makes what counts, and loads what it has counted before.
func (d *daemon) openStatistics(ctx context.Context) (err error) {
	d.poller, err = stats.New(ctx, stats.Config{
		Source:   d.controller,
		Interval: d.cfg.Stats.Interval.Duration(),
		Cookie:   readCookie,
		Meter:    readMeter,
		Archive:  archive{d.store},
		Known:    d.allocator.Known,
		Logger:   d.log.With("part", "stats"),
	})
	return err
}

// reserved is what allocations hold of a link now.
func (d *daemon) reserved(l topology.LinkID) topology.BitRate {
	now := time.Now().Unix()
	return d.allocator.Reserved(l, allocator.Window{Start: now, End: now + 1})
}

// readCookie says in the words of the statistics what an entry is for.
func readCookie(c openflow.Cookie) (string, uint64) {
	kind, owner, ours := flow.ReadCookie(c)
	switch {
	case !ours:
		return stats.KindForeign, 0
	case kind == flow.KindAllocation:
		return stats.KindAllocation, owner
	case kind == flow.KindForward:
		return stats.KindForward, owner
	}
	return stats.KindControl, owner
}

// readMeter says in the words of the statistics what a meter is for.
func readMeter(id openflow.MeterID) (string, uint32) {
	kind, of := flow.ReadMeter(id)
	switch kind {
	case flow.MeterPort:
		return stats.MeterBestEffort, of
	case flow.MeterPolicer:
		return stats.MeterPolicer, of
	case flow.MeterFlood:
		return stats.MeterFlood, of
	case flow.MeterUnknown:
		return stats.MeterUnknown, of
	}
	return stats.MeterForeign, of
}

// counted is the network as the scheduler sees it: the statistics hear of every
// circuit before the network does, so that no packet of it is missed.
type counted struct {
	*controller.Controller
	poller *stats.Poller
}

// Restore implements [scheduler.Network].
func (c counted) Restore(circuits []path.Circuit) {
	for _, one := range circuits {
		c.poller.Install(one)
	}
	c.Controller.Restore(circuits)
}

// Install implements [scheduler.Network].
func (c counted) Install(ctx context.Context, one path.Circuit) error {
	c.poller.Install(one)
	return c.Controller.Install(ctx, one)
}

// Remove implements [scheduler.Network].
func (c counted) Remove(ctx context.Context, id string) error {
	err := c.Controller.Remove(ctx, id)
	if err == nil {
		c.poller.Leave(id)
	}
	return err
}

// archive keeps in the store what allocations have carried.
type archive struct{ store store.Store }

// Load implements [stats.Archive].
func (a archive) Load(ctx context.Context, f func(id string, value []byte) error) error {
	if err := a.store.Scan(ctx, store.Statistics, f); err != nil {
		return fmt.Errorf("what allocations have carried: %w", err)
	}
	return nil
}

// Save implements [stats.Archive].
func (a archive) Save(ctx context.Context, records map[string][]byte) error {
	ops := make([]store.Op, 0, len(records))
	for id, value := range records {
		ops = append(ops, store.Op{Bucket: store.Statistics, Key: id, Value: value})
	}
	return a.store.Commit(ctx, ops...)
}
