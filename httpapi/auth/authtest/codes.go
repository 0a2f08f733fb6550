package authtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// A grant is what the issuer has given a code for.
type grant struct {
	asked  url.Values
	claims map[string]any
}

// Approve does what an issuer does when its user agrees: it returns the address
// to which it sends the browser back from an authorization request, with a code
// for a token of these claims.
func (i *Issuer) Approve(address string, claims map[string]any) *url.URL {
	i.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		i.t.Fatal(err)
	}
	asked := at.Query()
	if at.Scheme+"://"+at.Host+at.Path != i.URL+"/authorize" || asked.Get("response_type") != "code" || asked.Get("code_challenge_method") != "S256" ||
		len(asked.Get("code_challenge")) != 43 || !strings.Contains(" "+asked.Get("scope")+" ", " openid ") {
		i.t.Fatalf("no authorization request with PKCE: %s", address)
	}
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.grants == nil {
		i.grants = map[string]grant{}
	}
	code := fmt.Sprintf("code-%d", len(i.grants))
	i.grants[code] = grant{asked, claims}
	back.RawQuery = url.Values{"code": {code}, "state": {asked.Get("state")}}.Encode()
	return back
}

// serveToken gives a token for a code, once, to whom the code was given for.
func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	code := r.PostFormValue("code")
	g := i.grants[code]
	if g.asked != nil {
		i.grants[code] = grant{}
	}
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if r.Method != http.MethodPost || r.PostFormValue("grant_type") != "authorization_code" || g.asked == nil || b64(sum[:]) != g.asked.Get("code_challenge") ||
		r.PostFormValue("redirect_uri") != g.asked.Get("redirect_uri") || r.PostFormValue("client_id") != g.asked.Get("client_id") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"it says too much: ` + code + `"}`))
		return
	}
	claims := map[string]any{"nonce": g.asked.Get("nonce")}
	maps.Copy(claims, g.claims)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": i.Token(claims)})
}
