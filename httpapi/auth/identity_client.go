package auth

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// What directories and issuers may cost us.
const (
	identityTimeout   = 5 * time.Second // for one question, connecting included
	maxIdentityAnswer = 1 << 20         // bytes of one answer
)

var errInsecure = errors.New("only https is asked, or http on a loopback address")

// newIdentityClient returns a client for the directory and the issuer that the
// configuration names. It follows no redirect, which could lead anywhere, and
// reads no endless answer.
func newIdentityClient(roots *tls.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 4
	t.MaxResponseHeaderBytes = 64 << 10
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != nil {
		t.TLSClientConfig.RootCAs = roots.RootCAs
	}
	return &http.Client{
		Timeout:       identityTimeout,
		Transport:     careful{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// careful refuses plain HTTP over a network and cuts long answers.
type careful struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (c careful) RoundTrip(r *http.Request) (*http.Response, error) {
	if !SafeURL(r.URL) {
		return nil, errInsecure
	}
	a, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.Body = cut{io.LimitReader(a.Body, maxIdentityAnswer), a.Body}
	return a, nil
}

// CloseIdleConnections does what [http.Client.CloseIdleConnections] asks for.
func (c careful) CloseIdleConnections() { c.RoundTripper.(*http.Transport).CloseIdleConnections() }

// cut reads from one and closes the other.
type cut struct {
	io.Reader
	io.Closer
}

// SafeURL reports whether what is asked at u cannot be read or forged on the
// way: https, or http that never leaves this host.
func SafeURL(u *url.URL) bool {
	switch {
	case u.Host == "":
		return false
	case u.Scheme == "https":
		return true
	case u.Scheme != "http":
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
