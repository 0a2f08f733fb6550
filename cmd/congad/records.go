package main

import (
	"fmt"
	"path/filepath"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
	"conga/stats"
)

// A decoder is how the records of a bucket are read.
type decoder struct {
	// promise is true if the daemon does not start where a record cannot be
	// read, since users count on it. Others are left out.
	promise bool
	// check returns a function that is given each record, in order of their
	// keys, and returns an error where the daemon's own reading fails.
	check func() func(key string, value []byte) error
}

// each returns the check of a decoder that looks at one record at a time.
func each(f func(key string, value []byte) error) func() func(string, []byte) error {
	return func() func(string, []byte) error { return f }
}

// decoders has all buckets of the store.
var decoders = map[store.Bucket]decoder{
	store.Allocations:  {promise: true, check: allocator.CheckLive},
	store.Maintenances: {promise: true, check: each(allocator.CheckMaintenance)},
	store.History:      {check: each(allocator.CheckHistory)},
	store.Keys:         {promise: true, check: each(auth.CheckKey)},
	store.Names:        {promise: true, check: each(auth.CheckName)},
	store.Network:      {check: each(checkNetwork)},
	store.Connections:  {check: each(connections.CheckRecord)},
	store.Statistics:   {check: checkCounts(stats.Accounts)},
	store.Receipts:     {check: checkCounts(stats.Receipts)},
	store.Sums:         {check: checkCounts(stats.Sums)},
	store.Audit:        {check: each(audit.CheckRecord)},
	store.Replays:      {check: each(replay.CheckRecord)},
	store.Webhooks:     {check: each(webhook.CheckRecord)},
}

// checkCounts returns the check of a bucket of the statistics.
func checkCounts(bucket stats.Bucket) func() func(string, []byte) error {
	return each(func(key string, value []byte) error {
		if err := stats.CheckRecord(bucket, key, value); err != nil {
			return store.Unreadable(buckets[bucket], key, err)
		}
		return nil
	})
}

// A reading checks the records of a store.
type reading struct {
	checks           map[store.Bucket]func(key string, value []byte) error
	promises, others int // records that cannot be read
	report           func(err error, promise bool)
}

// newReading returns a reading that reports each record that cannot be read.
func newReading(report func(err error, promise bool)) *reading {
	r := &reading{checks: map[store.Bucket]func(string, []byte) error{}, report: report}
	for bucket, d := range decoders {
		r.checks[bucket] = d.check()
	}
	return r
}

// record checks one record. What was found in pages that nothing leads to may
// be out of date, and is not read at a start. Nor is a bucket that is not
// known.
func (r *reading) record(rec store.Record) error {
	check := r.checks[rec.Bucket]
	if rec.Uncertain || check == nil {
		return nil
	}
	value := rec.Value
	if rec.Broken {
		value = store.Broken()
	}
	err := check(string(rec.Key), value)
	if err == nil {
		return nil
	}
	promise := decoders[rec.Bucket].promise
	if promise {
		r.promises++
	} else {
		r.others++
	}
	r.report(err, promise)
	return nil
}

// err returns the error of a store in which records cannot be read, and whose
// pages are whole.
func (r *reading) err(path string, records int) error {
	err := fmt.Errorf("%s: %d of %d records cannot be read: %w", path, r.promises+r.others, records, store.ErrDamaged)
	if r.promises == 0 {
		return fmt.Errorf("%w; congad starts without them", err)
	}
	return advise(err, filepath.Dir(path))
}
