package httpapi_test

import (
	"encoding/csv"
	"strings"
	"testing"
)

// TestHistoryIsAskedFor has each window and step that is asked for in steps at
// whole multiples, the last of which has now in it; others are refused in
// words.
func TestHistoryIsAskedFor(t *testing.T) {
	h := watched(t)
	id := h.create("")
	for query, want := range map[string]struct {
		count int
		step  int64
	}{
		"": {60, 60}, "?window=15m": {900, 1}, "?window=24h": {1440, 60}, "?window=90d": {2160, 3600}, "?window=7200&step=5m": {24, 300},
		"?window=10m&step=7": {86, 7}, "?window=1s": {1, 1}, "?window=25h": {25, 3600}, "?window=3d&step=1d": {3, 86400},
	} {
		got := h.want(200, "GET", "/api/stats/allocations/"+id+"/history"+query, "", bearer(h.key)).Results[0]
		times := got["times"].([]any)
		first, last := int64(times[0].(float64)), int64(times[len(times)-1].(float64))
		now := h.clock().Unix()
		if len(times) != want.count || int64(got["step"].(float64)) != want.step || first%want.step != 0 || now < last || now >= last+want.step {
			t.Errorf("%q: %d steps of %v from %d to %d; it is %d", query, len(times), got["step"], first, last, now)
		}
		if n := len(got["forward"].(map[string]any)["entered"].(map[string]any)["max"].([]any)); n != want.count {
			t.Errorf("%q: %d values", query, n)
		}
	}
	for query, want := range map[string]string{
		"window=91d":            "window: \\\"91d\\\" is not from 1s to 90d",
		"window=0":              "window: ",
		"window=":               "window: ",
		"window=-1h":            "window: ",
		"window=1.5h":           "window: ",
		"window=99999999999d":   "window: ",
		"step=soon":             "step: \\\"soon\\\" is not from 1s to 90d",
		"window=1h&step=30":     "step: steps of less than 1m are kept for 15m",
		"window=25h&step=5m":    "step: steps of other than whole hours are kept for 24h",
		"window=1h&step=90":     "step: must be whole minutes",
		"window=1m&step=2m":     "step: is longer than the window",
		"format=xml":            "format: \\\"xml\\\" is none; it must be json or csv",
		"window=1h&window=2h":   "window: given twice",
		"until=5":               "until: is not a parameter of this resource",
		"window=1h&format=JSON": "format: ",
	} {
		if got := h.want(422, "GET", "/api/stats/allocations/"+id+"/history?"+query, "", bearer(h.key)).body; !strings.Contains(got, want) {
			t.Errorf("%q is refused with %s", query, got)
		}
	}
	for _, address := range []string{"/switches/9/ports/1", "/switches/1/ports/0", "/switches/1/ports/x", "/links/x/outside", "/links/9:1/outside", "/links/1:1/1:1", "/links/outside/outside"} {
		h.want(404, "GET", "/api/stats"+address+"/history", "", bearer(h.admin))
	}
}

// TestHistoryAsATable asks for tables in both ways.
func TestHistoryAsATable(t *testing.T) {
	h := watched(t)
	id := h.create("")
	for address, first := range map[string]string{
		"/allocations/" + id:      "time,unix_time,forward promised bit/s mean,forward promised bit/s max,forward entered bit/s mean",
		"/switches/1/ports/1":     "time,unix_time,received bit/s mean,received bit/s max,sent bit/s mean",
		"/links/1:90/2:90":        "time,unix_time,rate bit/s mean,rate bit/s max",
		"/links/0001:90/outside":  "time,unix_time,rate bit/s mean,rate bit/s max",
		"/switches/0x1/ports/512": "time,unix_time,received bit/s mean",
	} {
		target := "/api/stats" + address + "/history?window=3m&step=1m"
		asked := h.want(200, "GET", target+"&format=csv", "", bearer(h.admin))
		accepted := h.want(200, "GET", target, "", bearer(h.admin), header{"Accept", "text/csv"})
		if asked.body != accepted.body || asked.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || !strings.HasPrefix(asked.body, first) {
			t.Errorf("%s: %v %s", target, asked.header, asked.body)
		}
		rows, err := csv.NewReader(strings.NewReader(asked.body)).ReadAll()
		if err != nil || len(rows) != 4 || rows[3][2] != "" || rows[1][2] == "" {
			t.Errorf("%s: %v %v", target, rows, err)
		}
		for _, row := range rows[1:] {
			for _, cell := range row {
				if strings.ContainsAny(cell, "=+@\t\r") || strings.HasPrefix(cell, "-") {
					t.Errorf("%s: %q may be taken for a formula", target, cell)
				}
			}
		}
		if got := h.want(200, "GET", target+"&format=json", "", bearer(h.admin), header{"Accept", "text/csv"}); len(got.Results) != 1 {
			t.Errorf("%s: %s", target, got.body)
		}
	}
	// Another project is refused as ever.
	h.want(404, "GET", "/api/stats/allocations/"+id+"/history?format=csv", "", bearer(h.issue("xyz987", "project B")))
}
