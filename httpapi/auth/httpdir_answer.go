package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
)

// maxAddresses bounds the addresses that one answer of an HTTP directory names.
const maxAddresses = 256

// A said holds what the directory says of one user in one project.
type said struct {
	active  bool
	manager bool
	// addresses are the project's, whichever member is asked about; nil: the
	// answer says nothing of them.
	addresses []Owned
}

// readAnswer returns what the directory's answer says. Its errors quote nothing
// of it.
func readAnswer(a *http.Response) (said, error) {
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	switch {
	case a.StatusCode == http.StatusNotFound:
		return said{}, nil
	case a.StatusCode != http.StatusOK:
		return said{}, fmt.Errorf("it answers %d", a.StatusCode)
	case err != nil:
		return said{}, err
	case len(text) > maxAnswer:
		return said{}, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	return parseAnswer(text)
}

func parseAnswer(text []byte) (said, error) {
	var a struct {
		Active    *bool    `json:"is_active"`
		Manager   bool     `json:"is_manager"`
		Addresses []string `json:"addresses"`
	}
	err := json.Unmarshal(text, &a)
	switch wrong, mistyped := errors.AsType[*json.UnmarshalTypeError](err); {
	case err != nil && !mistyped, a.Active == nil, mistyped && wrong.Field == "is_active":
		return said{}, errors.New("its answer has no is_active that is true or false")
	case mistyped:
		return said{}, errors.New("its answer has an is_manager that is neither true nor false, or addresses that are no list of strings")
	case !*a.Active:
		return said{}, nil
	case len(a.Addresses) > maxAddresses:
		return said{}, fmt.Errorf("its answer has more than %d addresses", maxAddresses)
	}
	out := said{active: true, manager: a.Manager}
	if a.Addresses != nil {
		out.addresses = make([]Owned, len(a.Addresses))
	}
	for i, s := range a.Addresses {
		if out.addresses[i], err = parseOwned(s); err != nil {
			return said{}, fmt.Errorf("its answer's addresses[%d] %w", i, err)
		}
	}
	return out, nil
}

// parseOwned reads an address as the configuration has it.
func parseOwned(s string) (Owned, error) {
	if mac, err := net.ParseMAC(s); err == nil && len(s) == len("02:00:00:00:00:01") {
		return Owned{MAC: [6]byte(mac)}, nil
	}
	p, err := netip.ParsePrefix(s)
	if addr, single := netip.ParseAddr(s); single == nil && addr.Zone() == "" {
		p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	switch {
	case err != nil:
		return Owned{}, errors.New("is neither a prefix nor a MAC address")
	case p != p.Masked():
		return Owned{}, errors.New("has bits behind its length")
	case p.Addr().Is4In6():
		return Owned{}, errors.New("is an IPv4 address as IPv6")
	}
	return Owned{Prefix: p}, nil
}
