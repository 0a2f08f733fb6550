//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/cmd/internal/figures"
	"conga/controller/path"
	"conga/openflow"
)

// openings is how often a store is opened; the median counts.
const openings = 15

// A completedRecord is a complete allocation in version 1 of the records, which
// later versions read, too.
type completedRecord struct {
	Version int    `json:"v"`
	Seq     uint64 `json:"seq"`
	Started bool   `json:"started"`
	allocator.Allocation
}

// completed measures how long the daemon takes to open a store with so many
// allocations that are complete, and what memory it needs then, beside an empty
// store.
func completed(n int) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		empty, err := r.open(ctx, 0)
		if err != nil {
			return err
		}
		full, err := r.open(ctx, r.divided(n, 1000))
		if err != nil {
			return err
		}
		r.figure("empty-opening-s", empty.took)
		r.figure("opening-s", full.took)
		r.figure("empty-MiB", empty.memory)
		r.figure("MiB", full.memory)
		r.figure("opening-ratio", full.took/empty.took)
		r.figure("memory-ratio", full.memory/empty.memory)
		return nil
	}
}

// An opening is what the daemon needs to open a store.
type opening struct{ took, memory float64 } // seconds, MiB

// open makes a store, has a daemon open it once, which may change its form, and
// measures the next times. What the change leaves free in the file is removed:
// a store that has grown in use has next to no free pages.
func (r *run) open(ctx context.Context, records int) (opening, error) {
	ctx, cancel := r.within(ctx)
	defer cancel()
	d, err := startDaemon(ctx, daemonOptions{program: r.program, keep: r.keep, prepare: func(data string) error {
		return writeCompleted(ctx, data, records)
	}})
	if err != nil {
		return opening{}, err
	}
	defer d.stop()
	d.end()
	if err := rewrite(ctx, filepath.Join(d.data(), "conga.db")); err != nil {
		return opening{}, err
	}
	var took, memory []float64
	for range openings {
		if err := d.restart(ctx); err != nil {
			return opening{}, err
		}
		took = append(took, d.opened.Seconds())
		if err := sleep(ctx, time.Second); err != nil {
			return opening{}, err
		}
		now, _, err := memoryOf(d.pid())
		if err != nil {
			return opening{}, err
		}
		memory = append(memory, now)
	}
	return opening{figures.Median(took), figures.Median(memory)}, nil
}

// writeCompleted writes a store with allocations that have been complete since
// yesterday.
func writeCompleted(ctx context.Context, data string, n int) error {
	if n == 0 {
		return nil
	}
	db, err := store.OpenBolt(filepath.Join(data, "conga.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	end := time.Now().Add(-24 * time.Hour).Unix()
	w := batches{store: db}
	for i := range n {
		value, err := json.Marshal(completedAt(i, allocator.Seconds(end)))
		if err != nil {
			return err
		}
		if err := w.add(ctx, store.Op{Bucket: store.Allocations, Key: completedID(i), Value: value}); err != nil {
			return err
		}
	}
	return errors.Join(w.flush(ctx), db.Close())
}

// rewrite copies the records of a store into a new file, which replaces it.
func rewrite(ctx context.Context, file string) error {
	db, err := store.OpenBolt(file + ".new")
	if err != nil {
		return err
	}
	defer db.Close()
	w := batches{store: db}
	found, err := store.Examine(ctx, file, func(r store.Record) error {
		return w.add(ctx, store.Op{Bucket: r.Bucket, Key: string(r.Key), Value: append([]byte{}, r.Value...)})
	})
	if err == nil && len(found.Damages) > 0 {
		err = fmt.Errorf("%s is damaged: %s", file, found.Damages[0])
	}
	if err := errors.Join(err, w.flush(ctx), db.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// batches commits operations in batches.
type batches struct {
	store store.Store
	ops   []store.Op
}

func (b *batches) add(ctx context.Context, op store.Op) error {
	if b.ops = append(b.ops, op); len(b.ops) < 10_000 {
		return nil
	}
	return b.flush(ctx)
}

func (b *batches) flush(ctx context.Context) error {
	defer func() { b.ops = b.ops[:0] }()
	return b.store.Commit(ctx, b.ops...)
}

func completedID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i) }

func completedAt(i int, end allocator.Seconds) completedRecord {
	hops := path.Path{}
	for d := range 5 {
		hops = append(hops, path.Hop{DPID: openflow.DPID(1 + (i+d)%100), In: 11, Out: 12})
	}
	host := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }
	return completedRecord{Version: 1, Seq: uint64(i + 1), Started: true, Allocation: allocator.Allocation{
		ID: completedID(i), Handle: uint32(i + 1), Revision: 3, Created: end - 7200,
		Request: allocator.Request{
			UserID: user, ProjectID: project, Duration: 3600, Bandwidth: bandwidth,
			Key: path.FlowKey{Src: path.Host(host(1 + i%1000)), Dst: path.Host(host(2001 + i%1000)), Proto: path.ProtoTCP, SrcPort: path.Port(uint16(1 + i%60_000))},
		},
		State: allocator.Complete, Window: allocator.Window{Start: end - 3600, End: end}, Path: hops,
	}}
}
