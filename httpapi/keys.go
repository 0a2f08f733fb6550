package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// A keyView is a key as the document shows it. Both times are integers, as in
// its examples.
type keyView struct {
	APIKey    string     `json:"api_key"`
	StartTime int64      `json:"start_time"`
	EndTime   int64      `json:"end_time"`
	UserID    string     `json:"user_id"`
	ProjectID string     `json:"project_id"`
	Links     rest.Links `json:"_links"`
}

func viewKey(x *exchange, secret string, key auth.Key) []keyView {
	return []keyView{{
		APIKey: secret, StartTime: key.Start, EndTime: key.End, UserID: key.User, ProjectID: key.Project,
		Links: rest.SelfLinks(x.path("auth", secret)),
	}}
}

// requestKey serves POST /auth.
func (a *api) requestKey(x *exchange) error {
	secret, key, err := a.issueKey(x)
	if err != nil {
		return err
	}
	// 200 and no Location: that header would carry the key into logs on its
	// way.
	return x.succeed(http.StatusOK, viewKey(x, secret, key))
}

// issueKey gives the user that the body names, and proves to be, a key. A token
// of the issuer's stands for the password, and for the name too.
func (a *api) issueKey(x *exchange) (string, auth.Key, error) {
	b := x.body
	user, project, password := takeName(b, "user_id"), takeName(b, "project_id"), b.Text("password")
	token := tokenOf(x)
	b.Require("project_id")
	if token == "" {
		b.Require("user_id")
	}
	if err := x.done(); err != nil {
		return "", auth.Key{}, err
	}
	return a.keyFor(x, user.V, project.V, func() (auth.Identity, error) {
		if token != "" {
			return a.byToken(x, token, user.V, project.V)
		}
		return auth.Identity{User: user.V}, a.Directory.Authenticate(x.Request.Context(), user.V, project.V, password.V)
	})
}

// keyFor gives a key to the user that proof returns; user is what the request
// names, if it names one.
func (a *api) keyFor(x *exchange, user, project string, proof func() (auth.Identity, error)) (string, auth.Key, error) {
	who, err := a.prove(x, user, project, proof)
	if err != nil {
		return "", auth.Key{}, err
	}
	x.key = auth.Key{User: who.User, Project: project}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return "", auth.Key{}, err
	}
	return a.Keys.IssueFor(x.Request.Context(), who, project, along...)
}

// prove returns the user that proof returns. It slows down clients that guess;
// a directory or an issuer that cannot be asked makes none.
func (a *api) prove(x *exchange, user, project string, proof func() (auth.Identity, error)) (auth.Identity, error) {
	from := rest.ClientAddr(x.Context)
	if err := a.Guard.Admit(from, user); err != nil {
		return auth.Identity{}, err
	}
	who, err := proof()
	if err != nil {
		x.noteCaller(a.Directory, cmp.Or(user, who.User), project)
		if errors.Is(err, auth.ErrCredentials) || errors.Is(err, auth.ErrToken) || errors.Is(err, auth.ErrCode) {
			a.Guard.Failed(from, user)
		}
		return who, err
	}
	a.Guard.Succeeded(from, user)
	return who, nil
}

// tokenOf returns the token that the request shows, in its body or as a bearer.
// A key of ours, which some clients send with every request, is none.
func tokenOf(x *exchange) string {
	if token := x.body.Text("token"); token.Set {
		return token.V
	}
	for _, v := range x.Request.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(v, " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && !strings.HasPrefix(token, auth.Prefix) {
			return token
		}
	}
	return ""
}

// byToken returns the user that the token speaks of. It must be the one named,
// if one is, hold that name, and be a member of the project. With an error it
// is the user that the token claims.
func (a *api) byToken(x *exchange, token, user, project string) (auth.Identity, error) {
	if a.Tokens == nil {
		return auth.Identity{}, rest.NewFault(http.StatusUnprocessableEntity, "token: this server takes no tokens; give user_id and password")
	}
	ctx := x.Request.Context()
	who, err := a.Tokens.Verify(ctx, token)
	if err != nil {
		return auth.Identity{}, err
	}
	x.detail = fmt.Sprintf("token of subject %q", who.Subject)
	if user != "" && user != who.User {
		return who, auth.ErrToken
	}
	if who, err = a.holds(who); err != nil {
		x.detail += ", who does not hold the name"
		return who, err
	}
	return who, a.Directory.Admit(ctx, who.User, project)
}

