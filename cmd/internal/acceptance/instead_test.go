package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
)

// hopeless are parts of the sentences of conflicts that nothing helps.
var hopeless = []string{"no switch carries", "is complete", "has started", "whose fragments name no port", "has changed since", "Idempotency-Key"}

// instead checks that a new allocation which was refused since something is in
// the way comes with what would be admitted, and that it would be: as a request
// that stores nothing, since other tests run at the same time.
func (a *asker) instead(r *http.Request, path, body string, got *answer) {
	a.t.Helper()
	route, _, _ := strings.Cut(path, "?")
	if got.code != http.StatusConflict || r.Method != http.MethodPost || !strings.HasSuffix(route, "/allocations") {
		return
	}
	var refusal struct {
		Alternatives []json.RawMessage `json:"alternatives"`
	}
	var with struct {
		Key string `json:"api_key"`
	}
	_, _ = json.Unmarshal([]byte(got.body), &refusal), json.Unmarshal([]byte(body), &with) // there may be none
	for _, words := range hopeless {
		if strings.Contains(got.body, words) {
			return
		}
	}
	if len(refusal.Alternatives) == 0 {
		a.t.Errorf("%s %s: refused, and nothing is offered: %s", path, body, got.body)
	}
	key := r.Header.Get("Authorization")
	if with.Key != "" {
		key = "Bearer " + with.Key
	}
	for _, alt := range refusal.Alternatives {
		if again := a.ask(http.MethodPost, "/api/v1/allocations?validate=true", string(alt), "Authorization", key); again.code != http.StatusOK {
			a.t.Errorf("%s %s: %s is offered, and answered with %d: %s", path, body, alt, again.code, again.body)
		}
	}
}
