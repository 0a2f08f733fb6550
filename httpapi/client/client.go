package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// A Config says which server to talk to, and as whom.
type Config struct {
	BaseURL string // such as https://conga.example:8443; plain http only to a loopback address
	Key     string // sent with every call but Login; never printed

	Fingerprint string // of the server's certificate, as [Fingerprint] prints it; replaces verification by authority
	CAFile      string // PEM file of the authorities to trust instead of the system's
	Insecure    bool   // neither verify the certificate nor insist on TLS; for tests

	Timeout time.Duration // for one attempt; default 30 s
	Retries int           // further attempts where one did not succeed but a later one may; default 4, negative: none

	// Middleware, if not nil, is put around what carries the requests, to trace
	// them.
	Middleware func(http.RoundTripper) http.RoundTripper
}

// pingAfter is how long a connection may be silent while something is due
// before it is asked whether it is alive, and how long the answer may take.
const pingAfter = 5 * time.Second

// Client talks to one server.
type Client struct {
	base    *url.URL
	key     string
	http    *http.Client
	idle    func() // gives up idle connections
	retries int
}

// New checks the configuration and returns a client. It does not connect.
func New(c Config) (*Client, error) {
	base, err := parseBase(c.BaseURL, c.Insecure)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := c.tls()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	// A connection whose other end has gone without a word would be used for
	// every call, and each would time out.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter}
	var carrier http.RoundTripper = transport
	if c.Middleware != nil {
		carrier = c.Middleware(transport)
	}
	retries := cmp.Or(c.Retries, 4)
	return &Client{
		base: base, key: c.Key, retries: max(0, retries), idle: transport.CloseIdleConnections,
		http: &http.Client{
			Transport: carrier,
			Timeout:   cmp.Or(c.Timeout, 30*time.Second),
			// The interface never redirects; following one could carry the key
			// to a stranger.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close gives up idle connections.
func (c *Client) Close() { c.idle() }

func parseBase(text string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("client: server %q: write https://host:port", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("client: the server's URL must have neither user, query nor fragment")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("client: server %q: the key would cross the network in the clear; use https", text)
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