// holds fails with [auth.ErrName] if the name that a token claims belongs to
// another subject: by the configuration, or else because that one had it first.
// A token opens no name that has a password and no subject.
func (a *api) holds(who auth.Identity) (auth.Identity, error) {
	subject, fixed := a.Directory.Subject(who.User)
	if fixed && subject != who.Subject {
		return who, auth.ErrName
	}
	who.Named = fixed
	return who, a.Keys.Holds(who)
}

// holdsStill fails with [auth.ErrNoKey] if the key was issued for a token, and
// another subject holds the name by now.
func (a *api) holdsStill(key auth.Key) error {
	if key.Subject == "" {
		return nil
	}
	if _, err := a.holds(key.Identity()); err != nil {
		return auth.ErrNoKey
	}
	return nil
}

// errNoKeyHere is for a key in the address, where it is the resource.
var errNoKeyHere = rest.NewFault(http.StatusNotFound, "api_key: "+auth.ErrNoKey.Error())

// keyFault answers for the key in the address: what is not there is 404.
func keyFault(err error) error {
	if errors.Is(err, auth.ErrNoKey) {
		return errNoKeyHere
	}
	return err
}

// showKey serves GET /auth/{api_key}. The key in the address proves itself; one
// in the body, which clients send out of habit, changes nothing.
func (a *api) showKey(x *exchange) error {
	x.body.Text("api_key")
	if err := x.done(); err != nil {
		return err
	}
	secret := x.Param("key")
	key, err := a.Keys.Status(secret)
	if err != nil {
		return keyFault(err)
	}
	return x.succeed(http.StatusOK, viewKey(x, secret, key))
}

// keyOwner takes the two fields that renewing and deleting a key ask for.
func keyOwner(x *exchange) (user, project string, err error) {
	b := x.body
	b.Text("api_key")
	u, p := takeName(b, "user_id"), takeName(b, "project_id")
	b.Require("user_id", "project_id")
	return u.V, p.V, x.done()
}

// renewKey serves POST /auth/{api_key}.
func (a *api) renewKey(x *exchange) error {
	user, project, err := keyOwner(x)
	if err != nil {
		return err
	}
	secret := x.Param("key")
	key, err := a.Keys.Status(secret)
	if err != nil {
		return keyFault(err)
	}
	x.key = key
	if err := a.holdsStill(key); err != nil {
		return keyFault(err)
	}
	if err := a.Directory.Admit(x.Request.Context(), key.User, key.Project); err != nil {
		return err
	}
	// Each key from each address is told apart, and cannot hide behind another.
	digest := auth.HashSecret(secret)
	along, err := a.repeatOps(x, string(digest[:])+rest.ClientAddr(x.Context).String(), http.StatusOK)
	if err != nil {
		return err
	}
	key, err = a.Keys.Renew(x.Request.Context(), secret, user, project, along...)
	if err != nil {
		return keyFault(err)
	}
	return x.succeed(http.StatusOK, viewKey(x, secret, key))
}

// deleteKey serves DELETE /auth/{api_key}.
func (a *api) deleteKey(x *exchange) error {
	user, project, err := keyOwner(x)
	if err != nil {
		return err
	}
	secret := x.Param("key")
	if x.key, err = a.Keys.Status(secret); err != nil {
		return keyFault(err)
	}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return err
	}
	if err := a.Keys.Delete(x.Request.Context(), secret, user, project, along...); err != nil {
		return keyFault(err)
	}
	a.recheckReaders()
	type deleted struct {
		APIKey string `json:"api_key"`
	}
	return x.succeed(http.StatusOK, []deleted{{secret}})
}
