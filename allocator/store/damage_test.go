package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	testRecords = 10_000
	pageBytes   = 4096
	mostInPage  = 80 // records of this test in one page
)

// plant makes a store of many records in several buckets and returns its file
// as it was while it was open, and after it was closed.
func plant(t *testing.T) (running, closed []byte, records map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conga.db")
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	records = map[string]string{}
	buckets := []Bucket{Allocations, Allocations, History, Audit, Network}
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < testRecords; {
		var ops []Op
		for range 250 {
			op := Op{Bucket: buckets[i%len(buckets)], Key: fmt.Sprintf("%08x-%d", r.Uint32(), i)}
			op.Value = fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, strings.Repeat("x", 50+r.IntN(150)))
			records[string(op.Bucket)+"/"+op.Key] = string(op.Value)
			ops = append(ops, op)
			i++
		}
		if err := b.Commit(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(t.Context(), Op{Bucket: Webhooks, Key: "one", Value: []byte(`{}`)}); err != nil { // in a bucket without a page
		t.Fatal(err)
	}
	records["webhooks/one"] = "{}"
	if running, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if closed, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return running, closed, records
}

// harm damages a file at a page of its choice, and returns how many pages it
// has touched.
func harm(r *rand.Rand, file []byte) (damaged []byte, what string, pages int) {
	file = bytes.Clone(file)
	_, heads, _ := openPages(bytes.NewReader(file), int64(len(file)))
	used := int(heads[0].pages)
	page, n := r.IntN(used), 1+r.IntN(3)
	n = min(n, used-page)
	part := file[page*pageBytes : (page+n)*pageBytes]
	switch r.IntN(5) {
	case 0:
		clear(part)
		return file, fmt.Sprintf("%d zeroed from page %d", n, page), n
	case 1:
		for i := range part {
			part[i] = byte(r.Uint32())
		}
		return file, fmt.Sprintf("%d of noise from page %d", n, page), n
	case 2:
		at := page*pageBytes + r.IntN(pageBytes)
		return file[:at], fmt.Sprintf("cut at byte %d of %d", at, used*pageBytes), used - page + 1
	case 3:
		other := r.IntN(used)
		copy(file[page*pageBytes:(page+1)*pageBytes], file[other*pageBytes:(other+1)*pageBytes])
		return file, fmt.Sprintf("page %d written over with page %d", page, other), 1
	}
	for i := range 16 { // the header of a page
		part[i] = byte(r.Uint32())
	}
	return file, fmt.Sprintf("noise in the header of page %d", page), 1
}

// TestDamages: whatever is damaged, opening says so in a sentence, or has all
// records; and what is in pages that are whole is read all the same.
func TestDamages(t *testing.T) {
	running, closed, records := plant(t)
	path := filepath.Join(t.TempDir(), "conga.db")
	refused, lostMost := 0, 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 0))
		original := closed
		if seed%2 == 0 {
			original = running
		}
		file, what, pages := harm(r, original)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		got, unnamed := map[string]string{}, map[string]string{}
		found, err := Examine(t.Context(), path, func(r Record) error {
			got[string(r.Bucket)+"/"+string(r.Key)] = string(r.Value)
			if r.Bucket == "" {
				unnamed[string(r.Key)] = string(r.Value)
			}
			if want := records[string(r.Bucket)+"/"+string(r.Key)]; want != string(r.Value) && !r.Uncertain {
				t.Errorf("%d, %s: record %s of %s is %q, want %q", seed, what, r.Key, r.Bucket, r.Value, want)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%d, %s: %v", seed, what, err)
		}
		readable := 0
		for key, value := range records {
			if _, name, _ := strings.Cut(key, "/"); got[key] == value || unnamed[name] == value {
				readable++
			}
		}
		if lost := len(records) - readable; lost > pages*mostInPage {
			t.Errorf("%d, %s: %d records are lost of %d pages: %v", seed, what, lost, pages, found.Damages)
		} else {
			lostMost = max(lostMost, lost)
		}
		if s := opens(t, path, records); s != "" {
			refused++
			if len(found.Damages) == 0 || strings.ContainsAny(s, "\n{}") || !strings.HasPrefix(s, "store: "+path+" is damaged: ") {
				t.Errorf("%d, %s: opening says %s; the examination found %v", seed, what, s, found.Damages)
			}
		} else if len(found.Damages) > 0 || readable != len(records) {
			t.Errorf("%d, %s: it opens, but the examination found %v", seed, what, found.Damages)
		}
		if after, err := os.ReadFile(path); err != nil || len(after) < len(file) {
			t.Errorf("%d, %s: the file was cut: %v", seed, what, err)
		}
	}
	t.Logf("%d of 100 were refused, at most %d records of %d were lost", refused, lostMost, len(records))
	if refused < 40 {
		t.Errorf("only %d of 100 damages were refused", refused)
	}
}

