package main

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"conga/bitrate"
	"conga/httpapi/client"
)

// parseSide reads an address of a host, or a prefix.
func parseSide(what, s string) (string, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		switch whole := p.Masked(); {
		case p.IsSingleIP():
			return p.Addr().Unmap().String(), nil
		case whole != p:
			return "", usagef("%s %q names a host within the prefix: write %s, or %s for that host alone", what, s, whole, p.Addr())
		}
		return p.String(), nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return "", usagef("%s %q: write an IPv4 or IPv6 address, or a prefix such as 192.127.1.0/24", what, s)
	}
	return addr.Unmap().String(), nil
}

// parseDuration reads 90s, 30m, 2h, 1d, 1d12h or a plain number of seconds, and
// returns seconds.
func parseDuration(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		return n, nil
	}
	rest, total := s, time.Duration(0)
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, badDuration(s)
		}
		total, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, badDuration(s)
		}
		total += d
	}
	if total <= 0 || total%time.Second != 0 {
		return 0, badDuration(s)
	}
	return int64(total / time.Second), nil
}

func badDuration(s string) error {
	return usagef("duration %q: write one in whole seconds, such as 90s, 30m, 2h or 1d12h", s)
}

// leastBare is the least rate, in bit/s, that is taken without a unit and
// without a question. It is what servers refuse unless they are told otherwise.
const leastBare = 100_000

// parseBandwidth reads a rate in bit/s. A small number without a unit is most
// likely one whose unit has been forgotten; it is taken if sure is true.
func parseBandwidth(s string, sure bool) (uint64, error) {
	r, err := bitrate.Parse(s)
	bare := err == nil && !strings.ContainsAny(s, "kKmMgGtT")
	switch {
	case err != nil:
		return 0, usagef("bandwidth %q: write a rate such as 40M or 2.5G, or a number of bit/s", s)
	case r == 0:
		return 0, usagef("bandwidth %q: no path has a rate of nothing; leave --bandwidth out for priority without a guarantee", s)
	case bare && r < leastBare && !sure:
		return 0, usagef("bandwidth %q is %d bit/s; was %s meant? Write the rate with its unit, such as %s, or add --yes if it is meant so", s, uint64(r), bitrate.Meant(r), bitrate.Meant(r))
	}
	return uint64(r), nil
}

// parseVolume reads a number of bytes, such as 40T or 1.5GB; units are those of
// rates, of a thousand.
func parseVolume(s string) (uint64, error) {
	n, err := bitrate.Parse(strings.TrimSuffix(s, "B"))
	if err != nil || n == 0 {
		return 0, usagef("volume %q: write a number of bytes, such as 40T or 500G", s)
	}
	return uint64(n), nil
}

// parseNewVolume reads what parseVolume does; "none" is none.
func parseNewVolume(s string) (uint64, error) {
	if strings.EqualFold(s, "none") {
		return 0, nil
	}
	return parseVolume(s)
}

// bytesOf returns a number of bytes as text.
func bytesOf(n uint64) string { return strings.TrimSuffix(bits(n), "bit/s") + "B" }

// parseReverse reads the rate of the way back, which may be nothing.
func parseReverse(s string, sure bool) (uint64, error) {
	if s == "0" {
		return 0, nil
	}
	return parseBandwidth(s, sure)
}

// parseNewBandwidth reads the rate that an allocation is to have from now on;
// "none" is none.
func parseNewBandwidth(s string, sure bool) (uint64, error) {
	if strings.EqualFold(s, "none") {
		return 0, nil
	}
	rate, err := parseBandwidth(s, sure)
	if err != nil && strings.Trim(s, "0.") == "" {
		return 0, usagef("bandwidth %q: no path has a rate of nothing; write none for priority without a guarantee", s)
	}
	return rate, err
}

func parseProtocol(s string) (string, error) {
	switch p := strings.ToLower(s); p {
	case "tcp", "udp", "any":
		return p, nil
	}
	return "", usagef("protocol %q: write tcp, udp or any", s)
}

// parsePorts reads ports, which are numbers and ranges with commas between
// them; 0, or nothing, is any.
func parsePorts(flag, s string) (client.Ports, error) {
	if s == "" || s == "0" {
		return "", nil
	}
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranges := strings.Cut(part, "-")
		if !ranges {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 16)
		b, failed := strconv.ParseUint(last, 10, 16)
		if err != nil || failed != nil || a == 0 || b < a {
			return "", usagef("--%s %q: write a port from 1 to 65535, a range such as 5000-5099, or several of both with commas between them", flag, s)
		}
	}
	return client.Ports(s), nil
}

// endpoint returns an address with its ports, if it has some.
func endpoint(ip string, port *client.Ports) string {
	if port == nil || *port == "" {
		return ip
	}
	if strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return ip + ":" + string(*port)
}

// rate returns a bandwidth as text, or a dash for none.
func rate(r *uint64) string {
	if r == nil || *r == 0 {
		return "-"
	}
	return bits(*r)
}

// shortSeconds returns a number of seconds as text.
func shortSeconds(n *int64) string {
	if n == nil {
		return "-"
	}
	return short(time.Duration(*n) * time.Second)
}

// short returns a duration as text without zero units at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
