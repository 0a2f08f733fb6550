package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/httpapi"
	"conga/stats"
)

// losingStats are statistics of which tests say what is lost.
type losingStats struct {
	cannedStats
	what  *string
	final *bool
}

func (l losingStats) Losing(string) string { return *l.what }

func (l losingStats) Receipt(id string) stats.Receipt {
	r := l.cannedStats.Receipt(id)
	r.Final = *l.final
	return r
}

func losing(t *testing.T) (h *harness, what *string, final *bool) {
	what, final = new(string), new(bool)
	return newHarness(t, func(c *httpapi.Config) {
		c.Statistics = losingStats{cannedStats{time.Unix(1429206570, 0)}, what, final}
	}), what, final
}

// A receipt is in the details of what is complete alone, says what the
// statistics and the allocation do, and is another answer once it is final.
func TestReceipt(t *testing.T) {
	h, _, final := losing(t)
	id := h.create(`,"bandwidth":100000000`)
	h.settle()
	one := "/api/v1/allocations/" + id
	if got := h.want(200, "GET", one, "", bearer(h.key)).Results[0]; got["receipt"] != nil || got["degraded"] != false {
		t.Errorf("while active %v, %v", got["receipt"], got["degraded"])
	}
	h.advance(10 * time.Second)
	h.want(200, "DELETE", one, "", bearer(h.key))
	first := h.want(200, "GET", one, "", bearer(h.key))
	const carried = `{"entered":{"packets":0,"bytes":0},"delivered":{"packets":0,"bytes":0},"dropped":{"packets":0,"bytes":0},"mean_rate":0,"p5_rate":null,"p50_rate":null}`
	want := `{"asked":{"start_time":null,"duration":3600,"bandwidth":100000000,"reverse_bandwidth":null,"volume":null,"earliest":null,"deadline":null},"planned":{"start_time":1429206574,"end_time":1429210174},"had":{"start_time":1429206574,"end_time":1429206584},` +
		`"forward":{"entered":{"packets":10,"bytes":10000},"delivered":{"packets":9,"bytes":9000},"dropped":{"packets":0,"bytes":0},"mean_rate":7200,"p5_rate":1,"p50_rate":2},"reverse":` + carried +
		`,"moves":2,"moved":[{"time":1429206570,"reason":"cut"},{"time":1429206570,"reason":null}],"degraded_seconds":2,"degraded":[{"start_time":1429206570,"end_time":1429206571,"reason":"lost"}],"final":false}`
	if !strings.Contains(first.body, `"receipt":`+want+`,"_links"`) {
		t.Errorf("%s has no receipt %s", first.body, want)
	}
	if got := h.want(200, "GET", "/api/v1/allocations?state=complete", "", bearer(h.key)).Results[0]; got["receipt"] != nil {
		t.Errorf("in a list %v", got["receipt"])
	}
	if got := h.do("GET", one, "", bearer(h.key), header{"If-None-Match", first.header.Get("ETag")}); got.code != 304 {
		t.Errorf("again: %d", got.code)
	}
	*final = true
	second := h.want(200, "GET", one, "", bearer(h.key), header{"If-None-Match", first.header.Get("ETag")})
	if !strings.Contains(second.body, `"final":true`) {
		t.Errorf("when it is final %s", second.body)
	}
}

// What never ran has a receipt that says so, without statistics too.
func TestReceiptOfNothing(t *testing.T) {
	h := newHarness(t)
	id := h.create(`,"start_time":1429210000`)
	h.want(200, "DELETE", "/api/allocations/"+id, "", bearer(h.key))
	text, err := json.Marshal(h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key)).Results[0]["receipt"])
	for _, part := range []string{`"asked":{"bandwidth":null,"deadline":null,"duration":3600,"earliest":null,"reverse_bandwidth":null,"start_time":1429210000,"volume":null}`, `"planned":{"end_time":1429213600,"start_time":1429210000}`, `"had":null`, `"final":true`, `"entered":{"bytes":null,"packets":null}`} {
		if err != nil || !strings.Contains(string(text), part) {
			t.Errorf("%s has no %s, error %v", text, part, err)
		}
	}
}

// Statistics and receipt agree that nothing is added to what never began.
func TestWhatNeverBeganIsFinal(t *testing.T) {
	h, _, _ := losing(t)
	id := h.create(`,"start_time":1429210000`)
	path := "/api/v1/stats/allocations/" + id
	if got := h.want(200, "GET", path, "", bearer(h.key)).Results[0]["final"]; got != false {
		t.Errorf("while it waits %v", got)
	}
	h.want(200, "DELETE", "/api/allocations/"+id, "", bearer(h.key))
	if got := h.want(200, "GET", path, "", bearer(h.key)).Results[0]["final"]; got != true {
		t.Errorf("when it is released %v", got)
	}
}

// What is lost is said, with another entity tag, wherever the allocation is
// shown.
func TestDegraded(t *testing.T) {
	h, what, _ := losing(t)
	id := h.create(`,"bandwidth":100000000`)
	h.settle()
	tags := map[string]bool{}
	for _, lost := range []string{"", "a third is lost"} {
		*what = lost
		got := h.want(200, "GET", "/api/allocations/"+id, "", bearer(h.key))
		tags[got.header.Get("ETag")] = true
		for _, one := range []map[string]any{got.Results[0], h.want(200, "GET", "/api/v1/allocations", "", bearer(h.key)).Results[0]} {
			if one["degraded"] != (lost != "") || (one["reason"] == nil) != (lost == "") || lost != "" && !strings.Contains(fmt.Sprint(one["reason"]), lost) {
				t.Errorf("%q: degraded %v, %v", lost, one["degraded"], one["reason"])
			}
		}
		if got := h.want(200, "GET", "/api/stats/allocations/"+id, "", bearer(h.key)).Results[0]["degraded"]; got != (lost != "") {
			t.Errorf("%q: the statistics say %v", lost, got)
		}
	}
	if len(tags) != 2 {
		t.Errorf("entity tags %v", tags)
	}
}
