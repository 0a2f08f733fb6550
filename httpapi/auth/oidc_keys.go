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
	// refetchEvery spaces out the fetching of keys: anybody can send a token that
	// names a key nobody knows.
	refetchEvery = 10 * time.Second
	refetchBurst = 3
)

func (o *OIDC) newVerifier(p *oidc.Provider) *oidc.IDTokenVerifier {
	var said struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	_ = p.Claims(&said) // without an address every fetch fails, and says so
	spaced := &http.Client{
		Timeout:       o.client.Timeout,
		CheckRedirect: o.client.CheckRedirect,
		Transport:     &spacing{next: o.client.Transport, limit: rate.NewLimiter(rate.Every(refetchEvery), refetchBurst), now: o.now, log: o.log},
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
	if notFetched(err) && !errors.Is(err, errSpaced) {
		if f, ok := ctx.Value(fetchFailure{}).(*fetchFailure); ok {
			f.err = err
		}
	}
	return payload, err
}

// notFetched reports whether the library had no keys to check a signature with.
func notFetched(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "fetching keys") }

// errSpaced means that the keys were fetched just now: one that is not among
// them is nobody's.
var errSpaced = errors.New("the keys were fetched a moment ago")

// spacing lets requests through at a bounded rate. In between the last answer
// stands: an issuer that was down is down, one that was not has no other keys.
type spacing struct {
	next  http.RoundTripper
	limit *rate.Limiter
	now   func() time.Time
	log   *slog.Logger

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
	text, err := s.fetch(r)
	if s.last = err; err != nil {
		s.log.Warn("the issuer's keys cannot be fetched", "err", shortened(err))
		return nil, err
	}
	return answerOf(text), nil
}

// fetch is the text of an answer that holds keys. The library would take one
// that holds none for good once it is read, and whatever is signed for forged.
func (s *spacing) fetch(r *http.Request) ([]byte, error) {
	a, err := s.next.RoundTrip(r)
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
	return text, holdKeys(r.Context(), text)
}

// errNoKeys does not quote the answer, which could be anything.
var errNoKeys = errors.New("the issuer answered 200 with something else than keys")

// unsigned is a token that no key has signed.
const unsigned = "eyJhbGciOiJFUzI1NiJ9.e30.AA"

// holdKeys reports whether the text is a set of keys, and not an empty one. That
// the library can read each of them only the library can tell: it is asked to
// try them.
func holdKeys(ctx context.Context, text []byte) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || len(set.Keys) == 0 {
		return errNoKeys
	}
	client := &http.Client{Transport: answering(text)}
	trial := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, client), "https://issuer.invalid/keys")
	if _, err := trial.VerifySignature(ctx, unsigned); notFetched(err) {
		return errNoKeys
	}
	return nil
}

// answering is a transport that knows one answer.
type answering []byte

// RoundTrip implements [http.RoundTripper].
func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return answerOf(a), nil }

// answerOf is text as a server answers it.
func answerOf(text []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}
}
