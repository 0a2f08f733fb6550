package preflight

import (
	"context"
	"net"
	"syscall"
	"testing"

	"conga/cmd/internal/config"
)

// A machine is the error that listening on each address gives there; on others
// it succeeds.
type machine map[string]error

func (m machine) listen(_ context.Context, network, addr string) (net.Listener, error) {
	if err := m[addr]; err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return closable{}, nil
}

// A closable listens on nothing.
type closable struct{ net.Listener }

func (closable) Close() error { return nil }

func listening(api, openflow, debug string) config.Config {
	c := config.Default()
	c.API.Listen, c.OpenFlow.Listen, c.Debug.Listen = api, openflow, debug
	return c
}

const (
	used    = "10.0.0.1:8443"
	strange = "10.0.0.9:6653"
	unknown = "no-such-host.invalid:1"
	unheard = "slow.invalid:1"
	scarce  = "10.0.0.1:3"
)

var usual = machine{
	used: syscall.EADDRINUSE, strange: syscall.EADDRNOTAVAIL, scarce: syscall.EMFILE,
	unknown: &net.DNSError{IsNotFound: true}, unheard: context.DeadlineExceeded,
}

// TestAddresses: addresses that are in use, twice, or not of this machine.
func TestAddresses(t *testing.T) {
	const free = "127.0.0.1:0"
	for name, c := range map[string]struct {
		cfg     config.Config
		running bool
		want    []string
	}{
		"free":               {cfg: listening(free, free, "")},
		"in use":             {listening(used, free, ""), false, []string{"api.listen: another program listens on " + used}},
		"while congad runs":  {listening(used, free, ""), true, []string{"warning: api.listen: " + used + " is in use, by the congad that runs"}},
		"another machine's":  {listening(free, strange, ""), true, []string{"openflow.listen: ... :6653 for all"}},
		"no such host":       {listening(unknown, free, ""), false, []string{"api.listen: ... not known"}},
		"no answer":          {listening(unheard, free, ""), false, []string{"warning: api.listen: ... looked up"}},
		"too many files":     {listening(scarce, free, ""), false, []string{"warning: api.listen: ... short of"}},
		"debug":              {listening(free, free, used), false, []string{"debug.listen: another program"}},
		"twice":              {listening(used, used, ""), true, []string{"warning: api.listen: ", "openflow.listen: ... that of api.listen as well"}},
		"twice, everywhere":  {listening("10.0.0.2:80", "[::]:80", ":80"), false, []string{"openflow.listen: ... that of api.listen", "debug.listen: ... that of api.listen"}},
		"two of the machine": {cfg: listening("10.0.0.2:80", "10.0.0.3:80", "[::1]:80")},
		"one in two forms":   {listening("127.0.0.1:80", "[::ffff:127.0.0.1]:80", ""), false, []string{"openflow.listen: ... that of api.listen"}},
		"a host's name":      {listening("localhost:80", "localhost:80", "localhost:81"), false, []string{"openflow.listen: ... that of api.listen"}},
	} {
		expect(t, name, Addresses(t.Context(), c.cfg, usual.listen, c.running), c.want...)
	}
}

// TestChangedAddresses: those with which a daemon runs are not tried again, and
// no other is more than a warning.
func TestChangedAddresses(t *testing.T) {
	runs := listening(used, "0.0.0.0:6653", "")
	for name, c := range map[string]struct {
		next config.Config
		want []string
	}{
		"the same":           {next: runs},
		"one that is free":   {next: listening(used, "10.0.0.1:6653", "")},
		"its own, elsewhere": {next: listening("10.0.0.1:6653", used, "")},
		"not the machine's":  {listening(strange, "10.0.0.2:80", ""), []string{"warning: api.listen: ... no address of this machine"}},
		"no such host":       {listening(unknown, runs.OpenFlow.Listen, ""), []string{"warning: api.listen: "}},
		"the other's":        {listening(":6653", runs.OpenFlow.Listen, ""), []string{"warning: api.listen: ... that of openflow.listen as well"}},
	} {
		expect(t, name, ChangedAddresses(t.Context(), runs, c.next, usual.listen), c.want...)
	}
}

// TestAddressesAreGivenBack: an address is free again after it was tried.
func TestAddressesAreGivenBack(t *testing.T) {
	var got net.Listener
	listen := func(ctx context.Context, network, addr string) (l net.Listener, err error) {
		got, err = new(net.ListenConfig).Listen(ctx, network, addr)
		return got, err
	}
	expect(t, "free", Addresses(t.Context(), listening("127.0.0.1:0", "", ""), listen, false))
	if err := got.Close(); err == nil {
		t.Error("it still listens")
	}
}
