package httpapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"conga/httpapi"
)

// discarded is an answer that is not read.
type discarded struct {
	header http.Header
	code   int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(code int)        { d.code = code }

// BenchmarkRead measures what reading costs without sockets, with the access
// log, beside the least that Gin can do.
func BenchmarkRead(b *testing.B) {
	h := newHarness(b, withAll, func(c *httpapi.Config) {
		c.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	id := h.create(`,"bandwidth":1000`)
	for i := range 200 {
		h.create(fmt.Sprintf(`,"bandwidth":1000,"src_port":%d`, i+1))
	}
	bare := gin.New()
	text := make([]byte, 600)
	bare.GET("/api/v1/allocations/:id", func(c *gin.Context) { c.Data(200, "application/json", text) })
	for _, c := range []struct {
		name, target string
		handler      http.Handler
	}{
		{"bare-gin", "/api/v1/allocations/" + id, bare},
		{"allocation", "/api/v1/allocations/" + id, h.api},
		{"statistics", "/api/v1/stats/allocations/" + id, h.api},
		{"list-of-10", "/api/v1/allocations?per_page=10", h.api},
		{"list-of-128", "/api/v1/allocations", h.api},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := http.NewRequest("GET", c.target, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.RemoteAddr = "192.0.2.1:1234"
			r.Header.Set("Authorization", "Bearer "+h.key)
			b.ReportAllocs()
			for b.Loop() {
				w := &discarded{header: http.Header{}}
				if c.handler.ServeHTTP(w, r); w.code != 200 {
					b.Fatal(w.code)
				}
			}
		})
	}
}
