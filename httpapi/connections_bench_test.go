package httpapi_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkConnections measures the API with 100,000 live connections: a page
// at the end, all of them, a page of allocations, and a host's report of 500.
func BenchmarkConnections(b *testing.B) {
	h := newHarness(b)
	reports := make([]string, 200)
	for host := range reports {
		conns := make([]string, 500)
		for i := range conns {
			conns[i] = between(fmt.Sprintf("10.1.%d.1", host), 1024+i, "192.127.1.11", 443)
		}
		reports[host] = "[" + strings.Join(conns, ",") + "]"
		if a := h.do("POST", "/connections", reports[host], bearer(h.key)); a.code != 200 {
			b.Fatal(a.code, a.body)
		}
	}
	for i := range 20 {
		h.create(fmt.Sprintf(`,"dst_port":%d`, 1+i))
	}
	for _, c := range []struct{ name, method, target, body string }{
		{"page", "GET", "/api/v1/connections?page=781", ""},
		{"all", "GET", "/connections", ""},
		{"allocations", "GET", "/api/v1/allocations", ""},
		{"report-500", "POST", "/connections", reports[7]},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+h.key)
				w := httptest.NewRecorder()
				h.log.Reset()
				h.api.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Body)
				}
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
