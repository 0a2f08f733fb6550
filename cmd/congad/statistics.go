package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/openflow"
	"conga/stats"
	"conga/stats/history/disk"
)

// openStatistics makes the poller, and loads what it has counted before.
func (d *daemon) openStatistics(ctx context.Context) (err error) {
	d.history = disk.Open(disk.Config{
		Dir:    filepath.Join(d.cfg.Data, historyName),
		Tracks: d.cfg.Stats.History.Tracks, Interval: d.cfg.Stats.Interval.Duration(),
		Log: d.log.With("part", "history"),
	})
	d.poller, err = stats.New(ctx, stats.Config{
		Source:   d.controller,
		MeterID:  d.controller.MeterID,
		Busy:     d.controller.Busy,
		Interval: d.cfg.Stats.Interval.Duration(),
		Archive:  archive{d.store},
		History:  d.history,
		Owner:    owners(d.allocator),
		Frames: func(at topology.PortID, entered stats.Rate) {
			d.controller.FramesSeen(at, entered.Bits, entered.Packets)
		},
		Loads:    d.metersSeen,
		Drops:    d.metersDrop,
		Watched:  d.controller.WaysOfLoans,
		Sends:    d.controller.PortsSeen,
		Received: d.controller.Received,
		Degraded: d.degraded(),
		Idleness: func(project string) stats.Idleness { return (*d.idleness.Load())[project] },
		Idle:     d.idle(),
		Reclaim:  d.reclaim,
		Log:      d.log.With("part", "stats"),
	})
	return err
}

// historyCheck tells operators that the history is not kept on the disk. The
// daemon does all that it promises without.
func (d *daemon) historyCheck() httpapi.Check {
	return httpapi.Check{
		Name:  "history",
		Ready: func(context.Context) error { return nil },
		Limitations: func() (told []string) {
			for _, err := range d.history.Troubles() {
				told = append(told, err.Error())
			}
			return told
		},
	}
}

// metersSeen tells the controller what the meters of a switch had to carry.
func (d *daemon) metersSeen(dpid openflow.DPID, at time.Time, loads []stats.MeterLoad) {
	d.controller.MetersSeen(dpid, at, byMeter(at, loads))
}

// metersDrop tells the controller what those meters of a switch had to carry
// that drop.
func (d *daemon) metersDrop(dpid openflow.DPID, at time.Time, loads []stats.MeterLoad) {
	d.controller.MetersDrop(dpid, byMeter(at, loads))
}

// byMeter returns what meters had to carry until a moment, by their
// identifiers.
func byMeter(at time.Time, loads []stats.MeterLoad) map[openflow.MeterID]flow.Load {
	carried := make(map[openflow.MeterID]flow.Load, len(loads))
	for _, l := range loads {
		id := purpose.PolicerOf(l.Of)
		if l.Kind == purpose.MeterBestEffort {
			id, _ = purpose.PortID(openflow.PortNo(l.Of))
		}
		carried[id] = flow.Load{At: at, Span: l.Span, Entered: l.Entered, Dropped: l.Dropped}
	}
	return carried
}

// owners returns a function that returns what the statistics need to know of an
// allocation, and whether it exists. It counts as existing if that cannot be
// found out.
func owners(from *allocator.Allocator) func(id string) (stats.Owner, bool) {
	return func(id string) (stats.Owner, bool) {
		a, err := from.Get(id)
		e, failed := errors.AsType[*allocator.Error](err)
		return ownerOf(a), !failed || e.Kind != allocator.NotFound
	}
}

// ownerOf returns what the statistics need to know of an allocation.
func ownerOf(a allocator.Allocation) stats.Owner {
	var p path.Path
	if a.State == allocator.Active {
		p = a.Path
	}
	return stats.Owner{
		Project: a.ProjectID, Complete: a.State == allocator.Complete, Started: a.Started, Spare: a.Class == allocator.Scavenger,
		Path: p, Moving: a.Moving(),
		Window:    stats.Span{Start: int64(a.Window.Start), End: int64(a.Window.End)},
		Shortfall: stats.Shortfall{Cause: causes[a.Shortfall.Lack], Why: a.Shortfall.Why},
	}
}

// causes maps what allocations lack to what the statistics call it.
var causes = map[allocator.Lack]stats.Cause{
	allocator.NoPath: stats.LostPath, allocator.NoRoom: stats.Narrowed, allocator.NotEnforced: stats.Unenforced,
}

