package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// The session of a browser is a key in a cookie that no script can read. Over
// TLS its name has the prefix with which browsers let no other host, and no
// page without TLS, set it.
const (
	cookieSecure    = "__Host-conga"
	cookiePlaintext = "conga"
)

// headerPage must be in a request that changes something by cookie: no other
// origin's page can send it without asking first, and we grant nothing.
const headerPage = "Conga-Page"

var (
	errForged = rest.NewFault(http.StatusForbidden,
		"session: a request by cookie must come from a page of this server, and one that changes something must have the header "+headerPage+": 1; programs show their key as Authorization: Bearer")
	errTwoSessions = rest.NewFault(http.StatusBadRequest, "session: there are two cookies of one name; delete this site's cookies and sign in again")
	errSessionOver = &rest.Fault{Status: http.StatusUnauthorized, Reasons: []string{"session: it has ended; sign in again"}, BadToken: true}
	errUsersKey    = rest.NewFault(http.StatusUnprocessableEntity,
		"api_key: is for an operator's key or the admin's; sign in with user_id, project_id and password, for which the session is given a key of its own")
	errKeyOrName = rest.NewFault(http.StatusUnprocessableEntity, "api_key: needs neither user_id nor project_id, password or token beside it")
)

// A sessionView is whose session it is. It has no key: the cookie has it.
type sessionView struct {
	Role      string     `json:"role"`       // user, operator or admin
	UserID    *string    `json:"user_id"`    // of a user, or an operator's name
	ProjectID *string    `json:"project_id"` // of a user
	EndTime   *int64     `json:"end_time"`   // null: it has none
	Links     rest.Links `json:"_links"`
}

// viewSession returns the session of a key.
func viewSession(x *exchange, key auth.Key) []sessionView {
	v := sessionView{Role: "user", Links: rest.SelfLinks(x.path("session"))}
	switch {
	case key.Admin:
		v.Role = "admin"
	case key.Operator:
		v.Role = "operator"
	default:
		v.ProjectID = &key.Project
	}
	if key.User != "" {
		v.UserID = &key.User
	}
	if key.End != 0 {
		v.EndTime = &key.End
	}
	return []sessionView{v}
}

// overTLS reports whether the browser speaks TLS: with us, or with a proxy at
// our configured address.
func (a *api) overTLS(x *exchange) bool {
	return x.Request.TLS != nil || strings.HasPrefix(a.Origin, "https://")
}

// setCookie has the browser keep the key until it closes; with "" it forgets
// it.
func (a *api) setCookie(x *exchange, secret string) {
	c := http.Cookie{Name: cookiePlaintext, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if a.overTLS(x) {
		c.Name, c.Secure = cookieSecure, true
	}
	if secret == "" {
		c.MaxAge = -1
	}
	http.SetCookie(x.Writer, &c)
}

// inCookie returns the key that a cookie shows; "" if none does.
func (a *api) inCookie(x *exchange) (string, error) {
	name := cookiePlaintext
	if a.overTLS(x) {
		name = cookieSecure
	}
	switch shown := x.Request.CookiesNamed(name); len(shown) {
	case 0:
		return "", nil
	case 1:
		return shown[0].Value, nil
	}
	return "", errTwoSessions
}

// forged reports whether another site's page may have sent the request. The
// browser says so with Sec-Fetch-Site or Origin.
func (a *api) forged(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return a.crossOrigin.Check(r) != nil
	}
	return true
}

// byCookie identifies the client by its session, if it has one and shows no
// other key.
func (a *api) byCookie(x *exchange) error {
	secret, err := a.inCookie(x)
	if err != nil || secret == "" {
		return err
	}
	reads := x.Request.Method == http.MethodGet || x.Request.Method == http.MethodHead
	if a.forged(x.Request) || !reads && x.GetHeader(headerPage) == "" {
		return errForged
	}
	x.secret = secret
	if err := a.authenticate(x); errors.Is(err, auth.ErrNoKey) {
		a.setCookie(x, "")
		return errSessionOver
	} else if err != nil {
		return err
	}
	return nil
}

// beginSession serves POST /session: POST /auth for a browser, or the end of a
// sign-in at an issuer. A key that is shown instead stays its owner's, and the
// session's end does not end it.
func (a *api) beginSession(x *exchange) error {
	if a.forged(x.Request) {
		return errForged
	}
	begin := a.issueKey
	x.body.Text("code") // null beside a name is none
	x.body.Text("state")
	switch {
	case x.body.Given("code"), x.body.Given("state"):
		begin = a.keyForCode
	case x.body.Has("api_key"):
		begin = a.keyOfOperator
	}
	secret, key, err := begin(x)
	if err != nil {
		return err
	}
	a.setCookie(x, secret)
	return x.succeed(http.StatusOK, viewSession(x, key))
}

// keyOfOperator returns the operator's key, or the admin's, that the body
// shows. A client that tries keys is slowed down as one that tries passwords
// is.
func (a *api) keyOfOperator(x *exchange) (string, auth.Key, error) {
	b := x.body
	secret := b.Text("api_key").V
	for _, field := range []string{"user_id", "project_id", "password", "token"} {
		if b.Text(field).V != "" {
			return "", auth.Key{}, errKeyOrName
		}
	}
	if err := x.done(); err != nil {
		return "", auth.Key{}, err
	}
	from := rest.ClientAddr(x.Context)
	if err := a.Guard.Admit(from, ""); err != nil {
		return "", auth.Key{}, err
	}
	key, err := a.Keys.Lookup(secret)
	if err != nil {
		a.Guard.Failed(from, "")
		return "", auth.Key{}, err
	}
	a.Guard.Succeeded(from, "")
	if !key.SeesAll() {
		return "", auth.Key{}, errUsersKey
	}
	return secret, key, nil
}

// showSession serves GET and HEAD /session. That there is none is no error: a
// page that begins asks for it.
func (a *api) showSession(x *exchange) error {
	x.body.Text("api_key") // some clients show it always
	if err := x.done(); err != nil {
		return err
	}
	if err := a.byHeaders(x); err != nil {
		return err
	}
	if x.secret == "" {
		return x.succeed(http.StatusOK, []sessionView{})
	}
	return x.succeed(http.StatusOK, viewSession(x, x.key))
}

// endSession serves DELETE /session: the browser forgets the key, and a user's
// key ends. It succeeds whether there is a session or not, so that a
// client that signs out is never left signed in.
func (a *api) endSession(x *exchange) error {
	x.body.Text("api_key") // some clients show it always
	if err := x.done(); err != nil {
		return err
	}
	secret, err := a.inCookie(x)
	switch {
	case err != nil:
		a.setCookie(x, "")
		return err
	case secret != "" && (a.forged(x.Request) || x.GetHeader(headerPage) == ""):
		return errForged
	case secret != "":
		a.setCookie(x, "") // whether its key can be ended or not
		if err := a.endKeyOf(x, secret); err != nil {
			return err
		}
	default:
		a.setCookie(x, "")
	}
	return x.succeed(http.StatusOK, []struct{}{})
}

// endKeyOf ends the key of a session, if it is a user's and there still is one.
func (a *api) endKeyOf(x *exchange, secret string) error {
	key, err := a.Keys.Status(secret)
	if err != nil {
		return nil
	}
	x.key = key
	along, err := a.recordOps(x, http.StatusOK)
	if err == nil {
		err = a.Keys.Delete(x.Request.Context(), secret, key.User, key.Project, along...)
	}
	if errors.Is(err, auth.ErrNoKey) {
		err = nil
	}
	a.recheckReaders()
	return err
}
