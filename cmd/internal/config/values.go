package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
)

// A Rate is a rate in bit/s, written 100M, 2.5G or as a plain number.
type Rate bitrate.Rate

// BitRate returns the rate in the type of the other packages.
func (r Rate) BitRate() bitrate.Rate { return bitrate.Rate(r) }

// String prints the rate as it is written in the file.
func (r Rate) String() string { return bitrate.Rate(r).String() }

// MarshalText prints the rate as it is written in the file.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalYAML reads the rate from a scalar.
func (r *Rate) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, bitrate.Parse)
	*r = Rate(v)
	return err
}

// A Port is one port of one switch, written DPID:port. The zero value means
// that none was given.
type Port topology.PortID

// ID returns the port in the type of the other packages.
func (p Port) ID() topology.PortID { return topology.PortID(p) }

// String prints DPID:port, or nothing for the zero value.
func (p Port) String() string {
	if p == (Port{}) {
		return ""
	}
	return topology.PortID(p).String()
}

// MarshalText prints the port as it is written in the file.
func (p Port) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalYAML reads the port from a scalar.
func (p *Port) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, topology.ParsePortID)
	*p = Port(v)
	return err
}

// A DPID is a datapath ID, as [openflow.ParseDPID] reads it.
type DPID openflow.DPID

// MarshalText prints the datapath ID as 16 hex digits.
func (d DPID) MarshalText() ([]byte, error) { return openflow.DPID(d).MarshalText() }

// UnmarshalYAML reads the datapath ID from a scalar.
func (d *DPID) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, func(s string) (openflow.DPID, error) {
		v, err := openflow.ParseDPID(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a datapath ID; write it as 16 hex digits, such as \"0000000000000001\"", s)
		}
		return v, nil
	})
	*d = DPID(v)
	return err
}

// A Prefix is an IP prefix; an address alone is the prefix of that address.
type Prefix struct{ netip.Prefix }

// MarshalText prints the prefix as it is written in the file.
func (p Prefix) MarshalText() ([]byte, error) { return p.Prefix.MarshalText() }

// UnmarshalYAML reads the prefix from a scalar.
func (p *Prefix) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, parsePrefix)
	*p = Prefix{v}
	return err
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP prefix; write 192.127.1.0/24 or 2001:db8::/64", s)
	}
	return p, nil
}

// An Interval is a length of time, written 5s, 1m or 7d.
type Interval time.Duration

// Duration returns the interval in the type of the other packages.
func (i Interval) Duration() time.Duration { return time.Duration(i) }

// String prints the interval as it is written in the file.
func (i Interval) String() string { return time.Duration(i).String() }

// MarshalText prints the interval as it is written in the file.
func (i Interval) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalYAML reads the interval from a scalar.
func (i *Interval) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, parseInterval)
	*i = Interval(v)
	return err
}

func parseInterval(s string) (time.Duration, error) {
	d, err := parseDays(s)
	if err != nil || s == "" {
		return 0, fmt.Errorf("%q is not a length of time; write 5s or 1m", s)
	}
	return d, nil
}

// A Plaintext says whether the API is served without TLS.
type Plaintext uint8

// The ways to serve the API.
const (
	TLSOnly   Plaintext = iota // HTTPS, the default
	Loopback                   // plain HTTP, on a loopback address only
	Forced                     // plain HTTP on any address
	plaintext = `write true, false or force`
)

// ParsePlaintext reads true, false or force.
func ParsePlaintext(s string) (Plaintext, error) {
	switch strings.ToLower(s) {
	case "false", "0", "":
		return TLSOnly, nil
	case "true", "1":
		return Loopback, nil
	case "force":
		return Forced, nil
	}
	return TLSOnly, fmt.Errorf("%q: %s", s, plaintext)
}

// String prints true, false or force.
func (p Plaintext) String() string { return [...]string{"false", "true", "force"}[p] }

// MarshalYAML prints a boolean, or force.
func (p Plaintext) MarshalYAML() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalYAML reads a boolean, or force.
func (p *Plaintext) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, ParsePlaintext)
	*p = v
	return err
}

// A Secret is text that is never printed.
type Secret string

const redacted = "(redacted)"

// String hides the secret, and prints nothing where there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// scalar reads one value with parse. Its error has the position in the file,
// which the decoder does not add to the errors of types that are not its own.
func scalar[T any](n ast.Node, parse func(string) (T, error)) (v T, err error) {
	if n.Type() == ast.NullType {
		return v, nil
	}
	at := n.GetToken().Position
	problem := Problem{Line: at.Line, Column: at.Column}
	if _, ok := n.(ast.ScalarNode); !ok {
		problem.Text = "a single value is needed here"
		return v, problem
	}
	text := n.GetToken().Value
	if _, ok := n.(*ast.LiteralNode); ok {
		if err := yaml.NodeToValue(n, &text); err != nil {
			return v, err
		}
	}
	if v, err = parse(strings.TrimSpace(text)); err != nil {
		problem.Text = sentence(err)
		return v, problem
	}
	return v, nil
}

// sentence returns err's text without the names of packages.
func sentence(err error) string {
	return strings.NewReplacer("bitrate: ", "", "topology: ", "", "openflow: ", "").Replace(err.Error())
}
