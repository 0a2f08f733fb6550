package main

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"time"

	"conga/cmd/internal/config"
	"conga/httpapi/serve"
)

// tlsFiles returns the files of the API's certificate.
func tlsFiles(c config.Config) serve.TLSFiles {
	return serve.TLSFiles{Cert: c.API.TLS.Cert, Key: c.API.TLS.Key, Dir: c.Data, Hosts: certificateHosts(c.API, ownAddresses)}
}

// certificateHosts returns the hosts at which users reach the API: that of
// api.listen, or every address of the machine if it listens on all, and that of
// api.url.
func certificateHosts(c config.API, own func() []string) (hosts []string) {
	if host, _, err := net.SplitHostPort(c.Listen); err == nil {
		if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
			hosts = append(hosts, own()...)
		} else {
			hosts = append(hosts, host)
		}
	}
	if u, err := url.Parse(c.URL); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// ownAddresses returns the machine's addresses without link-local ones, none if
// the system does not tell.
func ownAddresses() (out []string) {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p.Addr().String())
		}
	}
	return out
}

// expiryOf returns when the certificate that c shows expires, zero if c is nil.
func expiryOf(c *tls.Config) time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.Certificates[0].Leaf.NotAfter
}
