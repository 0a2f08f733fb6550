package config

import (
	"fmt"
	"net/netip"

	"github.com/goccy/go-yaml/ast"

	"conga/openflow"
)

// An Address is what a project owns: a prefix, an address, which is the prefix
// of that address alone, or the MAC address of a host, whose addresses are
// those that it is seen to have.
type Address struct {
	Prefix netip.Prefix
	MAC    openflow.MAC // if Prefix is invalid
}

// String prints the address as it is written in the file.
func (a Address) String() string {
	switch {
	case a == Address{}:
		return ""
	case !a.Prefix.IsValid():
		return a.MAC.String()
	}
	return a.Prefix.String()
}

// MarshalText prints the address as it is written in the file.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalYAML reads the address from a scalar.
func (a *Address) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, parseAddress)
	*a = v
	return err
}

func parseAddress(s string) (Address, error) {
	if mac, err := openflow.ParseMAC(s); err == nil {
		return Address{MAC: mac}, nil
	}
	p, err := parsePrefix(s)
	if err != nil {
		return Address{}, fmt.Errorf("%q is neither a prefix nor a host; write 192.127.1.0/24, 2001:db8::1 or a MAC address in quotes", s)
	}
	return Address{Prefix: p}, nil
}

// addresses checks what a project owns.
func (v *validator) addresses(key string, list []Address) {
	seen := map[Address]int{}
	for i, a := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		p := a.Prefix
		switch first, twice := seen[a]; {
		case a == Address{}:
			v.add(at, "the address is missing; write a prefix such as 192.127.1.0/24, or a host")
		case p.IsValid() && p != p.Masked():
			v.add(at, "%s has bits behind its length; write %s", p, p.Masked())
		case p.IsValid() && p.Addr().Is4In6():
			v.add(at, "%s is an IPv4 address as IPv6; write it as IPv4", p)
		case twice:
			v.add(at, "%s is already addresses[%d]; keep one", a, first)
		}
		seen[a] = i
	}
}
