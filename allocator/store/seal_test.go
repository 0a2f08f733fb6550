package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// early writes a store of a version without checksums and returns its path and
// what it has.
func early(t *testing.T, records int) (path string, want map[string]string) {
	t.Helper()
	path, want = filepath.Join(t.TempDir(), "conga.db"), map[string]string{}
	db, err := bbolt.Open(path, 0o600, nil)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []Bucket{Allocations, Keys, History} {
				b, err := tx.CreateBucket([]byte(name))
				for i := 0; i < records && err == nil; i++ {
					key, value := fmt.Sprintf("key %05d", i), strings.Repeat(fmt.Sprintf("value %d of %s;", i, name), i%4)
					want[string(name)+"/"+key] = value
					err = b.Put([]byte(key), []byte(value))
				}
				if err != nil {
					return err
				}
			}
			_, err := tx.CreateBucket([]byte(Audit)) // which is empty
			return err
		})
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, want
}

// has checks that a store has these records.
func has(t *testing.T, b *Bolt, want map[string]string) {
	t.Helper()
	got := 0
	for _, bucket := range []Bucket{Allocations, Keys, History, Audit} {
		err := b.Scan(t.Context(), bucket, func(key string, value []byte) error {
			if got++; want[string(bucket)+"/"+key] != string(value) {
				t.Errorf("%s of %s is %q", key, bucket, value)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got != len(want) {
		t.Errorf("%d records, want %d", got, len(want))
	}
}

// A store without checksums is given some when it is opened, also if that ends
// after any of its transactions and goes on at the next opening.
func TestEarlyStoreIsSealed(t *testing.T) {
	path, want := early(t, sealBatch/2+100)
	for ends := 1; ; ends++ {
		db, err := openBolt(path)
		if err != nil {
			t.Fatal(err)
		}
		more := true
		for n := 0; n < ends && more; n++ {
			err := db.Update(func(tx *bbolt.Tx) (err error) {
				_, more, err = sealSome(tx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		records := map[string]string{}
		found, err := Examine(t.Context(), path, func(r Record) error {
			records[string(r.Bucket)+"/"+string(r.Key)] = string(r.Value)
			if r.Broken || r.Uncertain {
				t.Errorf("%s of %s is not whole", r.Key, r.Bucket)
			}
			return nil
		})
		if err != nil || len(found.Damages) > 0 || len(records) != len(want) || found.Records != len(want) {
			t.Fatalf("after %d transactions %d of %d records, %+v, error %v", ends, len(records), len(want), found.Damages, err)
		}
		if !more {
			break
		}
	}
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	has(t, b, want)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	path, want = early(t, 100)
	if b, err = OpenBolt(path); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	has(t, b, want)
}

// Noise within a value, of any size, is noticed by each way to read it, and by
// an examination. A counter of which the value is noise is added to no more.
func TestNoiseInAValue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conga.db")
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	value := func(i int) []byte { return []byte(fmt.Sprintf("the value %d, which is the only one", i)) }
	for i := range 50 {
		if err := b.Commit(t.Context(), Op{Bucket: Audit, Key: fmt.Sprint("key ", i), Value: value(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.Commit(t.Context(), Op{Bucket: History, Key: "count", Add: 0x1234567890}), b.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 9))
	for range 100 {
		i := random.IntN(50)
		harmed := bytes.Clone(whole)
		noise(random, harmed, value(i))
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		broken := ""
		found, err := Examine(t.Context(), path, func(r Record) error {
			if r.Broken {
				broken += string(r.Key)
			}
			return nil
		})
		key := fmt.Sprint("key ", i)
		if err != nil || broken != key || len(found.Damages) > 0 {
			t.Errorf("of noise in %s the examination says %q, %v, error %v", key, broken, found.Damages, err)
		}
		b, err := OpenBolt(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Get(t.Context(), Audit, key)
		if err != nil || Intact(got) == nil {
			t.Errorf("noise in %s is read as %q, error %v", key, got, err)
		}
		n := 0
		if err := b.Scan(t.Context(), Audit, func(k string, v []byte) error {
			if n++; (k == key) == (Intact(v) == nil) {
				t.Errorf("with noise in %s %s is read as %q", key, k, v)
			}
			return nil
		}); err != nil || n != 50 {
			t.Errorf("%d records are read, error %v", n, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	harmed := bytes.Clone(whole)
	noise(random, harmed, []byte{0x12, 0x34, 0x56, 0x78, 0x90})
	if err := os.WriteFile(path, harmed, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBolt(path); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Commit(t.Context(), Op{Bucket: History, Key: "count", Add: 1}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "its checksum is wrong") {
		t.Errorf("adding to noise: error %v", err)
	}
}

// noise changes some bytes of a value wherever a file has it.
func noise(r *rand.Rand, file, value []byte) {
	n, at := 1+r.IntN(4), 0
	from := r.IntN(len(value) - n + 1)
	mask := byte(1 + r.IntN(255))
	for found := bytes.Index(file, value); found >= 0; found = bytes.Index(file[at:], value) {
		at += found
		for i := range n {
			file[at+from+i] ^= mask
		}
		at++
	}
}
