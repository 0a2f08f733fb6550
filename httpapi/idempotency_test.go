package httpapi_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi"
	"conga/stats"
)

// dump returns everything in some buckets of the store.
func (h *harness) dump(buckets ...store.Bucket) string {
	h.t.Helper()
	var out strings.Builder
	for _, b := range buckets {
		h.must(h.disk.Scan(h.t.Context(), b, func(key string, value []byte) error {
			fmt.Fprintf(&out, "%s %s %s\n", b, key, value)
			return nil
		}))
	}
	return out.String()
}

func idempotent(key string) header { return header{"Idempotency-Key", key} }

func TestIdempotentCreate(t *testing.T) {
	h := newHarness(t)
	body := "{" + good + `,"src_port":7}`
	first := h.want(201, "POST", "/api/v1/allocations", body, bearer(h.key), idempotent("k1"))
	if got := first.header.Get("Idempotent-Replayed"); got != "" {
		t.Errorf("the first answer is Idempotent-Replayed: %s", got)
	}
	replayed := func(headers ...header) {
		t.Helper()
		a := h.want(201, "POST", "/api/v1/allocations", body, append(headers, bearer(h.key))...)
		if a.body != first.body || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("again: %v %s, want %s", a.header, a.body, first.body)
		}
		for _, name := range []string{"Location", "ETag", "Content-Type", "Content-Length"} {
			if a.header.Get(name) != first.header.Get(name) {
				t.Errorf("again: %s is %s, want %s", name, a.header.Get(name), first.header.Get(name))
			}
		}
	}
	replayed(idempotent("k1"))
	replayed(idempotent(`"k1"`)) // as the draft writes it
	if n := h.stored(); n != 1 {
		t.Fatalf("%d allocations after three requests", n)
	}
	// The same request with the key in another place, and with a newer one.
	inBody := strings.Replace(body, "{", `{"api_key":"`+h.issue("abc123", "projectB")+`",`, 1)
	if a := h.want(201, "POST", "/api/v1/allocations", inBody, idempotent("k1")); a.body != first.body {
		t.Errorf("with the key in the body: %s", a.body)
	}
	vendor := h.want(201, "POST", "/api/v1/allocations", body, bearer(h.key), idempotent("k1"), header{"Accept", "application/vnd.conga+json"})
	if got := vendor.header.Get("Content-Type"); got != "application/vnd.conga+json; version=1.0" {
		t.Errorf("asked for the versioned form: %s", got)
	}
	for name, other := range map[string]struct{ target, body string }{
		"another body": {"/api/v1/allocations", "{" + good + `,"src_port":8}`},
	} {
		a := h.want(422, "POST", other.target, other.body, bearer(h.key), idempotent("k1"))
		if !strings.Contains(a.Errors[0], "Idempotency-Key: ") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	// What means the same is the same.
	for name, same := range map[string]struct{ target, body string }{
		"another order":     {"/api/v1/allocations", `{"src_port":7,` + good + "}"},
		"without a version": {"/api/allocations", body},
	} {
		if a := h.want(201, "POST", same.target, same.body, bearer(h.key), idempotent("k1")); a.body != first.body {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	// Keys are an owner's own.
	elsewhere := strings.NewReplacer("projectB", "project B", "1.10", "1.22", "1.11", "1.40").Replace(body)
	h.want(201, "POST", "/api/v1/allocations", elsewhere, bearer(h.foreign), idempotent("k1"))
	h.advance(23 * time.Hour)
	h.key = h.issue("abc123", "projectB")
	replayed(idempotent("k1"))
	h.advance(time.Hour)
	h.key = h.issue("abc123", "projectB")
	a := h.want(201, "POST", "/api/v1/allocations", body, bearer(h.key), idempotent("k1"))
	if a.body == first.body {
		t.Error("after a day the answer is still the old one")
	}
}

// TestIdempotentRelease: a release that is sent again, because its answer was
// lost, does not remove from the history what it has released.
func TestIdempotentRelease(t *testing.T) {
	h := newHarness(t)
	made := h.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(h.key))
	at := "/api/allocations/" + made.Results[0]["allocation_id"].(string)
	first := h.want(200, "DELETE", at, "", bearer(h.key), idempotent("k1"))
	for range 2 {
		a := h.want(200, "DELETE", at, "", bearer(h.key), idempotent("k1"))
		if a.body != first.body || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("again: %v %s, want %s", a.header, a.body, first.body)
		}
		if got := h.want(200, "GET", at, "", bearer(h.key)).Results[0]["state"]; got != "complete" {
			t.Errorf("it is %v", got)
		}
	}
	h.want(422, "PATCH", at, `{"duration":30}`, bearer(h.key), idempotent("k1"))
	removed := h.want(200, "DELETE", at, "", bearer(h.key), idempotent("k2"))
	h.want(404, "GET", at, "", bearer(h.key))
	if a := h.want(200, "DELETE", at, "", bearer(h.key), idempotent("k2")); a.body != removed.body {
		t.Errorf("again: %s, want %s", a.body, removed.body)
	}
	h.want(404, "DELETE", at, "", bearer(h.key), idempotent("k3"))
}

