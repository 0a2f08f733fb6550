package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"
)

const (
	// refetchEvery spaces out the fetching of keys: any client can send a token
	// that names an unknown key.
	refetchEvery = 10 * time.Second
	refetchBurst = 3
)

func (o *OIDC) newVerifier(p *oidc.Provider) *oidc.IDTokenVerifier {
	var said struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	_ = p.Claims(&said) // without an address every fetch fails, and says so
	keys := &issuerKeys{
		url: said.Keys, client: o.client, log: o.log, now: o.now,
		limit: rate.NewLimiter(rate.Every(refetchEvery), refetchBurst), asking: make(chan struct{}, 1),
	}
	return oidc.NewVerifier(o.cfg.Issuer, keys, &oidc.Config{
		ClientID: o.cfg.ClientID, SupportedSigningAlgs: asymmetric(said.Algorithms), Now: o.now,
	})
}

// asymmetric returns the issuer's algorithms that a public key checks. With any
// other, all that know the public key could sign.
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

// issuerKeys are the keys of an issuer, fetched when a token names one that is
// not among them, at a bounded rate. In between the last answer stands: an
// issuer that was down is down, one that was not has no other keys. What was
// fetched before an issuer went down serves on.
type issuerKeys struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
	limit  *rate.Limiter
	asking chan struct{} // holds a token while the issuer is asked

	mu  sync.Mutex
	set oidc.KeySet // fetched last; nil: none yet
	err error       // why there was no answer after that; nil: there was one
}

var errSignature = errors.New("the signature is of none of the issuer's keys")

// VerifySignature implements [oidc.KeySet].
func (k *issuerKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	set, _ := k.known()
	if set != nil {
		if payload, err := set.VerifySignature(ctx, token); err == nil {
			return payload, nil
		}
	}
	newer, err := k.refresh(ctx, set)
	switch {
	case err != nil:
		if f, ok := ctx.Value(fetchFailure{}).(*fetchFailure); ok {
			f.err = err
		}
		return nil, err
	case newer == set:
		return nil, errSignature
	}
	return newer.VerifySignature(ctx, token)
}

func (k *issuerKeys) known() (oidc.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set, k.err
}

// refresh returns a set that is not old, if there is one by now or it is time
// to fetch one; otherwise what the last fetching came to.
func (k *issuerKeys) refresh(ctx context.Context, old oidc.KeySet) (oidc.KeySet, error) {
	select {
	case k.asking <- struct{}{}:
		defer func() { <-k.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if set, err := k.known(); err == nil && set != old || !k.limit.AllowN(k.now(), 1) {
		return set, err
	}
	// Not ctx: one client that hangs up must not spend what all may ask.
	text, err := k.fetch(context.WithoutCancel(ctx))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err = err; err != nil {
		k.log.Warn("the issuer's keys cannot be fetched", "err", shortened(err))
		return nil, err
	}
	k.set = keySetOf(text)
	return k.set, nil
}

// fetch returns the text of an answer that holds keys.
func (k *issuerKeys) fetch(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, errors.New("the issuer tells no address of its keys")
	}
	a, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered %d", a.StatusCode)
	}
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	return text, holdKeys(ctx, text)
}

// errNoKeys does not quote the answer, which could be anything.
var errNoKeys = errors.New("the issuer answered 200 with something else than keys")

// unsigned is a token that no key has signed.
const unsigned = "eyJhbGciOiJFUzI1NiJ9.e30.AA"

// holdKeys reports whether the text is a set of keys, and not an empty one.
// That the library can read each of them only the library can tell: it is asked
// to try them.
func holdKeys(ctx context.Context, text []byte) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || len(set.Keys) == 0 {
		return errNoKeys
	}
	// The library says so only in words.
	if _, err := keySetOf(text).VerifySignature(ctx, unsigned); err != nil && strings.HasPrefix(err.Error(), "fetching keys") {
		return errNoKeys
	}
	return nil
}

// keySetOf returns the keys in a text.
func keySetOf(text []byte) oidc.KeySet {
	client := &http.Client{Transport: answering(text)}
	return oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), client), "https://issuer.invalid/keys")
}

// answering is a transport that gives one answer.
type answering []byte

// RoundTrip implements [http.RoundTripper].
func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(a)), ContentLength: int64(len(a)),
	}, nil
}
