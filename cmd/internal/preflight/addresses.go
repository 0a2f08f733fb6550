package preflight

import (
	"errors"
	"net"
	"syscall"

	"conga/cmd/internal/config"
)

// Addresses returns what is wrong with the addresses to listen on. It listens
// on each for a moment. An address in use is no finding if own reports that it
// may be the daemon that listens there.
func Addresses(c config.Config, own func(addr string) bool) []Finding {
	var l list
	tried := map[string]string{} // the key of each port that is listened on
	for _, a := range []struct{ key, addr string }{
		{"api.listen", c.API.Listen}, {"openflow.listen", c.OpenFlow.Listen}, {"debug.listen", c.Debug.Listen},
	} {
		if a.addr == "" {
			continue
		}
		port := portOf(a.addr)
		listener, err := net.Listen("tcp", a.addr)
		switch {
		case err == nil:
			tried[port] = a.key
			defer listener.Close() // not before the others were tried, which may be the same
		case errors.Is(err, syscall.EADDRINUSE) && tried[port] != "":
			l.refuse(a.key, "%s is that of %s as well; write another port", a.addr, tried[port])
		case !errors.Is(err, syscall.EADDRINUSE) || !own(a.addr):
			l.address(a.key, a.addr, err)
		}
	}
	return l
}

// address adds why an address cannot be listened on.
func (l *list) address(key, addr string, err error) {
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		l.refuse(key, "another program listens on %s, which ss -ltnp names; stop it, or write another address", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		l.refuse(key, "%s is no address of this machine; write one that it has, or :%s for all of them", addr, portOf(addr))
	case errors.Is(err, syscall.EACCES):
		l.warn(key, "this user may not listen on port %s; take one from 1024 on, or give congad CAP_NET_BIND_SERVICE", portOf(addr))
	case unknown:
		l.refuse(key, "the host of %s is not known here; write an address of this machine", addr)
	default:
		l.refuse(key, "nothing can listen on %s (%v); write another address", addr, err)
	}
}

// SamePort returns a function that reports whether an address has the port of
// one of addrs, such as those on which this process listens.
func SamePort(addrs ...string) func(addr string) bool {
	ports := map[string]bool{}
	for _, a := range addrs {
		ports[portOf(a)] = true
	}
	return func(addr string) bool { return ports[portOf(addr)] }
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
