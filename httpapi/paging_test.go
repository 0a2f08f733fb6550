package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk follows the next links from an address on and returns the values of a
// field. between is called after each page.
func (h *harness) walk(target, field string, between func()) (met []string) {
	h.t.Helper()
	for pages := 0; target != ""; pages++ {
		if pages > 500 {
			h.t.Fatal("the links lead in a circle")
		}
		a := h.want(200, "GET", target, "", bearer(h.admin))
		for _, r := range a.Results {
			met = append(met, fmt.Sprint(r[field]))
		}
		target = linksOf(a)["next"]
		between()
	}
	return met
}

// TestWalkWhileThingsChange deletes and creates at random along the next links,
// in every order and by every filter.
func TestWalkWhileThingsChange(t *testing.T) {
	for i, query := range []string{"", "order=newest", "state=active", "user_id=abc123", "address=192.127.1.0/24&order=newest", "after=1"} {
		t.Run(query, func(t *testing.T) {
			h := newHarness(t)
			random := rand.New(rand.NewPCG(uint64(i), 1))
			port := 0
			create := func() string {
				port++
				return h.create(fmt.Sprintf(`,"src_port":%d`, port))
			}
			var stays []string
			for range 60 {
				id := create()
				if stays = append(stays, id); len(stays)%3 == 0 {
					h.want(200, "PATCH", "/api/v1/allocations/"+id, `{"duration":60}`, bearer(h.key))
				}
			}
			h.settle()
			if query != "state=active" {
				h.advance(60 * time.Second) // every third is complete
				h.settle()
			}
			met := h.walk("/api/v1/allocations?per_page=7&"+query, "allocation_id", func() {
				for range random.IntN(8) {
					if random.IntN(3) == 0 {
						create()
						continue
					}
					at := random.IntN(len(stays))
					h.want(200, "DELETE", "/api/v1/allocations/"+stays[at], "", bearer(h.key))
					stays = slices.Delete(stays, at, at+1)
				}
			})
			for _, id := range stays {
				if n := len(slices.DeleteFunc(slices.Clone(met), func(m string) bool { return m != id })); n != 1 {
					t.Errorf("%s is met %d times", id, n)
				}
			}
			if len(stays) < 10 {
				t.Errorf("only %d stayed", len(stays))
			}
		})
	}
}

// TestDeleteAlongTheLinks deletes each item on its page, which leaves nothing
// behind, in every list from which a client can delete.
func TestDeleteAlongTheLinks(t *testing.T) {
	h := newHarness(t)
	const n = 8
	for i := range n {
		h.create(fmt.Sprintf(`,"src_port":%d`, i+1))
		h.want(201, "POST", "/api/operators", fmt.Sprintf(`{"name":"o%02d"}`, i), bearer(h.admin))
		h.want(201, "POST", "/api/webhooks", fmt.Sprintf(`{"url":"https://example.org/%d"}`, i+1), bearer(h.key))
	}
	for list, field := range map[string]string{"allocations": "allocation_id", "operators": "name", "webhooks": "webhook_id"} {
		met := 0
		for target := "/api/v1/" + list + "?per_page=3"; target != ""; {
			a := h.want(200, "GET", target, "", bearer(h.admin))
			for _, r := range a.Results {
				met++
				h.want(200, "DELETE", "/api/v1/"+list+"/"+fmt.Sprint(r[field]), "", bearer(h.admin))
			}
			target = linksOf(a)["next"]
		}
		if met != n {
			t.Errorf("%s: %d of %d are met", list, met, n)
		}
	}
}

