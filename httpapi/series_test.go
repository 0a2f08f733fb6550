package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi"
	"conga/httpapi/httpapitest"
)

// seriesBody returns a request for a series of daily hours, the first one an
// hour from now.
func seriesBody(count int, more string) string {
	return fmt.Sprintf(`{"project_id":"projectB","src_ip":"192.127.1.10","dst_ip":"192.127.1.11","duration":3600,"start_time":"+3600",
		"recurrence":{"rrule":"FREQ=DAILY;COUNT=%d","timezone":"Europe/Paris"}%s}`, count, more)
}

// makeSeries makes a series of three and returns its ID, and those of its
// allocations.
func (h *harness) makeSeries(more string) (id string, occurrences []string) {
	h.t.Helper()
	made := h.want(201, "POST", "/api/v1/allocations", seriesBody(3, more), bearer(h.key)).Results[0]
	for _, o := range made["occurrences"].([]any) {
		occurrences = append(occurrences, o.(map[string]any)["allocation_id"].(string))
	}
	return made["series"].(string), occurrences
}

// TestSeries: a series is made, listed, changed one by one, and released
// together; each allocation says what it is an occurrence of, and the audit log
// has one record of all.
func TestSeries(t *testing.T) {
	h := newHarness(t)
	id, ids := h.makeSeries("")
	if got := h.trail("")[len(h.trail(""))-1]; !strings.Contains(got, "series "+id+", 3 allocations: 192.127.1.10 to 192.127.1.11, 3600 s, FREQ=DAILY;COUNT=3") {
		t.Errorf("the audit log has %s", got)
	}
	shown := h.want(200, "GET", "/api/v1/allocations/"+ids[1], "", bearer(h.key)).Results[0]
	if got, _ := json.Marshal(shown["recurrence"]); shown["series"] != id || string(got) != `{"rrule":"FREQ=DAILY;COUNT=3","timezone":"Europe/Paris"}` {
		t.Errorf("shown is %v of %v", shown["recurrence"], shown["series"])
	}
	one := "/api/v1/allocations/" + ids[1]
	h.want(200, "PATCH", one, `{"duration":1800}`, bearer(h.key))
	if a := h.want(422, "PATCH", one, `{"recurrence":{"rrule":"FREQ=DAILY;COUNT=4"}}`, bearer(h.key)); a.Errors[0] != "recurrence: is set by CONGA; leave it out" {
		t.Errorf("changed: %v", a.Errors)
	}
	h.want(200, "DELETE", "/api/v1/allocations/"+ids[0], "", bearer(h.key))
	h.create(`,"src_port":7`)
	list := "/api/v1/allocations?series=" + id
	if a := h.want(200, "GET", list+"&state=pending", "", bearer(h.key)); len(a.Results) != 2 || a.Results[0]["duration"] != 1800.0 {
		t.Errorf("listed is %s", a.body)
	}
	if a := h.want(200, "GET", list, "", bearer(h.key)); len(a.Results) != 3 {
		t.Errorf("listed is %s", a.body)
	}
	whole := "/api/v1/series/" + id
	if a := h.want(200, "GET", whole, "", bearer(h.key)); len(a.Results[0]["occurrences"].([]any)) != 2 {
		t.Errorf("the series is %s", a.body)
	}
	if a := h.want(200, "DELETE", whole, "", bearer(h.key)); len(a.Results) != 2 || a.Results[1]["allocation_id"] != ids[2] {
		t.Errorf("released is %s", a.body)
	}
	if got := h.trail("")[len(h.trail(""))-1]; !strings.Contains(got, "series.delete") || !strings.Contains(got, "series "+id+", 2 allocations") {
		t.Errorf("the audit log has %s", got)
	}
	h.want(404, "DELETE", whole, "", bearer(h.key))
	h.want(404, "GET", whole, "", bearer(h.key))
	h.want(422, "GET", "/api/v1/allocations?series=", "", bearer(h.key))
	if n := h.alloc.Counts("projectB")[allocator.Complete]; n != 3 {
		t.Errorf("%d are complete", n)
	}
}