// TestIdempotencyOverAFailure: what was refused, by us or by the disk, had no
// effect and may be tried again.
func TestIdempotencyOverAFailure(t *testing.T) {
	h := newHarness(t)
	body := "{" + good + "}"
	h.disk.Fail(fmt.Errorf("no space left"))
	h.want(500, "POST", "/api/allocations", body, bearer(h.key), idempotent("k"))
	h.disk.Fail(nil)
	h.want(422, "POST", "/api/allocations", with("duration", "0"), bearer(h.key), idempotent("k"))
	h.want(201, "POST", "/api/allocations", body, bearer(h.key), idempotent("k"))
	if n := h.stored(); n != 1 {
		t.Errorf("%d allocations", n)
	}
	for _, bad := range []string{"", `""`, "a b", "ä", strings.Repeat("x", 256), h.key} {
		if bad == "" {
			continue // do takes it for "no header"
		}
		h.want(400, "POST", "/api/allocations", body, bearer(h.key), idempotent(bad))
	}
	h.want(400, "POST", "/api/allocations", body, bearer(h.key), idempotent("a"), idempotent("b"))
}

// TestIdempotentUpdate: also one that changes nothing is carried out once.
func TestIdempotentUpdate(t *testing.T) {
	h := newHarness(t)
	one := "/api/allocations/" + h.create("")
	same := h.want(200, "POST", one, `{"duration":3600}`, bearer(h.key), idempotent("same"))
	longer := h.want(200, "POST", one, `{"duration":7200}`, bearer(h.key), idempotent("longer"))
	h.want(200, "PATCH", one, `{"duration":100}`, bearer(h.key))
	for key, want := range map[string]answer{"same": same, "longer": longer} {
		body := map[string]string{"same": `{"duration":3600}`, "longer": `{"duration":7200}`}[key]
		if a := h.want(200, "POST", one, body, bearer(h.key), idempotent(key)); a.body != want.body || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s again: %s, want %s", key, a.body, want.body)
		}
	}
	if d := h.want(200, "GET", one, "", bearer(h.key)).Results[0]["duration"]; d != 100.0 {
		t.Errorf("duration is %v", d)
	}
}

// TestReplaysAreSavedWithTheirEffect: a store that stops at any commit has both
// or neither.
func TestReplaysAreSavedWithTheirEffect(t *testing.T) {
	h := newHarness(t)
	h.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), idempotent("k"))
	if a, r := h.disk.Len(store.Allocations), h.disk.Len(store.Replays); a != 1 || r != 1 {
		t.Fatalf("%d allocations and %d answers are stored", a, r)
	}
	if text := h.dump(store.Replays); strings.Contains(text, h.key[6:]) || strings.Contains(text, `"k"`) {
		t.Errorf("the store has %s", text)
	}
}

