package httpapi_test

import (
	"fmt"
	"testing"
)

// TestStartFromNow: a start counts from the server's now where the request says
// so, whatever the client's clock says.
func TestStartFromNow(t *testing.T) {
	h := newHarness(t)
	now := float64(h.clock().Unix())
	for i, c := range []struct {
		start string
		want  float64
	}{{`"now"`, now}, {`"+0"`, now}, {`"+7200"`, now + 7200}} {
		id := h.create(fmt.Sprintf(`,"protocol":"tcp","dst_port":%d,"start_time":%s`, i+1, c.start))
		shown := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]
		if shown["start_time"] != c.want || shown["end_time"] != c.want+3600 {
			t.Errorf("%s: from %v to %v, want %v", c.start, shown["start_time"], shown["end_time"], c.want)
		}
		changed := h.want(200, "PATCH", "/api/allocations/"+id, `{"start_time":"+60"}`, bearer(h.key)).Results[0]
		if changed["start_time"] != now+60 {
			t.Errorf("%s: changed to %v, want %v", c.start, changed["start_time"], now+60)
		}
	}
}