// TestSeriesIsValidated: with validate=true everything is said, and nothing
// made.
func TestSeriesIsValidated(t *testing.T) {
	h := newHarness(t)
	for rule, note := range map[string]string{
		"FREQ=DAILY;COUNT=2": "", "FREQ=WEEKLY;BYDAY=MO;COUNT=2": "the first occurrence is at 2015-04-20T20:49:34+02:00",
		"FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0;COUNT=300": "the clocks in Europe/Paris never show 2016-03-27 02:30:00, as they are set forward",
	} {
		body := strings.Replace(seriesBody(2, ""), "FREQ=DAILY;COUNT=2", rule, 1)
		if strings.Contains(rule, "300") {
			body = strings.Replace(body, "COUNT=300", "UNTIL=20160401", 1)
		}
		a := h.want(200, "POST", "/api/v1/allocations?validate=true", body, bearer(h.key))
		if notes := fmt.Sprint(a.Results[0]["notes"]); !strings.Contains(notes, note) || note == "" && notes != "[]" {
			t.Errorf("%s: %s, want %s", rule, notes, note)
		}
		first := a.Results[0]["occurrences"].([]any)[0].(map[string]any)
		if a.Results[0]["series"] != nil || first["allocation_id"] != nil || first["start_time"] == nil {
			t.Errorf("%s: %s", rule, a.body)
		}
	}
	if h.stored() != 0 {
		t.Error("something is made")
	}
}

// TestSeriesIsRefused: the answer tells which occurrences do not fit, and what
// would be admitted, which is.
func TestSeriesIsRefused(t *testing.T) {
	h := newHarness(t)
	h.create(`,"bandwidth":600000000,"src_port":7,"start_time":"+90000"`)
	a := h.want(409, "POST", "/api/v1/allocations", seriesBody(3, `,"bandwidth":300000000,"dst_port":8`), bearer(h.key))
	var got struct {
		Occurrences []struct {
			Start      int64  `json:"start_time"`
			Bottleneck string `json:"bottleneck"`
			Reason     string `json:"reason"`
		}
	}
	h.must(json.Unmarshal([]byte(a.body), &got))
	if n := len(got.Occurrences); n != 1 || got.Occurrences[0].Start != h.clock().Unix()+90000 || got.Occurrences[0].Bottleneck == "" || h.tried != 3 {
		t.Errorf("refused with %s; %d alternatives were tried", a.body, h.tried)
	}
	for field, body := range map[string]string{
		"recurrence.rrule: has no end":     strings.Replace(seriesBody(2, ""), ";COUNT=2", "", 1),
		"recurrence.rrule: is empty":       strings.Replace(seriesBody(2, ""), "FREQ=DAILY;COUNT=2", " ", 1),
		"recurrence.rrule: is required":    strings.Replace(seriesBody(2, ""), `"rrule":"FREQ=DAILY;COUNT=2",`, "", 1),
		"recurrence.timezone: \"Europe/P":  strings.Replace(seriesBody(2, ""), "Paris", "Peris", 1),
		"connection_uuid: is for one":      seriesBody(2, `,"connection_uuid":"3fa85f64-5717-4562-b3fc-2c963f66afa6"`),
		"start_time: is required with":     strings.Replace(seriesBody(2, ""), `"start_time":"+3600",`, "", 1),
		"recurrence: is for POST /allocat": "",
	} {
		target := "/api/v1/allocations"
		if body == "" {
			target, body = "/api/v1/availability", seriesBody(2, "")
		}
		if a := h.do("POST", target, body, bearer(h.key)); a.code != 422 || !strings.Contains(strings.Join(a.Errors, "; "), field) {
			t.Errorf("%s: %d %v", field, a.code, a.Errors)
		}
	}
	h.want(400, "POST", "/api/v1/allocations", strings.Replace(seriesBody(2, ""), `{"rrule":"FREQ=DAILY;COUNT=2","timezone":"Europe/Paris"}`, `"daily"`, 1), bearer(h.key))
}