// TestWalkBack goes to the last page and comes back by the prev links.
func TestWalkBack(t *testing.T) {
	h := newHarness(t)
	for i := range 20 {
		h.create(fmt.Sprintf(`,"src_port":%d`, i+1))
	}
	for _, list := range []string{"allocations?order=oldest", "allocations?order=newest", "audit?actor=abc123"} {
		field := "allocation_id"
		var there, back []string
		there = h.walk("/api/v1/"+list+"&per_page=6", field, func() {})
		for target := linksOf(h.want(200, "GET", "/api/v1/"+list+"&per_page=6", "", bearer(h.admin)))["last"]; target != ""; {
			a := h.want(200, "GET", target, "", bearer(h.admin))
			for _, r := range slices.Backward(a.Results) {
				back = append(back, fmt.Sprint(r[field]))
			}
			target = linksOf(a)["prev"]
			if len(back) > 100 {
				t.Fatal("the links lead in a circle")
			}
		}
		if slices.Reverse(back); len(there) < 20 || !slices.Equal(there, back) {
			t.Errorf("%s: %d there, %d back", list, len(there), len(back))
		}
	}
}

// TestListFilters narrows the list of allocations down on the server.
func TestListFilters(t *testing.T) {
	h := newHarness(t)
	first := h.create("")
	h.settle()
	h.advance(100 * time.Second)
	second := h.create(`,"src_port":2`)
	h.settle()
	began := h.clock().Unix()
	for query, want := range map[string][]string{
		"":                                      {first, second},
		"order=newest":                          {second, first},
		"order=newest&per_page=1&page=2":        {first},
		"user_id=abc123&per_page=1&page=2":      {second},
		"user_id=abc123&order=newest":           {second, first},
		"user_id=other":                         nil,
		"user=other":                            nil,
		"user=abc123&project=projectB":          {first, second},
		"address=192.127.1.10":                  {first, second},
		"address=192.127.1.0/24":                {first, second},
		"address=10.0.0.1":                      nil,
		fmt.Sprintf("before=%d", began):         {first},
		fmt.Sprintf("after=%d", began):          {first, second},
		fmt.Sprintf("after=%d", began+1_000000): nil,
	} {
		var ids []string
		for _, r := range h.want(200, "GET", "/api/v1/allocations?"+query, "", bearer(h.key)).Results {
			ids = append(ids, r["allocation_id"].(string))
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v, want %v", query, ids, want)
		}
	}
	for _, query := range []string{"order=up", "address=x", "address=1.2.3.4/99", "after=x", "before=-1", "user_id=", "user=", "user=a&user_id=a"} {
		h.want(422, "GET", "/api/v1/allocations?"+query, "", bearer(h.key))
	}
}

// TestForeignCursors shows cursors to lists that they are not of.
func TestForeignCursors(t *testing.T) {
	h := newHarness(t)
	for i := range 5 {
		h.create(fmt.Sprintf(`,"src_port":%d`, i+1))
	}
	next := linksOf(h.want(200, "GET", "/api/v1/allocations?per_page=2", "", bearer(h.key)))["next"]
	_, cursor, _ := strings.Cut(next, "cursor=")
	cursor, _, _ = strings.Cut(cursor, "&")
	h.want(200, "GET", "/api/allocations?per_page=4&cursor="+cursor, "", bearer(h.key)) // below the other base, of another size
	foreign := h.issue("xyz987", "projectB")
	h.want(200, "GET", "/api/v1/allocations?cursor="+cursor, "", bearer(foreign)) // the same project's
	for _, target := range []string{
		"/api/allocations?state=active&cursor=" + cursor, "/api/allocations?order=newest&cursor=" + cursor, "/api/audit?cursor=" + cursor,
		"/api/connections?cursor=" + cursor, "/api/webhooks?cursor=" + cursor, "/connections?cursor=" + cursor,
		"/api/allocations?cursor=", "/api/allocations?cursor=x", "/api/allocations?cursor=" + cursor[1:], "/api/allocations?cursor=" + cursor + "AA",
		"/api/allocations?cursor=" + cursor[:12], "/api/allocations?cursor=" + strings.Repeat("A", 5000),
	} {
		key := h.key
		if strings.Contains(target, "audit") {
			key = h.admin
		}
		a := h.do("GET", target, "", bearer(key))
		if a.code != 400 || !strings.Contains(a.body, "cursor: ") {
			t.Errorf("%.60s: %d %s", target, a.code, a.body)
		}
	}
	a := h.do("GET", "/api/allocations?cursor="+cursor, "", bearer(h.admin))
	if a.code != 400 {
		t.Errorf("of another key's list: %d", a.code)
	}
}
