package acceptance

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestMisplacedSecrets puts a key, a password, a token and a webhook's secret
// wherever a confused client may, with a valid key and without. The answers do
// not matter here; the end of the suite checks that nothing of it is kept, see
// world.leaks.
func TestMisplacedSecrets(t *testing.T) {
	w := worldOf(t)
	secrets := map[string]string{"a live key": w.user(t, "abc123", "projectB").key, "a password": password}
	for what, text := range map[string]string{
		"a key of another server": "conga_" + strings.Repeat("Zz9-", 11)[:43],
		"a token":                 "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJnaXZlbi1hd2F5In0.c2lnbmF0dXJlLXRoYXQtaXMtbm9uZQ",
		"a webhook's secret":      "whsec_" + strings.Repeat("Yy8_", 11)[:43],
	} {
		secrets[what] = text
		w.keep(text, what)
	}
	known := w.user(t, "xyz987", "projectB")
	for what, secret := range secrets {
		t.Run(what, func(t *testing.T) {
			for _, u := range []*asker{w.keyless(t), {world: w, t: t, key: known.key, http: known.http}, w.operator(t)} {
				misplaced(u, secret)
			}
		})
	}
}

// misplaced sends a secret wherever it does not belong.
func misplaced(u *asker, secret string) {
	path, query := url.PathEscape(secret), url.QueryEscape(secret)
	for _, target := range []string{
		"/" + path, "/api/" + path, "/api/v1/auth/" + path + "/x", "/api/auth/" + path, "/api/auth/x/" + path, "/api/allocations/" + path,
		"/api/webhooks/" + path, "/api/connections/" + path, "/api/switches/" + path, "/api/projects/" + path, "/api/operators/" + path,
		"/api/allocations?api_key=" + query, "/api/allocations?" + query, "/api/allocations?project_id=" + query, "/api/connections?allocation=" + query,
		"/api/audit?actor=" + query, "/api/paths?src=" + query + "&dst=" + query, "/connections?api_key=" + query, "/api/allocations#" + path,
	} {
		for _, method := range []string{"GET", "DELETE"} {
			u.ask(method, target, "")
		}
	}
	for _, name := range []string{"X-Request-Id", "User-Agent", "Referer", "Idempotency-Key", "If-Match", "Last-Event-ID", "Accept",
		"Content-Type", "X-API-Key", "Cookie", "X-Forwarded-For", "Origin", "Content-Encoding", "Authorization"} {
		u.ask("GET", "/api/allocations", "", name, secret)
		u.ask("POST", "/api/allocations", `{"project_id":"projectB"}`, name, secret)
	}
	for _, scheme := range []string{"Basic", "Bearer", "Digest"} {
		u.ask("GET", "/api/allocations", "", "Authorization", scheme+" "+secret)
		u.ask("GET", "/api/allocations", "", "Authorization", scheme+" "+base64.StdEncoding.EncodeToString([]byte("abc123:"+secret)))
	}
	for _, name := range []string{"user_id", "project_id", "src_ip", "dst_ip", "protocol", "connection_uuid", "password", "token", "api_key", "name", "duration"} {
		for _, target := range []string{"/api/auth", "/api/auth/" + path, "/api/allocations", "/api/operators", "/connections"} {
			u.ask("POST", target, with(map[string]any{"user_id": "abc123", "project_id": "projectB", "name": "x"}, name, secret))
		}
	}
	u.ask("POST", "/api/allocations", with(sound(), secret, 1))
	u.ask("POST", "/api/allocations", fmt.Sprintf(`{"project_id":%q`, secret)) // cut short
	for _, hook := range []string{"https://abc123:" + path + "@127.0.0.1:9/", "https://127.0.0.1:9/" + path + "\x7f"} {
		u.ask("POST", "/api/webhooks", with(map[string]any{}, "url", hook))
	}
	if secret == password {
		return // what a host reports is kept, and a password has no form by which it is recognised
	}
	label := strings.Replace(reportOfOne, `"port":"40001"`, fmt.Sprintf(`"port":"40001","user":%[1]q,"process_name":%[1]q,"job":%[1]q`, "x "+secret), 1)
	u.ask("POST", "/connections", "["+label+"]")
}
