package rest

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// Proxies are the addresses of proxies whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// keyClient is the key in a Gin context of the address of a client that a
// trusted proxy speaks for.
const keyClient = "rest.client"

// Identify notes in the context which client a trusted proxy speaks for, for
// ClientAddr and ClientText.
func (p Proxies) Identify(c *gin.Context) {
	if client, ok := p.forwardedFor(c.Request); ok {
		c.Set(keyClient, client)
	}
}

// Trust reports whether addr is a proxy's.
func (p Proxies) Trust(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// ClientAddr returns the address of the request's client: the one that a
// trusted proxy speaks for, or else the other end of the connection.
func ClientAddr(c *gin.Context) netip.Addr {
	if addr, ok := c.Get(keyClient); ok {
		return addr.(netip.Addr)
	}
	return peerOf(c.Request)
}

// ClientText returns the client's address for the log, with the port if it is
// known.
func ClientText(c *gin.Context) string {
	if addr, ok := c.Get(keyClient); ok {
		return addr.(netip.Addr).String()
	}
	return c.Request.RemoteAddr
}

// peerOf returns the other end of the connection; the zero address if it has
// none.
func peerOf(r *http.Request) netip.Addr {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr()
}

// forwardedFor returns the client that a trusted proxy speaks for. Each proxy
// on the way adds to X-Forwarded-For where its own request came from, so that
// the list is read from its end, up to the first address that is no trusted
// proxy's: what comes before it is that client's word. There is none if the
// connection is not a trusted proxy's, or if the list cannot be read that far.
func (p Proxies) forwardedFor(r *http.Request) (client netip.Addr, ok bool) {
	if len(p) == 0 || !p.Trust(peerOf(r)) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(hops) {
		if client, ok = hopOf(text); !ok {
			return netip.Addr{}, false
		}
		if !p.Trust(client) {
			break
		}
	}
	return client, true
}

// hopOf returns one address of the list. Some proxies add the port.
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
