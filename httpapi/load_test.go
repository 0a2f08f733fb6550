package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"conga/allocator"
	"conga/allocator/store"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/audit"
	"conga/httpapi/auth"
	"conga/httpapi/replay"
)

// BenchmarkDurableCreate measures POST /allocations down to the disk, 64 at a
// time, and what each thing costs that is saved together with an allocation.
func BenchmarkDurableCreate(b *testing.B) {
	for _, c := range []struct {
		name         string
		trail, again bool
	}{{"alone", false, false}, {"audited", true, false}, {"idempotent", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			disk, err := store.OpenBolt(filepath.Join(b.TempDir(), "conga.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer disk.Close()
			handler, key := durable(b, disk, c.trail)
			var n atomic.Int64
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					body := fmt.Sprintf(`{%s,"src_port":%d,"dst_port":%d,"protocol":"tcp"}`, good, 1+i%60_000, 1+i/60_000)
					r := httptest.NewRequest("POST", "/api/allocations", strings.NewReader(body))
					r.Header.Set("Content-Type", "application/json")
					r.Header.Set("Authorization", "Bearer "+key)
					if c.again {
						r.Header.Set("Idempotency-Key", fmt.Sprint(i))
					}
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, r); w.Code != 201 {
						b.Errorf("%d %s", w.Code, w.Body)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}

// durable returns the API over a store on disk, and a key.
func durable(b *testing.B, disk store.Store, trail bool) (http.Handler, string) {
	b.Helper()
	h := newHarness(b)
	snap := network()
	cfg := allocator.Config{Store: disk, Network: func() *topology.Snapshot { return snap }}
	out := httpapi.Config{Directory: h.dir}
	var err error
	if trail {
		out.Audit, err = audit.Open(b.Context(), audit.Config{Store: disk})
		h.must(err)
		out.Replays, err = replay.Open(b.Context(), disk, nil, nil)
		h.must(err)
		cfg.Along = httpapi.AuditChanges(out.Audit)
	}
	out.Allocations, err = allocator.Open(b.Context(), cfg)
	h.must(err)
	out.Keys, err = auth.OpenKeys(b.Context(), auth.KeysConfig{Store: disk})
	h.must(err)
	handler, err := httpapi.New(out)
	h.must(err)
	key, _, err := out.Keys.Issue(b.Context(), "abc123", "projectB")
	h.must(err)
	return handler, key
}
