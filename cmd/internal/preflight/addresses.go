package preflight

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"conga/cmd/internal/config"
)

// patience is how long an address is tried: its host may have to be looked up.
const patience = 2 * time.Second

// Listen listens on an address, as the method of [net.ListenConfig] does.
type Listen func(ctx context.Context, network, addr string) (net.Listener, error)

// Addresses returns what is wrong with the addresses to listen on. It listens
// on each for a moment, unless one before is the same. running says that a
// congad runs with the same data, which may be what listens on one in use.
func Addresses(ctx context.Context, c config.Config, listen Listen, running bool) []Finding {
	var l list
	all := addressesOf(c)
	for i, a := range all {
		if same := slices.IndexFunc(all[:i], a.collides); same >= 0 {
			l.same(a, all[same])
			continue
		}
		err := try(ctx, listen, a.text)
		if running && errors.Is(err, syscall.EADDRINUSE) {
			l.warn(a.key, "%s is in use, by the congad that runs, unless its address was changed", a.text)
			continue
		}
		l.address(a, err)
	}
	return l
}

// ChangedAddresses returns what is wrong with those addresses of next that are
// not those of c, with which this process runs. They are tried as by
// [Addresses]. All findings are warnings: a restart is needed for an address.
func ChangedAddresses(ctx context.Context, c, next config.Config, listen Listen) []Finding {
	var l list
	own, all := addressesOf(c), addressesOf(next)
	for i, a := range all {
		if slices.Contains(own, a) {
			continue
		}
		others := slices.Delete(slices.Clone(all), i, i+1)
		if same := slices.IndexFunc(others, a.collides); same >= 0 {
			l.same(a, others[same])
			continue
		}
		err := try(ctx, listen, a.text)
		if errors.Is(err, syscall.EADDRINUSE) && slices.ContainsFunc(own, a.collides) {
			continue // this process will have given it back
		}
		l.address(a, err)
	}
	return AsWarnings(l)
}

// An address is one to listen on.
type address struct {
	key, text string // of the configuration
}

// addressesOf returns the addresses to listen on, those that are off left out.
func addressesOf(c config.Config) []address {
	all := []address{{"api.listen", c.API.Listen}, {"openflow.listen", c.OpenFlow.Listen}, {"debug.listen", c.Debug.Listen}}
	return slices.DeleteFunc(all, func(a address) bool { return a.text == "" })
}

// collides reports whether only one of two addresses can be listened on. An
// address of all hosts collides with that of each, and port 0 is always
// another. Names of hosts are not looked up.
func (a address) collides(b address) bool {
	aHost, aPort, _ := net.SplitHostPort(a.text)
	bHost, bPort, _ := net.SplitHostPort(b.text)
	if aPort != bPort || aPort == "0" {
		return false
	}
	aAddr, aErr := netip.ParseAddr(aHost)
	bAddr, bErr := netip.ParseAddr(bHost)
	everywhere := func(host string, addr netip.Addr) bool { return host == "" || addr.Unmap().IsUnspecified() }
	switch {
	case everywhere(aHost, aAddr) || everywhere(bHost, bAddr):
		return true
	case aErr == nil && bErr == nil:
		return aAddr.Unmap() == bAddr.Unmap()
	}
	return aHost == bHost
}

// try returns why an address cannot be listened on.
func try(ctx context.Context, listen Listen, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	listener, err := listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return listener.Close()
}

// same adds that an address is another's as well.
func (l *list) same(a, other address) {
	l.refuse(a.key, "%s is that of %s as well; write another port", a.text, other.key)
}

// address adds why an address cannot be listened on, nothing if err is nil.
// What may pass by itself is a warning.
func (l *list) address(a address, err error) {
	_, port, _ := net.SplitHostPort(a.text)
	lookup, unknown := errors.AsType[*net.DNSError](err)
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
	case is(syscall.EADDRINUSE):
		l.refuse(a.key, "another program listens on %s, which ss -ltnp names; stop it, or write another address", a.text)
	case is(syscall.EADDRNOTAVAIL):
		l.refuse(a.key, "%s is no address of this machine; write one that it has, or :%s for all of them", a.text, port)
	case is(syscall.EACCES):
		l.warn(a.key, "this user may not listen on port %s; take one from 1024 on, or give congad CAP_NET_BIND_SERVICE", port)
	case unknown && lookup.IsNotFound:
		l.refuse(a.key, "the host of %s is not known here; write an address of this machine", a.text)
	case unknown, is(context.DeadlineExceeded), is(context.Canceled):
		l.warn(a.key, "the host of %s could not be looked up (%v); write an address of this machine, which needs no looking up", a.text, err)
	case is(syscall.EMFILE), is(syscall.ENFILE), is(syscall.ENOBUFS), is(syscall.ENOMEM):
		l.warn(a.key, "%s could not be tried, since the system is short of something (%v); check again", a.text, err)
	default:
		l.refuse(a.key, "nothing can listen on %s (%v); write another address", a.text, err)
	}
}