// slow lets a creation wait.
type slow struct {
	httpapi.Allocations
	entered, leave chan struct{}
}

func (s *slow) Create(ctx context.Context, r allocator.Request, along ...allocator.Along) (allocator.Allocation, error) {
	s.entered <- struct{}{}
	<-s.leave
	return s.Allocations.Create(ctx, r, along...)
}

func TestIdempotencyKeyInFlight(t *testing.T) {
	s := &slow{entered: make(chan struct{}), leave: make(chan struct{})}
	h := newHarness(t, func(c *httpapi.Config) { s.Allocations = c.Allocations; c.Allocations = s })
	var first answer
	var wg sync.WaitGroup
	wg.Go(func() { first = h.do("POST", "/api/allocations", "{"+good+"}", bearer(h.key), idempotent("k")) })
	<-s.entered
	a := h.want(409, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), idempotent("k"))
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	close(s.leave)
	wg.Wait()
	if first.code != 201 {
		t.Fatalf("the first one: %d %s", first.code, first.body)
	}
	if a := h.want(201, "POST", "/api/allocations", "{"+good+"}", bearer(h.key), idempotent("k")); a.body != first.body {
		t.Errorf("afterwards: %s", a.body)
	}
}

// TestManyAtOnce: of many requests with one key exactly one has an effect.
func TestManyAtOnce(t *testing.T) {
	h := newHarness(t)
	var mu sync.Mutex
	codes := map[int]int{}
	bodies := map[string]bool{}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			a := h.do("POST", "/api/allocations", "{"+good+"}", bearer(h.key), idempotent("k"))
			mu.Lock()
			defer mu.Unlock()
			if codes[a.code]++; a.code == http.StatusCreated {
				bodies[a.body] = true
			}
		})
	}
	wg.Wait()
	if h.stored() != 1 || len(bodies) != 1 || codes[201] == 0 || codes[201]+codes[409] != 32 {
		t.Errorf("%d allocations, codes %v, answers %v", h.stored(), codes, slices.Collect(maps.Keys(bodies)))
	}
}

// TestSecretsAreNotRepeated: where an answer holds a secret the key is refused,
// not overlooked.
func TestSecretsAreNotRepeated(t *testing.T) {
	h := newHarness(t)
	for target, body := range map[string]string{
		"/api/webhooks": `{"url":"https://example.org/hook"}`, "/api/operators": `{"name":"watcher"}`,
	} {
		a := h.want(400, "POST", target, body, bearer(h.admin), idempotent("k1"))
		if !strings.HasPrefix(a.Errors[0], "Idempotency-Key: is not taken here") {
			t.Errorf("%s: %s", target, a.body)
		}
		h.want(201, "POST", target, body, bearer(h.admin))
	}
}

// rendering counts how often statistics of an allocation are asked for, which
// is once each time that it is rendered.
type rendering struct {
	flowing
	times *int
}

func (r rendering) Allocation(id string) stats.Allocation {
	*r.times++
	return r.flowing.Allocation(id)
}

// TestRenderedOnce: what is kept of an answer is what is sent.
func TestRenderedOnce(t *testing.T) {
	times := 0
	h := newHarness(t, func(c *httpapi.Config) { c.Statistics = rendering{flowing{rate: &stats.Rate{}}, &times} })
	one := "/api/v1/allocations/" + h.create("")
	h.settle()
	for key, body := range map[string]string{"change": `{"duration":7200}`, "no change": `{}`} {
		times = 0
		first := h.want(200, "PATCH", one, body, bearer(h.key), idempotent(strings.ReplaceAll(key, " ", "")))
		if times != 1 {
			t.Errorf("%s: it was rendered %d times", key, times)
		}
		again := h.want(200, "PATCH", one, body, bearer(h.key), idempotent(strings.ReplaceAll(key, " ", "")))
		if again.body != first.body || times != 1 {
			t.Errorf("%s: %s became %s, rendered %d times", key, first.body, again.body, times)
		}
	}
}
