package serve

import (
	"crypto/tls"
	"sync/atomic"
	"time"
)

// A Certificate is the API's certificate, which can be replaced while the
// server runs. It is safe for concurrent use.
type Certificate struct {
	current atomic.Pointer[Pair]
}

// A Pair is a certificate with its key, read and checked.
type Pair struct {
	pair        tls.Certificate
	Fingerprint string // SHA-256 in hex with colons
	Expires     time.Time
}

// ReadPair returns the pair that files name, as [LoadTLS] does.
func ReadPair(files TLSFiles) (*Pair, error) {
	cfg, fingerprint, err := LoadTLS(files)
	if err != nil {
		return nil, err
	}
	pair := cfg.Certificates[0]
	return &Pair{pair, fingerprint, pair.Leaf.NotAfter}, nil
}

// NewCertificate returns a certificate that starts with p.
func NewCertificate(p *Pair) *Certificate {
	c := new(Certificate)
	c.current.Store(p)
	return c
}

// Use makes every later handshake show p. It reports whether p is another
// certificate than before.
func (c *Certificate) Use(p *Pair) bool {
	return c.current.Swap(p).Fingerprint != p.Fingerprint
}

// Expires returns when the certificate that is shown expires.
func (c *Certificate) Expires() time.Time { return c.current.Load().Expires }

// TLS returns a configuration that serves c over TLS 1.3, or 1.2 with forward
// secrecy and authenticated encryption.
func (c *Certificate) TLS() *tls.Config {
	cfg := baseTLS()
	cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &c.current.Load().pair, nil
	}
	return cfg
}

// baseTLS returns the configuration without a certificate.
func baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2; those of 1.3 are all good
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: []string{"h2", "http/1.1"},
	}
}
