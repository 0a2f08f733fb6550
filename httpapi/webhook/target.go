package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// maxURL is the longest URL of a target, in bytes.
const maxURL = 2048

// remedy is what an operator can do about a target that is refused.
const remedy = "an operator can allow it with webhooks: {allow_private: true} in the daemon's configuration"

// errPrivate is the answer to a target inside.
var errPrivate = errors.New("the address is not a public one; " + remedy)

// checkURL judges a target as far as that is possible without asking the DNS.
func checkURL(text string, allowPrivate bool) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fmt.Errorf("is longer than %d bytes", maxURL)
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("must be a URL such as https://example.org/hook")
	case u.Scheme == "http" && !allowPrivate:
		return errors.New("must begin with https://; for http://, " + remedy)
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https://")
	case u.User != nil:
		return errors.New("must not hold a user or a password; the signature says who sends")
	case u.Fragment != "":
		return errors.New("must not have a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("must have a port from 1 to 65535, or none")
		}
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	addr, err := netip.ParseAddr(host)
	inside := err == nil && !Public(addr) || host == "localhost" || strings.HasSuffix(host, ".localhost")
	if inside && !allowPrivate {
		return errPrivate
	}
	return nil
}

// special are networks that are not of the public internet although they look
// as if they were (IANA's registries of special-purpose addresses), and those
// that hide an IPv4 address in an IPv6 one.
var special = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// global6 is all of IPv6 from which addresses of the public internet are given.
// What else may lead somewhere is for networks of one's own, or for translation
// to IPv4.
var global6 = netip.MustParsePrefix("2000::/3")

// Public reports whether an address is one of the public internet.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return false
	}
	if addr.Is6() && !global6.Contains(addr) {
		return false
	}
	for _, p := range special {
		if p.Contains(addr) {
			return false
		}
	}
	inner, tunnelled := isatap(addr)
	return !tunnelled || Public(inner)
}

// isatap returns the IPv4 address to which a router that speaks ISATAP (RFC
// 5214) may tunnel what is sent to addr, whatever the network that addr is in.
func isatap(addr netip.Addr) (inner netip.Addr, ok bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	// 02 marks the IPv4 address as one of a kind; senders do not depend on it.
	if b[8]&^0x02 != 0 || b[9] != 0 || b[10] != 0x5e || b[11] != 0xfe {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// refusePrivate checks the very address that is about to be connected to, after
// the DNS has been asked: a name that leads elsewhere the second time it is
// looked up gains nothing.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !Public(ap.Addr()) {
		return errPrivate
	}
	return nil
}