// TestSeriesOnce: the longest series that may be configured is made once under
// an Idempotency-Key, and its answer is kept.
func TestSeriesOnce(t *testing.T) {
	h := newHarness(t)
	again, err := allocator.Open(t.Context(), allocator.Config{Store: h.disk, Network: h.cfg.Snapshot, Now: h.clock, Occurrences: 1000})
	h.must(err)
	h.cfg.Allocations, h.alloc = again, again
	bare, err := httpapi.New(h.cfg)
	h.must(err)
	c, err := httpapitest.Load()
	h.must(err)
	h.api = c.Handler(bare, func(err error) { t.Error(err) })
	for key, from := range map[string]string{"planned": "192.127.1.10", "waiting": "192.127.200.200"} {
		body := strings.Replace(seriesBody(1000, ""), "FREQ=DAILY", "FREQ=DAILY;BYHOUR=6,18", 1)
		body = strings.Replace(strings.Replace(body, "3600", "60", 1), "192.127.1.10", from, 1)
		if from != "192.127.1.10" {
			body = strings.Replace(body, "192.127.1.11", "192.127.200.201", 1)
		}
		before, answers := h.stored(), h.disk.Len(store.Replays)
		first := h.want(201, "POST", "/api/v1/allocations", body, bearer(h.key), idempotent(key))
		second := h.want(201, "POST", "/api/v1/allocations", body, bearer(h.key), idempotent(key))
		if first.body != second.body || second.header.Get("Idempotent-Replayed") != "true" || second.header.Get("Location") != first.header.Get("Location") || h.stored()-before != 1000 {
			t.Errorf("%s: %d allocations; answered %.200s and %.200s", key, h.stored()-before, first.body, second.body)
		}
		if n := h.disk.Len(store.Replays) - answers; n != 1 {
			t.Errorf("%s: %d answers are kept", key, n)
		}
	}
}

// TestConditionalSeries: a series is released, and read, with preconditions as
// an allocation is, and what is new of one of its allocations is new of it.
func TestConditionalSeries(t *testing.T) {
	h := newHarness(t)
	made := h.want(201, "POST", "/api/v1/allocations", seriesBody(3, ""), bearer(h.key))
	id, first := made.Results[0]["series"].(string), made.Results[0]["occurrences"].([]any)[0].(map[string]any)["allocation_id"].(string)
	target := "/api/v1/series/" + id
	etag := h.want(200, "GET", target, "", bearer(h.key)).header.Get("ETag")
	if etag == "" || etag != made.header.Get("ETag") {
		t.Fatalf("made as %q, shown as %q", made.header.Get("ETag"), etag)
	}
	for _, c := range []struct {
		method, name, value string
		want                int
	}{
		{"GET", "If-None-Match", etag, 304}, {"HEAD", "If-None-Match", etag, 304}, {"GET", "If-None-Match", "W/" + etag, 304},
		{"GET", "If-None-Match", `"s0"`, 200}, {"GET", "If-Match", etag, 200}, {"GET", "If-Match", `"s0"`, 412},
		{"DELETE", "If-Match", `"s0"`, 412}, {"DELETE", "If-Match", "W/" + etag, 412}, {"DELETE", "If-Match", etag[:len(etag)-2] + `"`, 412},
		{"DELETE", "If-None-Match", "*", 412}, {"DELETE", "If-None-Match", etag, 412},
	} {
		if a := h.do(c.method, target, "", bearer(h.key), header{c.name, c.value}); a.code != c.want {
			t.Errorf("%s with %s: %s: %d, want %d", c.method, c.name, c.value, a.code, c.want)
		}
	}
	h.want(200, "PATCH", "/api/v1/allocations/"+first, `{"duration":1800}`, bearer(h.key))
	h.want(412, "DELETE", target, "", bearer(h.key), header{"If-Match", etag})
	changed := h.want(200, "GET", target, "", bearer(h.key), header{"If-None-Match", etag}).header.Get("ETag")
	h.want(200, "DELETE", "/api/v1/allocations/"+first, "", bearer(h.key))
	h.want(412, "DELETE", target, "", bearer(h.key), header{"If-Match", changed})
	left := h.want(200, "GET", target, "", bearer(h.key)).header.Get("ETag")
	if a := h.want(200, "DELETE", target, "", bearer(h.key), header{"If-Match", left}); len(a.Results) != 2 {
		t.Errorf("released is %s", a.body)
	}
}
