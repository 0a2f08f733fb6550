package httpapi_test

import (
	"testing"
	"time"

	"conga/httpapi"
	"conga/stats"
)

// TestWhatIsKeptIsRight: what was written down of an allocation earlier is
// shown only as long as it would be written so again, at either address, alone
// and in a list.
func TestWhatIsKeptIsRight(t *testing.T) {
	rate := &stats.Rate{}
	kept := newHarness(t, func(c *httpapi.Config) { c.Statistics = flowing{rate: rate} })
	id := kept.create("")
	for i, change := range []func(){
		func() {},
		func() {},
		func() {
			kept.want(200, "PATCH", "/api/allocations/"+id, `{"bandwidth":1000}`, bearer(kept.key))
		},
		func() { kept.report(between("192.127.1.10", 40001, "192.127.1.11", 443)) },
		kept.settle,
		func() { kept.report(between("192.127.1.10", 40002, "192.127.1.11", 443)) },
		func() { rate.Bits = 7 },
		func() { kept.advance(time.Hour / 2) }, // the reports expire
		func() { rate.Bits = 0 },
		func() {
			kept.want(200, "PATCH", "/api/allocations/"+id, `{"bandwidth":null}`, bearer(kept.admin))
		},
	} {
		change()
		for _, base := range []string{"/api", "/api/v1"} {
			alone := kept.want(200, "GET", base+"/allocations/"+id, "", bearer(kept.admin))
			listed := kept.want(200, "GET", base+"/allocations", "", bearer(kept.admin))
			fresh, err := httpapi.New(kept.cfg) // has kept nothing
			kept.must(err)
			old := kept.api
			kept.api = fresh
			want := kept.want(200, "GET", base+"/allocations/"+id, "", bearer(kept.admin))
			kept.api = old
			if alone.body != want.body || listed.body != want.body || alone.header.Get("ETag") != want.header.Get("ETag") {
				t.Errorf("change %d, below %s: %s, listed %s, want %s", i, base, alone.body, listed.body, want.body)
			}
		}
	}
}
