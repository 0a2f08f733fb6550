package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"conga/httpapi/auth"
	"conga/httpapi/limits"
	"conga/httpapi/rest"
)

// byHeaders identifies the client by Authorization: Bearer or X-API-Key, or
// else by the cookie of a session. Without them that is left to the body.
func (a *api) byHeaders(x *exchange) error {
	shown := shownInHeaders(x.Request.Header)
	switch len(shown) {
	case 0:
		return a.byCookie(x)
	case 1:
		x.secret = shown[0]
		return a.authenticate(x)
	}
	return errTwoKeys
}

// byBody identifies the client once the body is there: by its api_key, as
// documented, unless the headers have done so. It never takes a key from the
// query, which ends up in logs and histories.
func (a *api) byBody(x *exchange, rule keyRule) error {
	if rule == needsKeyOrHost {
		if keyless, ok := a.keylessRule(x); ok {
			return a.admitKeyless(x, keyless)
		}
	}
	inBody := x.body.Text("api_key")
	switch {
	case len(x.body.WrongTypes()) > 0:
		return rest.NewFault(http.StatusBadRequest, x.body.WrongTypes()...)
	case inBody.V != "" && x.secret == "":
		x.secret = inBody.V
		return a.authenticate(x)
	case inBody.V != "" && inBody.V != x.secret:
		return errTwoKeys
	case x.secret != "":
		return nil
	case x.Request.URL.Query().Has("api_key"):
		return rest.NewFault(http.StatusUnauthorized, "api_key: not taken from the query, where it would end up in logs; put it into the body or into Authorization: Bearer")
	}
	return rest.NewFault(http.StatusUnauthorized, "api_key: is required, in the body or as Authorization: Bearer; POST /api/auth gives one")
}

// authenticate finds the key that the request shows, and checks that it may do
// this.
func (a *api) authenticate(x *exchange) error {
	key, err := a.Keys.Lookup(x.secret)
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
	limits.Recognize(x.Request.Context())
	return nil
}

var errTwoKeys = rest.NewFault(http.StatusBadRequest, "api_key: body and headers show different keys")

// shownInHeaders returns the keys in the headers, each once.
func shownInHeaders(h http.Header) []string {
	var shown []string
	for _, v := range h.Values("Authorization") {
		if scheme, token, _ := strings.Cut(v, " "); strings.EqualFold(scheme, "Bearer") {
			shown = append(shown, strings.TrimSpace(token))
		}
	}
	return slices.Compact(append(shown, h.Values("X-API-Key")...))
}

// sees reports whether the key opens the project.
func sees(key auth.Key, project string) bool { return key.SeesAll() || key.Project == project }

// takeName takes the name of a user or a project.
func takeName(b *rest.Fields, field string) rest.Value[string] {
	name := b.Text(field)
	if name.Set && !auth.ValidName(name.V) {
		b.Reject(field, "%s", auth.NameRule)
	}
	return name
}
