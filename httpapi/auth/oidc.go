package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// maxToken bounds a token's text; those of large collaborations have a few
	// kilobytes of groups.
	maxToken = 16 << 10
	// MaxSubject is the longest subject of a token, in bytes, as OpenID Connect
	// has it.
	MaxSubject = 255
	// discoverAgain is how long an issuer that could not be found is left
	// alone.
	discoverAgain = 5 * time.Second
)

// An OIDCConfig says which issuer's tokens prove a user.
type OIDCConfig struct {
	Issuer   string // URL, exactly as the tokens have it
	ClientID string // the audience that they must be for
	// ClientSecret is what the issuer knows us by when it gives tokens for
	// codes; "": we are a public client.
	ClientSecret string
	UserClaim    string // which claim is the user's name; "": sub
	Roots        *tls.Config
	Now          func() time.Time // nil: time.Now
	Log          *slog.Logger     // nil: none
}

// CheckOIDC returns what is wrong with a configuration, by field, or "" and
// nil.
func CheckOIDC(cfg OIDCConfig) (field string, err error) {
	u, err := url.Parse(cfg.Issuer)
	switch {
	case err != nil || !SafeURL(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "issuer", errors.New("write the issuer's https URL, without user, query or fragment")
	case cfg.ClientID == "":
		return "client_id", errors.New("write the client ID that tokens must be for; a token for someone else proves nothing here")
	}
	switch strings.ToLower(cfg.UserClaim) {
	case "email", "email_verified", "phone_number", "phone_number_verified":
		return "user_claim", errors.New("email addresses and telephone numbers change hands; write sub, or another claim that the issuer never reassigns")
	case "name", "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website":
		return "user_claim", errors.New("people choose and change this claim, and several can have the same; write sub, or another claim that the issuer keeps to one person")
	}
	return "", nil
}

// OIDC checks the tokens of one OpenID Connect issuer. It asks the issuer for
// its keys when the first token comes, so that neither needs the other to
// start, and keeps them until a token names one that it does not know.
type OIDC struct {
	cfg    OIDCConfig
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	finding chan struct{} // holds a token while the issuer is asked about itself

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: not found yet
	ends     oauth2.Endpoint       // with verifier: where browsers and codes go
	basic    bool                  // with verifier: a secret goes into a header
	failed   error
	retry    time.Time // when to look again after failed
}

// NewOIDC returns a verifier for a configuration that it checks. It sends no
// request.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	if field, err := CheckOIDC(cfg); err != nil {
		return nil, fmt.Errorf("auth: oidc: %s: %w", field, err)
	}
	if cfg.UserClaim == "" {
		cfg.UserClaim = "sub"
	}
	o := &OIDC{cfg: cfg, client: newIdentityClient(cfg.Roots), log: cfg.Log, now: cfg.Now, finding: make(chan struct{}, 1)}
	if o.now == nil {
		o.now = time.Now
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// Close gives up idle connections.
func (o *OIDC) Close() { o.client.CloseIdleConnections() }

// Verify returns the user that the token speaks of: signed by the issuer, for
// us, and not expired. It fails with [ErrToken], or with an [*UnavailableError]
// if the issuer cannot be asked for its keys.
func (o *OIDC) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return Identity{}, ErrToken
	}
	v, err := o.find(ctx)
	if err != nil {
		return Identity{}, err
	}
	outcome := new(fetchFailure)
	t, err := v.Verify(context.WithValue(ctx, fetchFailure{}, outcome), token)
	switch {
	case err == nil:
		return o.identity(t)
	case ctx.Err() != nil:
		return Identity{}, ctx.Err()
	case outcome.err != nil:
		return Identity{}, o.unavailable(outcome.err)
	}
	o.log.Debug("a token was refused", slog.Any("err", tokenFault(err)))
	return Identity{}, ErrToken
}

// identity returns the user that a valid token is for.
func (o *OIDC) identity(t *oidc.IDToken) (Identity, error) {
	claims := map[string]any{}
	if err := t.Claims(&claims); err != nil {
		return Identity{}, ErrToken
	}
	// A logout token may look like an ID token otherwise.
	if _, events := claims["events"]; events {
		return Identity{}, ErrToken
	}
	// A token for several must name us as the one that it was given to.
	azp, named := claims["azp"].(string)
	if named && azp != o.cfg.ClientID || !named && len(t.Audience) > 1 {
		return Identity{}, ErrToken
	}
	user, _ := claims[o.cfg.UserClaim].(string)
	if !ValidName(user) || t.Subject == "" || len(t.Subject) > MaxSubject {
		o.log.Warn("a valid token has no name of a user that can be used", "claim", o.cfg.UserClaim)
		return Identity{}, ErrToken
	}
	return Identity{User: user, Issuer: t.Issuer, Subject: t.Subject}, nil
}

// tokenFault returns what may be logged of a refused token: never what is in
// it.
func tokenFault(err error) string {
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return "expired"
	}
	return "signature, issuer, audience or form"
}

func (o *OIDC) unavailable(cause error) error {
	return &UnavailableError{Reason: "token: its issuer cannot be asked for its keys now; try again later", Err: cause}
}

// find returns the verifier, once the issuer has told where its keys are.
// Callers that come while another is asking wait for the same answer.
func (o *OIDC) find(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if v, err := o.found(); v != nil || err != nil {
		return v, err
	}
	select {
	case o.finding <- struct{}{}:
		defer func() { <-o.finding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v, err := o.found(); v != nil || err != nil {
		return v, err
	}
	// Not ctx: one client that hangs up must not make the others wait again.
	ask, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), o.client), identityTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ask, o.cfg.Issuer)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.log.Warn("the issuer of tokens cannot be asked", "issuer", o.cfg.Issuer, "err", shortened(err))
		o.failed, o.retry = o.unavailable(err), o.now().Add(discoverAgain)
		return nil, o.failed
	}
	o.verifier, o.ends, o.basic = o.newVerifier(provider), provider.Endpoint(), takesBasic(provider)
	return o.verifier, nil
}

// found returns what the last request came to; nothing, if it is time for
// another.
func (o *OIDC) found() (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier != nil {
		return o.verifier, nil
	}
	if o.failed != nil && o.now().Before(o.retry) {
		return nil, o.failed
	}
	return nil, nil
}

// shortened returns a foreign error for the log, not at any length.
func shortened(err error) string {
	const most = 200
	if s := err.Error(); len(s) > most {
		return s[:most] + "…"
	} else {
		return s
	}
}
