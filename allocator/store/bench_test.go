package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// BenchmarkCommit compares the durable commits/s of [Bolt] with those of
// bbolt's own two ways, on the same disk in the same run. Batch is also given
// the delay and the size that suit the number of writers best, which cannot be
// known beforehand.
func BenchmarkCommit(b *testing.B) {
	value := make([]byte, 300) // an allocation's record
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d/conga", writers), func(b *testing.B) {
			s := openTest(b)
			benchWriters(b, writers, func(key string) error {
				return s.Commit(b.Context(), Op{Bucket: Allocations, Key: key, Value: value})
			})
		})
		b.Run(fmt.Sprintf("writers=%d/bbolt.Update", writers), func(b *testing.B) {
			db := openPlain(b)
			benchWriters(b, writers, func(key string) error {
				return db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte(key), value) })
			})
		})
		b.Run(fmt.Sprintf("writers=%d/bbolt.Batch", writers), func(b *testing.B) {
			benchBatch(b, openPlain(b), writers, value)
		})
		b.Run(fmt.Sprintf("writers=%d/bbolt.Batch-tuned", writers), func(b *testing.B) {
			db := openPlain(b)
			db.MaxBatchSize, db.MaxBatchDelay = writers, 200*time.Microsecond
			benchBatch(b, db, writers, value)
		})
	}
}

func benchBatch(b *testing.B, db *bbolt.DB, writers int, value []byte) {
	benchWriters(b, writers, func(key string) error {
		return db.Batch(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte(key), value) })
	})
}

// benchWriters shares b.N commits of fresh keys among the writers.
func benchWriters(b *testing.B, writers int, put func(key string) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := put(fmt.Sprintf("%016x", n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// openPlain opens bbolt the way its own documentation does.
func openPlain(b *testing.B) *bbolt.DB {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "plain.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}
