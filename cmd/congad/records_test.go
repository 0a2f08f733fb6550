package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conga/allocator"
	"conga/allocator/store"
	"conga/cmd/internal/config"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/httpapi/replay"
	"conga/httpapi/webhook"
)

// TestEveryBucketHasADecoder: what store.go names, store check reads.
func TestEveryBucketHasADecoder(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../allocator/store/store.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Bucket" {
			names++
			bucket := store.Bucket(strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			if decoders[bucket].check == nil {
				t.Errorf("no decoder for %s", bucket)
			}
		}
		return true
	})
	if names != len(decoders) || names < 12 {
		t.Errorf("%d buckets, %d decoders", names, len(decoders))
	}
}

// filled makes a store with records in every bucket and returns its
// configuration.
func filled(t *testing.T) config.Config {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	text := strings.Replace(fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0"),
		`api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", plaintext: true}`, 1)
	writeConfig(t, file, text)
	cfg, err := config.Load(file, config.Overrides{}, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	disk, err := store.OpenBolt(storeFile(cfg.Data))
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile("testdata/upgrade/v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	plant(t, disk, old)
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	d, _, err := opened(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		_, _, err = d.keys.IssueFor(ctx, auth.Identity{User: fmt.Sprint("user", i), Issuer: "https://issuer.example", Subject: fmt.Sprint("s", i)}, "projectB")
		fail(err)
		_, err = d.services.webhooks.Create(ctx, webhook.Hook{Project: "projectB", User: "u", URL: fmt.Sprintf("https://h%d.example/in", i)}, nil)
		fail(err)
		d.services.audit.Refuse(ctx, audit.Record{Action: "allocation.create", User: "u", Project: "projectB", Status: 403})
		attempt, _, err := d.services.replays.Begin("projectB", fmt.Sprint("key", i), replay.Digest{1})
		fail(err)
		_, err = d.allocator.Create(ctx, allocator.Request{
			UserID: "u", ProjectID: "projectB", Duration: 8000,
			Key: path.FlowKey{Src: path.Host(netip.MustParseAddr(fmt.Sprintf("10.9.0.%d", i+1))), Dst: path.Host(netip.MustParseAddr("10.9.1.1"))},
		}, func(_, after *allocator.Allocation) ([]store.Op, error) {
			return attempt.Ops(replay.Answer{Status: 201, Body: []byte(after.ID)})
		})
		fail(err)
		attempt.End(true)
		_, err = d.reports.Report(ctx, "projectB", []connections.Report{{
			Protocol: connections.TCP, Destination: netip.MustParseAddrPort("10.9.1.1:80"),
			Source: connections.Source{Addr: netip.AddrPortFrom(netip.MustParseAddr("10.9.0.1"), uint16(1000+i)), User: "u"},
		}})
		fail(err)
	}
	fail(d.store.Commit(ctx, store.Op{Bucket: store.Maintenances, Key: "m1", Value: []byte(`{"id":"m1","element":"0000000000000001","window":{"start":1,"end":2},"created":1}`)}))
	saved := sample()
	saved.Switches = []topology.SavedSwitch{{DPID: 1, Desc: "a switch", Tables: 3}}
	fail(savedNetwork{store: d.store, log: d.log}.Save(topology.SavedChange{Saved: saved}))
	fail(stopped(d))
	return cfg
}

// stopped runs a daemon for no time and closes it.
func stopped(d *daemon) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return errors.Join(d.run(ctx), d.close())
}

// opened opens a daemon and returns it with what it has logged.
func opened(t *testing.T, cfg config.Config) (*daemon, *bytes.Buffer, error) {
	t.Helper()
	var said bytes.Buffer
	d, err := open(t.Context(), cfg, slog.New(slog.NewTextHandler(&said, nil)), new(slog.LevelVar))
	return d, &said, err
}

// inventory returns how many records of some buckets a daemon has taken in.
func inventory(t *testing.T, d *daemon) map[store.Bucket]int {
	t.Helper()
	past, err := d.allocator.Step(t.Context(), allocator.Filter{State: allocator.Complete}, allocator.Walk{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := savedNetwork{store: d.store, log: d.log}.Load()
	if err != nil {
		t.Fatal(err)
	}
	return map[store.Bucket]int{
		store.Allocations:  len(d.allocator.Live("")),
		store.History:      len(past.List),
		store.Maintenances: len(d.allocator.Maintenances()),
		store.Keys:         len(d.keys.Held(func(auth.Key) bool { return true })),
		store.Audit:        d.services.audit.Len(),
		store.Webhooks:     len(d.services.webhooks.List(func(string) bool { return true })),
		store.Connections:  d.reports.Len(),
		store.Network:      len(saved.Links) + len(saved.Ports) + len(saved.Hosts) + len(saved.Switches),
	}
}

// TestOneByteOfARecord changes single bytes within values. The daemon starts
// with all that is not hit, or ends with the code of a damaged store and names
// the record if that is a promise; store check agrees.
func TestOneByteOfARecord(t *testing.T) {
	cfg := filled(t)
	db := storeFile(cfg.Data)
	keep(t, db)
	var records []store.Record
	seen := map[store.Bucket]bool{}
	if _, err := store.Examine(t.Context(), db, func(r store.Record) error {
		seen[r.Bucket] = true
		if len(r.Value) > 0 {
			records = append(records, store.Record{Bucket: r.Bucket, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for bucket := range decoders {
		if !seen[bucket] {
			t.Errorf("no record of %s", bucket)
		}
	}
	d, said, err := opened(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := inventory(t, d)
	if err := stopped(d); err != nil || strings.Contains(said.String(), "left out") {
		t.Fatalf("%v; %s", err, said)
	}
	random := rand.New(rand.NewPCG(10, 14))
	outcomes := map[string]int{}
	for range 200 {
		// Each bucket has its share of the changes.
		bucket := slices.Sorted(maps.Keys(decoders))[random.IntN(len(decoders))]
		of := slices.DeleteFunc(slices.Clone(records), func(r store.Record) bool { return r.Bucket != bucket })
		r := of[random.IntN(len(of))]
		value := bytes.Clone(r.Value)
		value[random.IntN(len(value))] ^= byte(1 + random.IntN(255))
		restore(t, db)
		plantRecord(t, db, store.Op{Bucket: r.Bucket, Key: string(r.Key), Value: value})
		outcomes[hit{r.Bucket, string(r.Key), value}.judge(t, cfg, all)]++
	}
	t.Log(outcomes)
	for _, o := range []string{"refused", "left out", "started"} {
		if outcomes[o] < 20 {
			t.Errorf("%d times %s", outcomes[o], o)
		}
	}
}

// TestNoiseOfARecord changes single bytes within values in the file, behind the
// checksums. Each is noticed: the daemon does not start where the record is a
// promise, starts without it where it is not, and store check names it.
func TestNoiseOfARecord(t *testing.T) {
	cfg := filled(t)
	db := storeFile(cfg.Data)
	keep(t, db)
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	type position struct {
		bucket store.Bucket
		key    string
		values []int // offsets of its value in the file, old pages included
		length int
	}
	var records []position
	if _, err := store.Examine(t.Context(), db, func(r store.Record) error {
		p := position{bucket: r.Bucket, key: string(r.Key), length: len(r.Value)}
		both := append(bytes.Clone(r.Key), r.Value...) // a page has them side by side
		for from := 0; len(r.Value) > 0; {
			at := bytes.Index(whole[from:], both)
			if at < 0 {
				break
			}
			p.values = append(p.values, from+at+len(r.Key))
			from += at + len(both)
		}
		if len(p.values) > 0 {
			records = append(records, p)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	d, _, err := opened(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	all := inventory(t, d)
	if err := stopped(d); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(11, 14))
	outcomes := map[string]int{}
	for range 100 {
		r := records[random.IntN(len(records))]
		which, noise := random.IntN(r.length), byte(1+random.IntN(255))
		restore(t, db)
		for _, value := range r.values {
			overwrite(t, db, value+which, whole[value+which]^noise)
		}
		what := hit{r.bucket, r.key, store.Broken()}.judge(t, cfg, all)
		if outcomes[what]++; what == "started" {
			t.Errorf("noise in %q of %s is not noticed", r.key, r.bucket)
		}
	}
	t.Log(outcomes)
	for _, o := range []string{"refused", "left out"} {
		if outcomes[o] < 10 {
			t.Errorf("%d times %s", outcomes[o], o)
		}
	}
}

// keep notes what a file has, for restore.
func keep(t *testing.T, file string) {
	t.Helper()
	if err := copyFile(file, file+".whole"); err != nil {
		t.Fatal(err)
	}
}

// restore gives a file back what it had when it was noted. No byte goes through
// this process, where the race detector would look at each.
func restore(t *testing.T, file string) {
	t.Helper()
	if err := errors.Join(os.Remove(file), copyFile(file+".whole", file)); err != nil {
		t.Fatal(err)
	}
}

// overwrite changes a byte of a file.
func overwrite(t *testing.T, file string, at int, to byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{to}, int64(at))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func plantRecord(t *testing.T, db string, op store.Op) {
	t.Helper()
	disk, err := store.OpenBolt(db)
	if err == nil {
		err = errors.Join(disk.Commit(t.Context(), op), disk.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A hit is a record whose value was changed.
type hit struct {
	bucket store.Bucket
	key    string
	value  []byte
}

var leftOut = regexp.MustCompile(`records that cannot be read are left out.* records=(\d+)`)

// judge checks and starts a store with a hit, and returns what became of it.
func (h hit) judge(t *testing.T, cfg config.Config, all map[store.Bucket]int) string {
	t.Helper()
	var checked, ended bytes.Buffer
	a := &app{err: &checked, started: true}
	code := a.end(a.checkStore(t.Context(), storeFile(cfg.Data)))
	refuses := strings.Count(checked.String(), "; congad does not start\n")
	spares := strings.Count(checked.String(), "; congad starts without it\n")
	if code != exitDamaged && refuses+spares > 0 || code != exitOK && refuses+spares != 1 {
		t.Errorf("%s %q %q: check: %d %s", h.bucket, h.key, h.value, code, &checked)
	}
	d, said, err := opened(t, cfg)
	if refuses > 0 {
		code := (&app{err: &ended, started: true}).end(err)
		for _, words := range []string{" cannot be read: ", "congad store export FILE"} {
			if code != exitDamaged || !strings.Contains(ended.String(), words) {
				t.Errorf("%s %q %q: start: %d %s", h.bucket, h.key, h.value, code, &ended)
			}
		}
		what, _, _ := strings.Cut(strings.TrimPrefix(checked.String(), storeFile(cfg.Data)+": "), " cannot be read")
		if !strings.Contains(ended.String(), what) && !strings.Contains(ended.String(), "the same") {
			t.Errorf("%s %q: check names %s, the start says %s", h.bucket, h.key, what, &ended)
		}
		return "refused"
	}
	if err != nil {
		t.Fatalf("%s %q %q: %v, check: %s", h.bucket, h.key, h.value, err, &checked)
	}
	got := inventory(t, d) // which reads the saved network, as the controller will
	warnings := leftOut.FindAllStringSubmatch(said.String(), -1)
	unread := h.bucket == store.History || h.bucket == store.Receipts || h.bucket == store.Sums // at a start, or not all
	if len(warnings) > spares || len(warnings) < spares && !unread {
		t.Errorf("%s %q %q: check: %s; the start says %s", h.bucket, h.key, h.value, &checked, said)
	}
	for bucket, n := range got {
		least, most := all[bucket], all[bucket]
		if bucket == h.bucket {
			least--
		}
		if h.bucket == store.Allocations && bucket == store.History {
			most++ // it may read as a complete one
		}
		if n < least || n > most {
			t.Errorf("%s %q %q: %d of %s, %d before", h.bucket, h.key, h.value, n, bucket, all[bucket])
		}
	}
	if err := stopped(d); err != nil {
		t.Errorf("%s %q %q: %v", h.bucket, h.key, h.value, err)
	}
	if spares > 0 {
		return "left out"
	}
	return "started"
}
