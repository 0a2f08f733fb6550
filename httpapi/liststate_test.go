package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestListByState narrows a list down, and sees what is complete as before.
func TestListByState(t *testing.T) {
	h := newHarness(t)
	var ids []string
	for i := range 6 {
		ids = append(ids, h.create(fmt.Sprintf(`,"src_port":%d`, i+1)))
		if i%2 == 0 {
			h.want(200, "PATCH", "/api/v1/allocations/"+ids[i], `{"duration":60}`, bearer(h.key))
		}
	}
	h.settle()
	h.advance(60 * time.Second)
	h.settle()
	ids = append(ids, h.create(`,"src_port":99`))
	listed := func(query string) (ids []string) {
		for _, one := range h.want(200, "GET", "/api/v1/allocations?"+query, "", bearer(h.key)).Results {
			ids = append(ids, one["allocation_id"].(string))
		}
		return ids
	}
	for query, want := range map[string][]string{
		"": ids, "state=complete": {ids[0], ids[2], ids[4]}, "state=active": {ids[1], ids[3], ids[5]}, "state=pending": {ids[6]},
		"state=complete&per_page=2&page=2": {ids[4]}, "per_page=3&page=2": ids[3:6], "state=active&project_id=projectB": {ids[1], ids[3], ids[5]},
	} {
		if got := listed(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	next := linksOf(h.want(200, "GET", "/api/v1/allocations?state=complete&per_page=2", "", bearer(h.key)))["next"]
	if !strings.Contains(next, "state=complete") {
		t.Errorf("the next page is %s", next)
	}
	for _, query := range []string{"state=", "state=done", "state=active&state=active"} {
		h.want(422, "GET", "/api/v1/allocations?"+query, "", bearer(h.key))
	}
	one := h.want(200, "GET", "/api/v1/allocations/"+ids[0], "", bearer(h.key))
	if one.Results[0]["state"] != "complete" {
		t.Errorf("%v", one.Results[0])
	}
	h.want(409, "POST", "/api/v1/allocations/"+ids[0], `{"duration":90}`, bearer(h.key))
	h.want(412, "DELETE", "/api/v1/allocations/"+ids[0], "", bearer(h.key), header{"If-Match", `"0"`})
	h.want(200, "DELETE", "/api/v1/allocations/"+ids[0], "", bearer(h.key), header{"If-Match", one.header.Get("ETag")})
	h.want(404, "DELETE", "/api/v1/allocations/"+ids[0], "", bearer(h.key))
	if got := listed("state=complete"); !slices.Equal(got, []string{ids[2], ids[4]}) {
		t.Errorf("%v are left", got)
	}
}
