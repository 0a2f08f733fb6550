// Package authtest has an OpenID Connect issuer and an HTTP directory for
// tests.
package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// server starts an HTTPS server on a loopback address. It returns the
// configuration with which clients trust it.
func server(t testing.TB, h http.Handler) (*httptest.Server, *tls.Config) {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // strangers' handshakes
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, &tls.Config{RootCAs: roots}
}

// Issuer is an OpenID Connect issuer over HTTPS. What it signs is ES256.
type Issuer struct {
	URL   string
	Roots *tls.Config // the authority that has signed its certificate
	PEM   []byte      // the same, as a file has it

	Down     atomic.Bool  // it answers 503
	Keys     atomic.Value // string: what it says are its keys, if not ""
	Requests atomic.Int64 // of whatever kind

	t      testing.TB
	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	id     int
	grants map[string]grant // by code; an empty one was redeemed
}

// NewIssuer starts an issuer, which ends with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	i.Rotate()
	s, roots := server(t, i)
	i.URL, i.Roots = s.URL, roots
	i.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return i
}

// Rotate gives the issuer another key; it forgets the one that it had.
func (i *Issuer) Rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.id = key, i.id+1
}

// ServeHTTP serves the discovery document, the keys, and tokens for codes.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.Requests.Add(1)
	if i.Down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%[1]q,"jwks_uri":"%[1]s/keys","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token",
			"id_token_signing_alg_values_supported":["HS256","none","ES256"]}`, i.URL)
	case "/token":
		i.serveToken(w, r)
	case "/keys":
		if text, _ := i.Keys.Load().(string); text != "" {
			fmt.Fprint(w, text)
			return
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		public, err := i.key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			i.t.Error(err)
			return
		}
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"%d","x":%q,"y":%q}]}`, i.id, b64(public[1:33]), b64(public[33:]))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Token signs claims. Claims that are nil are left out; iss is the issuer if
// none is given.
func (i *Issuer) Token(claims map[string]any) string {
	i.mu.Lock()
	id := strconv.Itoa(i.id)
	i.mu.Unlock()
	return i.Signed(map[string]any{"alg": "ES256", "typ": "JWT", "kid": id}, claims)
}

// Signed returns a token as Token does, with the header given.
func (i *Issuer) Signed(header, claims map[string]any) string {
	i.t.Helper()
	all := map[string]any{"iss": i.URL}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	text := b64(i.json(header)) + "." + b64(i.json(all))
	sum := sha256.Sum256([]byte(text))
	i.mu.Lock()
	defer i.mu.Unlock()
	r, s, err := ecdsa.Sign(rand.Reader, i.key, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + b64(signature)
}

func (i *Issuer) json(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
