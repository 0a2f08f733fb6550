package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"conga/stats/history/disk"
)

// A validator collects problems. It never stops at the first one: an operator
// correcting a file wants the whole list.
type validator struct {
	file      string
	positions map[string]position
	source    map[string]string // key -> flag or variable that set it
	problems  Error
}

// add notes a problem with a key, at the nearest position that is known for it.
func (v *validator) add(key, format string, args ...any) {
	p := Problem{Key: key, Text: fmt.Sprintf(format, args...)}
	if p.Source = v.source[key]; p.Source == "" {
		for k := key; k != ""; k = parent(k) {
			if at, ok := v.positions[k]; ok {
				p.Source, p.Line, p.Column = v.file, at.line, at.column
				break
			}
		}
	}
	v.problems = append(v.problems, p)
}

// parent returns the key that holds key, or "".
func parent(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

func (v *validator) config(c *Config) {
	if c.Data == "" {
		v.add("data", "no directory is named; write one such as /var/lib/conga")
	}
	v.api(c.API)
	v.listen("openflow.listen", c.OpenFlow.Listen)
	v.pair("openflow.tls", c.OpenFlow.TLS.Cert, c.OpenFlow.TLS.Key)
	if c.OpenFlow.TLS.ClientCA != "" && c.OpenFlow.TLS.Cert == "" {
		v.add("openflow.tls.client_ca", "switches can only be asked for a certificate over TLS; set openflow.tls.cert and key as well")
	}
	if s := c.OpenFlow.Settle; s != nil && (*s < 0 || *s > Interval(10*time.Second)) {
		v.add("openflow.settle", "%s is not from 0s to 10s; null is as long as Open vSwitch is reckoned to need", s)
	}
	v.oneOf("openflow.role", c.OpenFlow.Role, "master", "equal")
	v.switches(c.OpenFlow)
	v.network(c.Network)
	v.directory(c.Directory)
	v.allocations(c.Allocations)
	v.connections(c.Connections, c.Directory)
	v.store(c.Store)
	v.stats(c.Stats)
	v.oneOf("log.format", c.Log.Format, "text", "json")
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	if at := c.Debug.Listen; at != "" {
		if host := v.listen("debug.listen", at); host != "" && !isLoopback(host) {
			v.add("debug.listen", "%s would show the daemon's memory to others; listen on a loopback address such as 127.0.0.1:6060", at)
		}
	}
}

func (v *validator) api(a API) {
	host := v.listen("api.listen", a.Listen)
	v.pair("api.tls", a.TLS.Cert, a.TLS.Key)
	if a.URL != "" && !isOrigin(a.URL) {
		v.add("api.url", "%q is no address of a server; write scheme and host alone, such as https://conga.example.org", a.URL)
	}
	proxies := hosts{"trusted_proxies", "would have everybody believed who they say they are; name the proxies' own addresses", map[netip.Prefix]int{}}
	for i, p := range a.TrustedProxies {
		v.hosts(fmt.Sprintf("api.trusted_proxies[%d]", i), p.Prefix, proxies, i)
	}
	v.apiConnections(a)
	if d := a.LameDuck.Duration(); d < 0 || d > 5*time.Minute {
		v.add("api.lame_duck", "%s is not from 0s to 5m; some seconds more than a proxy in front takes to notice are enough", a.LameDuck)
	}
	if a.Plaintext == TLSOnly {
		return
	}
	if a.TLS.Cert != "" {
		v.add("api.plaintext", "a certificate is configured too; remove api.tls, or set plaintext to false")
	}
	if a.Plaintext == Loopback && !isLoopback(host) {
		v.add("api.plaintext", "keys and passwords would cross the network in the clear on %s; listen on 127.0.0.1, use TLS, or write force if a proxy in front adds TLS", a.Listen)
	}
}

// isOrigin reports whether s is a scheme, a host and perhaps a port, and
// nothing else.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && s == u.Scheme+"://"+u.Host
}

// maxOpen is more than the files that a process may have open on nearly all
// systems.
const maxOpen = 1_000_000

// apiConnections checks that the limits admit clients. The limit of one client
// may be larger than that of all; it has no effect then.
func (v *validator) apiConnections(a API) {
	if n := a.MaxConnections; n < 1 || n > maxOpen {
		v.add("api.max_connections", "%d is not between 1 and %d; 4096 is usual", n, maxOpen)
	}
	if n := a.MaxPerAddress; n < 1 || n > maxOpen {
		v.add("api.max_connections_per_address", "%d is not between 1 and %d; 256 is usual", n, maxOpen)
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// listen checks a host:port and returns the host.
func (v *validator) listen(key, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		v.add(key, "%q is not an address; write host:port such as 127.0.0.1:8443, or :8443 for every interface", addr)
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		v.add(key, "%q is not a port; write a number from 0 to 65535, where 0 takes any free one", port)
	}
	return host
}

func (v *validator) pair(key, cert, private string) {
	switch {
	case cert != "" && private == "":
		v.add(key+".key", "a certificate is given without its key; name the PEM file of the key")
	case cert == "" && private != "":
		v.add(key+".cert", "a key is given without its certificate; name the PEM file of the certificate")
	}
}

func (v *validator) oneOf(key, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		last := len(allowed) - 1
		v.add(key, "%q is unknown; write %s or %s", got, strings.Join(allowed[:last], ", "), allowed[last])
	}
}

// stats bounds the interval: switches are not to be asked all the time, nor the
// figures to be out of date.
func (v *validator) stats(s Stats) {
	if d := s.Interval.Duration(); d < disk.LeastInterval || d > 5*time.Minute {
		v.add("stats.interval", "%s is not from 1s to 5m; 5s is usual", s.Interval)
	}
	if n := s.History.Tracks; n < 128 || n > disk.MostTracks {
		v.add("stats.history.tracks", "%d is not from 128 to %d; each takes 180 kB on the disk, and a port has one, an allocation two", n, disk.MostTracks)
	}
}

func (v *validator) store(s Store) {
	v.oneOf("store.engine", s.Engine, "bolt", "etcd")
	switch {
	case s.Engine == "etcd":
		v.add("store.engine", "this build has no etcd; write bolt")
	case len(s.Etcd.Endpoints) > 0:
		v.add("store.etcd.endpoints", "endpoints are given but the engine is %s; set store.engine to etcd or remove them", s.Engine)
	}
}
