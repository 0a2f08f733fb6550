// Package generators tries the clients that generators make of our OpenAPI
// document on a daemon; see check.sh, which generates them.
package generators

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"testing"
	"time"
)

// address is where the daemon's emulated network is asked for paths.
func address(t *testing.T) string {
	t.Helper()
	at := os.Getenv("CONGA_SERVER")
	if at == "" {
		t.Fatal("CONGA_SERVER is not set; run check.sh")
	}
	return at + "/api/v1"
}

// trusting returns a client of the daemon's own certificate.
func trusting(t *testing.T) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(os.Getenv("CONGA_CA_FILE"))
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatal("CONGA_CA_FILE has no certificate: ", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// operatorsKey returns the key for what is shown to operators only.
func operatorsKey(t *testing.T) string {
	t.Helper()
	key, err := os.ReadFile(os.Getenv("CONGA_ADMIN_KEY_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	return string(key[:len(key)-1])
}

// until asks again until show says that it is as it should be.
func until(t *testing.T, what string, show func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); !show(ctx); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it is never %s", what)
		}
	}
}
