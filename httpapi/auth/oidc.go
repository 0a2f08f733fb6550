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
	"golang.org/x/time/rate"
)

const (
	// maxToken bounds a token's text; those of large collaborations have a few
	// kilobytes of groups.
	maxToken = 16 << 10
	// discoverAgain is how long an issuer that could not be found is left alone.
	discoverAgain = 5 * time.Second
	// refetchEvery spaces out the fetching of keys: anybody can send a token that
	// names a key nobody knows.
	refetchEvery = 10 * time.Second
	refetchBurst = 3
)

// OIDCConfig says whose tokens prove a user.
type OIDCConfig struct {
	Issuer    string // URL, exactly as the tokens have it
	ClientID  string // the audience that they must be for
	UserClaim string // which claim is the user's name; "": sub
	Roots     *tls.Config
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: none
}

// CheckOIDC is what is wrong with a configuration, by field, or "" and nil.
func CheckOIDC(cfg OIDCConfig) (field string, err error) {
	u, err := url.Parse(cfg.Issuer)
	switch {
	case err != nil || !SafeURL(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "issuer", errors.New("write the issuer's https URL, without user, query or fragment")
	case cfg.ClientID == "":
		return "client_id", errors.New("write the client ID that tokens must be for; a token for someone else proves nothing here")
	case cfg.UserClaim == "email":
		return "user_claim", errors.New("an email address changes hands; write sub, or another claim that the issuer never reassigns")
	}
	return "", nil
}

// OIDC checks the tokens of one OpenID Connect issuer. It asks the issuer for
// its keys when the first token comes, so that neither needs the other to start,
// and keeps them until a token names one that it does not know.
type OIDC struct {
	cfg    OIDCConfig
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	finding chan struct{} // holds a token while the issuer is asked about itself

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: not found yet
	failed   error
	retry    time.Time // when to look again after failed
}

// NewOIDC checks cfg. It asks nobody anything.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	if field, err := CheckOIDC(cfg); err != nil {
		return nil, fmt.Errorf("auth: oidc: %s: %w", field, err)
	}
	if cfg.UserClaim == "" {
		cfg.UserClaim = "sub"
	}
	o := &OIDC{cfg: cfg, client: newOutsideClient(cfg.Roots), log: cfg.Log, now: cfg.Now, finding: make(chan struct{}, 1)}
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

// Verify is who the token speaks of: signed by the issuer, for us, and not
// expired. It fails with [ErrToken], or with an [*UnavailableError] if the
// issuer cannot be asked for its keys.
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
	o.log.Debug("a token was refused", slog.Any("reason", tokenFault(err)))
	return Identity{}, ErrToken
}

// identity takes out of a valid token who it is for.
func (o *OIDC) identity(t *oidc.IDToken) (Identity, error) {
	claims := map[string]any{}
	if err := t.Claims(&claims); err != nil {
		return Identity{}, ErrToken
	}
	// A token for several must name us as the one that it was given to.
	azp, named := claims["azp"].(string)
	if named && azp != o.cfg.ClientID || !named && len(t.Audience) > 1 {
		return Identity{}, ErrToken
	}
	user, _ := claims[o.cfg.UserClaim].(string)
	if !ValidName(user) || t.Subject == "" || len(t.Subject) > 255 {
		o.log.Warn("a valid token has no name of a user that can be used", "claim", o.cfg.UserClaim)
		return Identity{}, ErrToken
	}
	return Identity{User: user, Issuer: t.Issuer, Subject: t.Subject}, nil
}

// tokenFault is what may be logged of a refused token: never what is in it.
func tokenFault(err error) string {
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return "expired"
	}
	return "signature, issuer, audience or form"
}

func (o *OIDC) unavailable(cause error) error {
	return &UnavailableError{Reason: "token: its issuer cannot be asked for its keys now; try again later", Err: cause}
}

// find is the verifier, once the issuer has told where its keys are. Who comes
// while another is asking waits for the same answer.
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
	ask, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), o.client), outsideTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ask, o.cfg.Issuer)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.log.Warn("the issuer of tokens cannot be asked", "issuer", o.cfg.Issuer, "err", shortened(err))
		o.failed, o.retry = o.unavailable(err), o.now().Add(discoverAgain)
		return nil, o.failed
	}
	o.verifier = o.newVerifier(provider)
	return o.verifier, nil
}

// found is what earlier asking came to; nothing, if it is time to ask.
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

func (o *OIDC) newVerifier(p *oidc.Provider) *oidc.IDTokenVerifier {
	var said struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	_ = p.Claims(&said) // without an address every fetch fails, and says so
	spaced := &http.Client{
		Timeout:       o.client.Timeout,
		CheckRedirect: o.client.CheckRedirect,
		Transport:     &spacing{next: o.client.Transport, limit: rate.NewLimiter(rate.Every(refetchEvery), refetchBurst), now: o.now},
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), spaced), said.Keys)
	return oidc.NewVerifier(o.cfg.Issuer, watchedKeys{keys}, &oidc.Config{
		ClientID: o.cfg.ClientID, SupportedSigningAlgs: asymmetric(said.Algorithms), Now: o.now,
	})
}

// asymmetric are the algorithms of the issuer's that a public key checks. With
// any other, who knows the public key could sign.
func asymmetric(said []string) (out []string) {
	for _, a := range said {
		switch a {
		case oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA:
			out = append(out, a)
		}
	}
	return out // none: the library takes RS256
}

// fetchFailure carries, through a context, why keys could not be fetched. The
// library's own error no longer tells that from a wrong signature.
type fetchFailure struct{ err error }

// watchedKeys notes why keys could not be fetched.
type watchedKeys struct{ oidc.KeySet }

// VerifySignature implements [oidc.KeySet].
func (w watchedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, token)
	if err != nil && strings.HasPrefix(err.Error(), "fetching keys") && !errors.Is(err, errSpaced) {
		if f, ok := ctx.Value(fetchFailure{}).(*fetchFailure); ok {
			f.err = err
		}
	}
	return payload, err
}

// errSpaced means that the keys were fetched just now: one that is not among
// them is nobody's.
var errSpaced = errors.New("the keys were fetched a moment ago")

// spacing lets requests through at a bounded rate. In between the last answer
// stands: an issuer that was down is down, one that was not has no other keys.
type spacing struct {
	next  http.RoundTripper
	limit *rate.Limiter
	now   func() time.Time

	mu   sync.Mutex
	last error
}

// RoundTrip implements [http.RoundTripper].
func (s *spacing) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // the library asks once at a time in any case
	if !s.limit.AllowN(s.now(), 1) {
		if s.last != nil {
			return nil, s.last
		}
		return nil, errSpaced
	}
	a, err := s.next.RoundTrip(r)
	switch {
	case err != nil:
		s.last = err
	case a.StatusCode != http.StatusOK:
		s.last = fmt.Errorf("the issuer answered %d", a.StatusCode)
	default:
		s.last = nil
	}
	return a, err
}

// shortened is an error of someone else's for the log, not at any length.
func shortened(err error) string {
	const most = 200
	if s := err.Error(); len(s) > most {
		return s[:most] + "…"
	} else {
		return s
	}
}
