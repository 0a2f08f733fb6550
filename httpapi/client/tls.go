package client

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Fingerprint returns the SHA-256 of a certificate as the daemon prints it:
// pairs of hex digits with colons between.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// ParseFingerprint reads a fingerprint with or without colons and the prefix
// "SHA256:", and returns it as [Fingerprint] prints it.
func ParseFingerprint(s string) (string, error) {
	digits := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "SHA256:")
	sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if err != nil || len(sum) != sha256.Size {
		return "", fmt.Errorf("client: fingerprint %q: write the 64 hex digits of a SHA-256", s)
	}
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":"), nil
}

// ErrFingerprint is why a server with another certificate than the pinned one
// is not spoken to.
var ErrFingerprint = errors.New("client: the server's certificate is not the one that was pinned")

// tls returns the TLS configuration that c asks for.
func (c Config) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("client: authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("client: authorities: %s holds no PEM certificate", c.CAFile)
		}
	}
	if c.Fingerprint != "" {
		want, err := ParseFingerprint(c.Fingerprint)
		if err != nil {
			return nil, err
		}
		// The pin says more than an authority would: this very certificate.
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(s tls.ConnectionState) error {
			got := Fingerprint(s.PeerCertificates[0])
			if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
				return fmt.Errorf("%w: it shows %s", ErrFingerprint, got)
			}
			return nil
		}
	}
	return config, nil
}

// Certificate asks a server for its certificate without trusting it, and
// reports whether the system's authorities vouch for it. Nothing secret is
// sent.
func Certificate(ctx context.Context, baseURL string) (cert *x509.Certificate, trusted bool, err error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, false, fmt.Errorf("client: server %q: write https://host:port", baseURL)
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "443")
	}
	dialer := &tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 10 * time.Second},
		Config:    &tls.Config{InsecureSkipVerify: true, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12},
	}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, false, fmt.Errorf("client: server %s: %w", u.Host, err)
	}
	defer conn.Close()
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{DNSName: u.Hostname(), Intermediates: intermediates})
	return chain[0], err == nil, nil
}
