package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
)

// hasAlternatives checks that a conflict comes with what would be admitted
// instead, unless it is one that nothing helps.
func (h *harness) hasAlternatives(a answer, body string) {
	h.t.Helper()
	if a.code != http.StatusConflict || len(a.Alternatives) > 0 || a.header.Get("Retry-After") != "" {
		return
	}
	if h.proven != nil {
		if !h.proven(body) {
			h.t.Errorf("%s: refused, and nothing is offered though there are paths: %s", body, a.body)
		}
		return
	}
	for _, hopeless := range []string{"no switch carries", "is complete", "has started", "whose fragments name no port"} {
		if strings.Contains(a.body, hopeless) {
			return
		}
	}
	h.t.Errorf("%s: refused, and nothing is offered: %s", body, a.body)
}

// tryAlternatives posts what a refusal offers, with the key that the refused
// request had: it is admitted, and then taken back.
func (h *harness) tryAlternatives(r *http.Request, a answer, body string) {
	h.t.Helper()
	h.hasAlternatives(a, body)
	var with struct {
		Key string `json:"api_key"`
	}
	_ = json.Unmarshal([]byte(body), &with) // there may be none
	for _, alt := range a.Alternatives {
		again := httptest.NewRequestWithContext(h.t.Context(), http.MethodPost, "/api/v1/allocations", bytes.NewReader(alt))
		again.Header = r.Header.Clone()
		again.Header.Del("Idempotency-Key")
		if with.Key != "" {
			again.Header.Set("Authorization", "Bearer "+with.Key)
		}
		w := httptest.NewRecorder()
		h.api.ServeHTTP(w, again)
		if w.Code != http.StatusCreated {
			h.t.Errorf("%s: %s is offered, and answered with %d: %s", body, alt, w.Code, w.Body)
			continue
		}
		h.tried++
		made := []string{path.Base(w.Header().Get("Location"))}
		if series := h.alloc.Series(made[0]); len(series) > 0 {
			made = nil
			for _, one := range series {
				made = append(made, one.ID)
			}
		}
		for _, id := range slices.Concat(made, made) { // it leaves no trace in the history
			h.must(h.alloc.Release(h.t.Context(), id, 0))
		}
	}
}