// degraded returns a function that publishes that an allocation has become
// degraded, or is no longer.
func (d *daemon) degraded() func(id string) {
	publish := httpapi.Degraded(d.services.events, d.losing)
	return func(id string) {
		if a, err := d.allocator.Get(id); err == nil {
			publish(a)
		}
	}
}

// idle returns a function that publishes that an allocation is idle, or no
// longer.
func (d *daemon) idle() func(id string, i stats.Idle) {
	publish := httpapi.Idle(d.services.events, d.losing)
	return func(id string, i stats.Idle) {
		if a, err := d.allocator.Get(id); err == nil && a.State != allocator.Complete {
			publish(a, i)
		}
	}
}

// reclaim releases an allocation that has been idle for too long. If it cannot
// be, that is tried again.
func (d *daemon) reclaim(id string, i stats.Idle) {
	err := d.allocator.Reclaim(context.Background(), id, httpapi.IdleReason(i))
	e, _ := errors.AsType[*allocator.Error](err)
	switch {
	case err == nil:
		d.reclaimed.Add(1)
		d.log.Info("allocation released, since it was idle", "allocation", id, "since", i.Since)
	case e == nil || e.Kind == allocator.Internal:
		d.log.Warn("an allocation that is idle could not be released", "allocation", id, "err", err)
	}
}

// losing returns which of an allocation's traffic is lost.
func (d *daemon) losing(id string) string { return d.poller.Losing(id) }

// notify returns a function that tells the event hub and the statistics of a
// change of an allocation. The allocator calls it under its lock.
func (d *daemon) notify() func(a allocator.Allocation, deleted bool) {
	publish := httpapi.Notifier(d.services.events, d.losing)
	return func(a allocator.Allocation, deleted bool) {
		publish(a, deleted)
		d.poller.Changed(a.ID, ownerOf(a), deleted)
	}
}

// pruned tells the statistics of allocations that are removed because they are
// old.
func (d *daemon) pruned(id string) { d.poller.Changed(id, stats.Owner{}, true) }

// reserved returns what allocations hold of a link now.
func (d *daemon) reserved(l topology.LinkID) bitrate.Rate {
	now := path.SecondsOf(d.allocator.Now())
	return d.allocator.Reserved(l, allocator.Window{Start: now, End: now + 1})
}

// A countedNetwork is the network as the scheduler sees it. It tells the
// statistics of every circuit before the controller, so that they miss no
// packet of it.
type countedNetwork struct {
	*controller.Controller
	poller *stats.Poller
}

// Restore implements [scheduler.Network].
func (c countedNetwork) Restore(circuits []path.Circuit) {
	for _, one := range circuits {
		c.poller.Install(one)
	}
	c.Controller.Restore(circuits)
}

// Install implements [scheduler.Network].
func (c countedNetwork) Install(ctx context.Context, one path.Circuit) error {
	c.poller.Install(one)
	err := c.Controller.Install(ctx, one)
	if err == nil {
		c.poller.Confirmed(one)
	}
	return err
}

// Remove implements [scheduler.Network].
func (c countedNetwork) Remove(ctx context.Context, id string) error {
	err := c.Controller.Remove(ctx, id)
	if err == nil {
		c.poller.Leave(id)
	}
	return err
}

// An archive keeps in the store what allocations have carried.
type archive struct{ store store.Store }

// buckets maps the buckets of the archive to those of the store.
var buckets = map[stats.Bucket]store.Bucket{stats.Accounts: store.Statistics, stats.Receipts: store.Receipts, stats.Sums: store.Sums}

// Get implements [stats.Archive].
func (a archive) Get(ctx context.Context, bucket stats.Bucket, key string) ([]byte, error) {
	return a.store.Get(ctx, buckets[bucket], key)
}

// Range implements [stats.Archive].
func (a archive) Range(ctx context.Context, bucket stats.Bucket, after string, f func(key string, value []byte) bool) error {
	if after != "" {
		after += "\x00" // the lowest key that is higher
	}
	return a.store.Range(ctx, buckets[bucket], store.Span{From: after}, func(key string, value []byte) error {
		if !f(key, value) {
			return store.ErrStop
		}
		return nil
	})
}

// Save implements [stats.Archive].
func (a archive) Save(ctx context.Context, records []stats.Record) error {
	ops := make([]store.Op, len(records))
	for i, r := range records {
		ops[i] = store.Op{Bucket: buckets[r.Bucket], Key: r.Key, Value: r.Value}
	}
	return a.store.Commit(ctx, ops...)
}
