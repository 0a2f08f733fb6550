package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ErrCode does not say which check a code failed.
var ErrCode = errors.New("code: the issuer does not take it, or it is for another sign-in; sign in again")

// maxCode bounds an authorization code's text.
const maxCode = 4 << 10

// A SignIn is what binds a browser to the authorization code that an issuer
// sends it back with (RFC 6749, 7636). The nonce and the verifier are for us
// and, unreadable to scripts, for that browser.
type SignIn struct {
	Address  string `json:"-"` // of the issuer, where the browser goes
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// ClientID returns what the issuer calls us.
func (o *OIDC) ClientID() string { return o.cfg.ClientID }

// Issuer returns the URL of the issuer.
func (o *OIDC) Issuer() string { return o.cfg.Issuer }

// Begin returns a sign-in after which the issuer sends the browser to redirect,
// an address that it knows as ours. It fails with an [*UnavailableError] if the
// issuer cannot be asked where to send the browser.
func (o *OIDC) Begin(ctx context.Context, redirect string) (SignIn, error) {
	c, err := o.exchanger(ctx, redirect)
	if err != nil {
		return SignIn{}, err
	}
	s := SignIn{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	s.Address = c.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))
	return s, nil
}

// Redeem returns the ID token that the issuer gives for a code, if it is for
// the sign-in. It fails with [ErrCode], with [ErrToken], or with an
// [*UnavailableError] if the issuer cannot be asked.
func (o *OIDC) Redeem(ctx context.Context, redirect, code string, s SignIn) (token string, err error) {
	if code == "" || len(code) > maxCode || s.Nonce == "" || s.Verifier == "" {
		return "", ErrCode
	}
	c, err := o.exchanger(ctx, redirect)
	if err != nil {
		return "", err
	}
	got, err := c.Exchange(oidc.ClientContext(ctx, o.client), code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return "", o.exchangeFault(ctx, err)
	}
	token, _ = got.Extra("id_token").(string)
	if _, err := o.Verify(ctx, token); err != nil {
		return "", err
	}
	if !nonceOf(ctx, o, token, s.Nonce) {
		o.log.Warn("an issuer's token is for another sign-in", "issuer", o.cfg.Issuer)
		return "", ErrCode
	}
	return token, nil
}

// nonceOf reports whether a token, which Verify has taken, has a nonce.
func nonceOf(ctx context.Context, o *OIDC, token, nonce string) bool {
	v, err := o.find(ctx)
	if err != nil {
		return false
	}
	t, err := v.Verify(ctx, token)
	return err == nil && subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(nonce)) == 1
}

// exchangeFault returns why there is no token. An issuer that answers without
// an error of OAuth's does not work.
func (o *OIDC) exchangeFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	said, ok := errors.AsType[*oauth2.RetrieveError](err)
	if ok && said.ErrorCode == "invalid_grant" {
		return ErrCode
	}
	kind := "no answer that can be used"
	if ok && said.ErrorCode != "" {
		kind = shortened(errors.New(said.ErrorCode)) // such as invalid_client: the configuration is wrong
	}
	o.log.Warn("the issuer gives no token for a code", "issuer", o.cfg.Issuer, slog.String("err", kind))
	return &UnavailableError{Reason: "code: the issuer gives no token for it now; try again later, or tell the operator", Err: errors.New(kind)}
}

// exchanger returns how to send browsers to the issuer, and codes.
func (o *OIDC) exchanger(ctx context.Context, redirect string) (*oauth2.Config, error) {
	if _, err := o.find(ctx); err != nil {
		return nil, err
	}
	o.mu.Lock()
	ends, basic := o.ends, o.basic
	o.mu.Unlock()
	for _, end := range [...]string{ends.AuthURL, ends.TokenURL} {
		if u, err := url.Parse(end); err != nil || !SafeURL(u) {
			return nil, o.unavailable(errors.New("the issuer tells no https address for signing in"))
		}
	}
	ends.AuthStyle = oauth2.AuthStyleInParams
	if basic && o.cfg.ClientSecret != "" {
		ends.AuthStyle = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: o.cfg.ClientID, ClientSecret: o.cfg.ClientSecret, Endpoint: ends, RedirectURL: redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}, nil
}

// takesBasic reports whether the issuer takes a client's secret in a header,
// which it does if it says nothing.
func takesBasic(p *oidc.Provider) bool {
	var said struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	return p.Claims(&said) != nil || len(said.Methods) == 0 || slices.Contains(said.Methods, "client_secret_basic")
}
