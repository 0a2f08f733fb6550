package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"conga/httpapi/auth"
)

// authenticate finds out who asks: by api_key in the body, as documented, by
// Authorization: Bearer, or by X-API-Key. Never by the query, which ends up in
// logs and histories.
func (a *api) authenticate(x *exchange) error {
	secret, err := secretOf(x)
	if err != nil {
		return err
	}
	key, err := a.Keys.Lookup(secret)
	if err != nil {
		return err
	}
	if err := mayCall(key, x.Request.Method, x.FullPath()); err != nil {
		return err
	}
	if err := a.holdsStill(key); err != nil {
		return err
	}
	// A key does not outlive its user's membership.
	if !key.SeesAll() {
		if err := a.Directory.Admit(x.Request.Context(), key.User, key.Project); err != nil {
			return err
		}
	}
	x.key = key
	return nil
}

// secretOf is the one key that the request shows.
func secretOf(x *exchange) (string, error) {
	var shown []string
	inBody := x.body.text("api_key")
	if len(x.body.wrongType) > 0 {
		return "", newFault(http.StatusBadRequest, x.body.wrongType...)
	}
	if inBody.v != "" {
		shown = append(shown, inBody.v)
	}
	h := x.Request.Header
	for _, v := range h.Values("Authorization") {
		if scheme, token, _ := strings.Cut(v, " "); strings.EqualFold(scheme, "Bearer") {
			shown = append(shown, strings.TrimSpace(token))
		}
	}
	shown = append(shown, h.Values("X-API-Key")...)
	shown = slices.Compact(shown)
	switch {
	case len(shown) > 1:
		return "", newFault(http.StatusBadRequest, "api_key: body and headers show different keys")
	case len(shown) == 1:
		return shown[0], nil
	case x.Request.URL.Query().Has("api_key"):
		return "", newFault(http.StatusUnauthorized, "api_key: not taken from the query, where it would end up in logs; put it into the body or into Authorization: Bearer")
	}
	return "", newFault(http.StatusUnauthorized, "api_key: is required, in the body or as Authorization: Bearer; POST /api/auth gives one")
}

// sees reports whether the key opens the project.
func sees(key auth.Key, project string) bool { return key.SeesAll() || key.Project == project }
