package httpapi

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// SignIns has users sign in at an OpenID Connect issuer. Errors are
// [auth.ErrCode], [auth.ErrToken] and [*auth.UnavailableError].
type SignIns interface {
	// Issuer and ClientID are the issuer's URL and what it calls us.
	Issuer() string
	ClientID() string
	// Begin returns where to send a browser, which comes back to redirect.
	Begin(ctx context.Context, redirect string) (auth.SignIn, error)
	// Redeem returns the token for the code that it comes back with.
	Redeem(ctx context.Context, redirect, code string, s auth.SignIn) (token string, err error)
}

var _ SignIns = (*auth.OIDC)(nil)

// signInLasts is how long a user may take at the issuer.
const signInLasts = 10 * time.Minute

var (
	errNoIssuer = rest.NewFault(http.StatusUnprocessableEntity, "this server signs nobody in at an issuer; sign in with user_id, project_id and password")
	errNoSignIn = rest.NewFault(http.StatusUnprocessableEntity, "code: this server signs nobody in at an issuer; give user_id and password")
	errOldState = rest.NewFault(http.StatusUnprocessableEntity,
		"state: this browser has not begun this sign-in, or more than ten minutes ago; sign in again")
	errCodeAndName = rest.NewFault(http.StatusUnprocessableEntity, "code: needs state beside it, and neither user_id nor project_id, password, token or api_key")
)

// An underWay is a sign-in as the browser that has begun it keeps it, sealed,
// in a cookie.
type underWay struct {
	auth.SignIn
	Project  string `json:"project"`
	Redirect string `json:"redirect"`
	End      int64  `json:"end"` // UNIX seconds
}

// newSealer returns what seals cookies until the process ends.
func newSealer() (cipher.AEAD, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// signInCookie returns the name of the cookie of a sign-in that is under way.
func (a *api) signInCookie(x *exchange) string {
	if a.overTLS(x) {
		return cookieSecure + "-signin"
	}
	return cookiePlaintext + "-signin"
}

// keepSignIn has the browser keep a sign-in for as long as it lasts. The page
// of the issuer leads to ours, whose script then sends the cookie: so that it
// is strict, too.
func (a *api) keepSignIn(x *exchange, s underWay) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sealed := base64.RawURLEncoding.EncodeToString(a.sealer.Seal(nil, nil, text, nil))
	a.setSignIn(x, sealed, int(signInLasts/time.Second))
	return nil
}

// forgetSignIn has the browser forget its sign-in.
func (a *api) forgetSignIn(x *exchange) { a.setSignIn(x, "", -1) }

func (a *api) setSignIn(x *exchange, value string, maxAge int) {
	http.SetCookie(x.Writer, &http.Cookie{
		Name: a.signInCookie(x), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: a.overTLS(x), SameSite: http.SameSiteStrictMode,
	})
}

// keptSignIn returns the sign-in that the browser keeps, if its state is this
// one.
func (a *api) keptSignIn(x *exchange, state string) (s underWay, err error) {
	shown := x.Request.CookiesNamed(a.signInCookie(x))
	if len(shown) != 1 {
		return s, errOldState
	}
	sealed, err := base64.RawURLEncoding.DecodeString(shown[0].Value)
	if err != nil {
		return s, errOldState
	}
	text, err := a.sealer.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(text, &s) != nil {
		return s, errOldState
	}
	if a.Now().Unix() >= s.End || subtle.ConstantTimeCompare([]byte(s.State), []byte(state)) != 1 {
		return s, errOldState
	}
	return s, nil
}

// home returns the address of the page, to which an issuer sends browsers back:
// that of api.url or, without one, that at which the browser asks. The issuer
// sends browsers only to addresses that it knows as ours.
func (a *api) home(x *exchange) string {
	if a.Origin != "" {
		return a.Origin + "/"
	}
	scheme := "http://"
	if x.Request.TLS != nil {
		scheme = "https://"
	}
	return scheme + x.Request.Host + "/"
}

// An issuerView is where users sign in.
type issuerView struct {
	Issuer   string         `json:"issuer"`
	ClientID string         `json:"client_id"`
	Redirect string         `json:"redirect_uri"` // that the issuer has to know
	Links    rest.Relations `json:"_links"`
}

// showIssuer serves GET and HEAD /session/oidc. That there is none is no error:
// a page that begins asks for it.
func (a *api) showIssuer(x *exchange) error {
	x.body.Text("api_key") // some clients show it always
	if err := x.done(); err != nil {
		return err
	}
	views := []issuerView{}
	if a.SignIns != nil {
		views = append(views, issuerView{a.SignIns.Issuer(), a.SignIns.ClientID(), a.home(x), rest.Relate("self", x.path("session", "oidc"), "session", x.path("session"))})
	}
	return x.succeed(http.StatusOK, views)
}

// A signInView is where a browser goes to sign in.
type signInView struct {
	Address string         `json:"authorization_url"`
	Links   rest.Relations `json:"_links"`
}

// beginSignIn serves POST /session/oidc. Nothing changes here: what is to be
// known later is in the browser's cookie.
func (a *api) beginSignIn(x *exchange) error {
	x.asks = true
	if a.forged(x.Request) {
		return errForged
	}
	project := takeName(x.body, "project_id")
	x.body.Text("api_key") // some clients show it always
	x.body.Require("project_id")
	if err := x.done(); err != nil {
		return err
	}
	if a.SignIns == nil {
		return errNoIssuer
	}
	s := underWay{Project: project.V, Redirect: a.home(x), End: a.Now().Add(signInLasts).Unix()}
	var err error
	if s.SignIn, err = a.SignIns.Begin(x.Request.Context(), s.Redirect); err != nil {
		return err
	}
	if err := a.keepSignIn(x, s); err != nil {
		return err
	}
	links := rest.Relate("self", x.path("session", "oidc"), "session", x.path("session"))
	return x.succeed(http.StatusOK, []signInView{{s.Address, links}})
}

// keyForCode gives a user a key whom the issuer has sent back with a code. The
// browser forgets the sign-in, however it ends. A client that tries codes is
// slowed down as one that tries passwords is.
func (a *api) keyForCode(x *exchange) (string, auth.Key, error) {
	b := x.body
	code, state := b.Text("code").V, b.Text("state").V
	for _, field := range []string{"user_id", "project_id", "password", "token", "api_key"} {
		if b.Text(field).V != "" {
			return "", auth.Key{}, errCodeAndName
		}
	}
	if err := x.done(); err != nil {
		return "", auth.Key{}, err
	}
	if a.SignIns == nil {
		return "", auth.Key{}, errNoSignIn
	}
	s, err := a.keptSignIn(x, state)
	a.forgetSignIn(x)
	if err != nil {
		return "", auth.Key{}, err
	}
	return a.keyFor(x, "", s.Project, func() (auth.Identity, error) {
		token, err := a.SignIns.Redeem(x.Request.Context(), s.Redirect, code, s.SignIn)
		if err != nil {
			return auth.Identity{}, err
		}
		return a.byToken(x, token, "", s.Project)
	})
}
