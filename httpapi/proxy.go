package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// keyClient is under which around keeps, in the context, the address of a client
// that a trusted proxy speaks for.
const keyClient = "conga.client"

// clientAddr is where the request comes from: the connection's other end, or
// whom that one speaks for, if it is a trusted proxy.
func clientAddr(c *gin.Context) netip.Addr {
	if addr, ok := c.Get(keyClient); ok {
		return addr.(netip.Addr)
	}
	return peerOf(c.Request)
}

// clientText is clientAddr for the log, with the port where that is the client's.
func clientText(c *gin.Context) string {
	if addr, ok := c.Get(keyClient); ok {
		return addr.(netip.Addr).String()
	}
	return c.Request.RemoteAddr
}

// peerOf is the other end of the connection; the zero address if it has none.
func peerOf(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr()
}

// isProxy reports whether what addr says of others is believed.
func (a *api) isProxy(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(a.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// forwardedFor is whom a trusted proxy speaks for. Each proxy on the way adds to
// X-Forwarded-For where its own request came from, so that the list is to be
// read from its end: up to the first address that is no trusted proxy's, since
// what comes before is that one's word. There is none if the connection is not a
// trusted proxy's, or if the list cannot be read that far.
func (a *api) forwardedFor(r *http.Request) (client netip.Addr, ok bool) {
	if len(a.TrustedProxies) == 0 || !a.isProxy(peerOf(r)) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(hops) {
		if client, ok = hopOf(text); !ok {
			return netip.Addr{}, false
		}
		if !a.isProxy(client) {
			break
		}
	}
	return client, true
}

// hopOf reads one address of the list. Some proxies add the port.
func hopOf(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = ap.Addr()
	}
	return addr.Unmap().WithZone(""), true
}
