package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestCalendars has an allocation's link and project show its rate in its
// window and nothing behind it, whatever part is asked for; what is over, or
// not there, is refused in words.
func TestCalendars(t *testing.T) {
	h := watched(t)
	got := h.want(200, "GET", "/api/allocations/"+h.create(`,"bandwidth":100000000`), "", bearer(h.key)).Results[0]
	start, end := int64(got["start_time"].(float64)), int64(got["end_time"].(float64))
	type step struct {
		Start, End int64
		Bandwidth  uint64
	}
	steps := func(target string) (out []step) {
		t.Helper()
		one := h.want(200, "GET", target, "", bearer(h.admin)).Results[0]
		text, err := json.Marshal(one["steps"])
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Start     int64  `json:"start_time"`
			End       int64  `json:"end_time"`
			Bandwidth uint64 `json:"bandwidth"`
		}
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		at := int64(one["start_time"].(float64))
		for _, s := range list {
			if s.Start != at {
				t.Errorf("%s: a step begins at %d, not %d: %s", target, s.Start, at, text)
			}
			at = s.End
			out = append(out, step(s))
		}
		if at != int64(one["end_time"].(float64)) {
			t.Errorf("%s: the steps end at %d", target, at)
		}
		return out
	}
	rate := uint64(got["bandwidth"].(float64))
	for _, target := range []string{"/api/links/outside/1:1/calendar", "/api/projects/projectB/calendar"} {
		all := steps(target)
		if len(all) != 2 || all[0] != (step{start, end, rate}) || all[1].Bandwidth != 0 {
			t.Errorf("%s: %+v, want %d from %d to %d", target, all, rate, start, end)
		}
		if all = steps(target + "?window=1m&start=" + jsonOf(t, start)); len(all) != 1 || all[0] != (step{start, start + 60, rate}) {
			t.Errorf("%s: %+v in the first minute", target, all)
		}
		begun := "?start=" + jsonOf(t, start-10) + "&window=60"
		one := h.want(200, "GET", target+begun, "", bearer(h.admin)).Results[0]
		if self := jsonOf(t, one["_links"].(map[string]any)["self"].(map[string]any)["href"].(string)); int64(one["start_time"].(float64)) != start || !strings.Contains(self, jsonOf(t, start-10)) {
			t.Errorf("%s%s begins at %v and is %s", target, begun, one["start_time"], self)
		}
		for query, want := range map[string]string{
			"window=731d": "window: ", "window=1h&start=1": "window: is over", "start=-1": "start: ", "start=x": "start: ", "step=1": "step: is not a parameter",
		} {
			if body := h.want(422, "GET", target+"?"+query, "", bearer(h.admin)).body; !strings.Contains(body, want) {
				t.Errorf("%s?%s: %s", target, query, body)
			}
		}
	}
	for _, target := range []string{"/api/links/9:1/outside/calendar", "/api/links/1:1/1:1/calendar", "/api/projects/none/calendar"} {
		h.want(404, "GET", target, "", bearer(h.admin))
	}
}

// jsonOf returns a value as JSON.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