// TestDamagedHeads: each head is named by its own page, in one line.
func TestDamagedHeads(t *testing.T) {
	_, closed, records := plant(t)
	path := filepath.Join(t.TempDir(), "conga.db")
	const reason = ": a head of the file: it is not one"
	for _, pages := range [][]int{{0}, {1}, {0, 1}} {
		file := bytes.Clone(closed)
		var want []string
		for _, page := range pages {
			clear(file[page*pageBytes : (page+1)*pageBytes])
			want = append(want, fmt.Sprintf("page %d%s", page, reason))
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := Examine(t.Context(), path, nil)
		if err != nil || found.Records != len(records) {
			t.Errorf("heads %v: %d records, error %v", pages, found.Records, err)
		}
		for i, d := range found.Damages {
			if i >= len(want) || d.String() != want[i] {
				t.Errorf("heads %v: damage %d is %s", pages, i, d)
			}
		}
		if s := opens(t, path, records); !strings.Contains(s, "is damaged: "+want[0]) || strings.Contains(s, "\n") {
			t.Errorf("heads %v: opening says %q", pages, s)
		}
	}
}

// opens returns why a store does not open, "" if it does and has all records.
func opens(t *testing.T, path string, records map[string]string) string {
	t.Helper()
	b, err := OpenBolt(path)
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("error is %v", err)
		}
		return err.Error()
	}
	defer b.Close()
	n := 0
	for _, bucket := range []Bucket{Allocations, History, Audit, Network, Webhooks} {
		err := b.Scan(t.Context(), bucket, func(key string, value []byte) error {
			n++
			if records[string(bucket)+"/"+key] != string(value) {
				return fmt.Errorf("record %s is %q", key, value)
			}
			return nil
		})
		if err != nil {
			t.Errorf("a store that opens: %v", err)
		}
	}
	if n != len(records) {
		t.Errorf("a store that opens has %d records", n)
	}
	return ""
}

// TestDamageWhileRunning damages the file of a store that is in use: every call
// gets an error or what is right, and nothing is written any more.
func TestDamageWhileRunning(t *testing.T) {
	_, closed, records := plant(t)
	path := filepath.Join(t.TempDir(), "conga.db")
	for seed := range uint64(30) {
		if err := os.WriteFile(path, closed, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenBolt(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		file, what, _ := harm(r, closed)
		// In the file itself, as the disk would.
		if err := os.Truncate(path, int64(len(file))); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		for at := 2 * pageBytes; at < len(file); at += pageBytes { // not the heads
			if page := file[at:min(len(file), at+pageBytes)]; !bytes.Equal(page, closed[at:at+len(page)]) {
				if _, err := f.WriteAt(page, int64(at)); err != nil {
					t.Fatal(err)
				}
			}
		}
		f.Close()
		harmed := false
		for i := range 50 {
			err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: fmt.Sprintf("%08x", r.Uint32()), Value: []byte("v")})
			if harmed = harmed || errors.Is(err, ErrDamaged); err == nil && harmed || err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnwritable) {
				t.Errorf("%d, %s: commit %d: %v", seed, what, i, err)
			}
		}
		for _, bucket := range []Bucket{Allocations, History, Audit, Network} {
			err := b.Scan(t.Context(), bucket, func(key string, value []byte) error {
				if want, ok := records[string(bucket)+"/"+key]; ok && want != string(value) && strings.HasPrefix(what, "cut") {
					return fmt.Errorf("record %s is %q", key, value)
				}
				return nil
			})
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%d, %s: %v", seed, what, err)
			}
		}
		if err := b.Close(); err != nil {
			t.Errorf("%d, %s: Close: %v", seed, what, err)
		}
	}
}

// TestScanDoesNotHideMistakes: what panics in the caller's function is not
// damage.
func TestScanDoesNotHideMistakes(t *testing.T) {
	b := openTest(t)
	if err := b.Commit(t.Context(), Op{Bucket: Allocations, Key: "a", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v := recover(); v != "a mistake" {
			t.Errorf("recovered %v", v)
		}
		if err := b.Ready(context.Background()); err != nil {
			t.Errorf("Ready: %v", err)
		}
	}()
	_ = b.Scan(t.Context(), Allocations, func(string, []byte) error { panic("a mistake") })
}

// TestLargeStoreIsExaminedLater: damage of a large store that was closed in
// order is found while it is used.
func TestLargeStoreIsExaminedLater(t *testing.T) {
	_, closed, _ := plant(t)
	path := filepath.Join(t.TempDir(), "conga.db")
	file := bytes.Clone(closed)
	_, heads, _ := openPages(bytes.NewReader(file), int64(len(file)))
	w, err := inspect(t.Context(), &pageFile{bytes.NewReader(file), int64(len(file)), pageBytes}, heads[0], nil)
	if err != nil || len(w.damages) > 0 {
		t.Fatal(err, w.damages)
	}
	for id := range w.seen.all() {
		if id != heads[0].root && file[id*pageBytes+8] == leafPage {
			clear(file[id*pageBytes : (id+1)*pageBytes])
			break
		}
	}
	for _, c := range []struct {
		content []byte
		damaged bool
	}{{closed, false}, {file, true}} {
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := open(path, discard, 0)
		if err != nil {
			t.Fatal(err)
		}
		b.examined.Wait()
		if err := b.Ready(t.Context()); errors.Is(err, ErrDamaged) != c.damaged || (err != nil) != c.damaged {
			t.Errorf("damaged %t, Ready says %v", c.damaged, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
