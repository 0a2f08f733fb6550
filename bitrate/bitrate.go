// Package bitrate holds rates of data in bit/s, as people write them: 100M, 2.5G.
package bitrate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Rate is a rate in bit/s.
type Rate uint64

// Decimal multiples of a bit per second.
const (
	BitPerSecond Rate = 1
	Kbps              = 1000 * BitPerSecond
	Mbps              = 1000 * Kbps
	Gbps              = 1000 * Mbps
	Tbps              = 1000 * Gbps
)

// units are tried from the largest, so that String prints the shortest form.
var units = []struct {
	suffix string
	rate   Rate
}{{"T", Tbps}, {"G", Gbps}, {"M", Mbps}, {"k", Kbps}}

// String returns the rate as an operator would write it: 100M, 2.5G, 1500.
// [Parse] reads the text back as the same rate.
func (r Rate) String() string {
	for _, u := range units {
		if r < u.rate {
			continue
		}
		// Three decimals at most; what needs more is printed in full below.
		if milli := u.rate / 1000; r%milli == 0 {
			text := strconv.FormatUint(uint64(r/u.rate), 10)
			if frac := uint64(r % u.rate / milli); frac != 0 {
				text += "." + strings.TrimRight(fmt.Sprintf("%03d", frac), "0")
			}
			return text + u.suffix
		}
	}
	return strconv.FormatUint(uint64(r), 10)
}

// Meant returns the rate that was most likely meant by a number of bit/s that is
// too small, since its unit was forgotten: so many Mbit/s or, from a thousand
// on, kbit/s, rounded to three digits.
func Meant(small Rate) Rate {
	if small < 1000 {
		return small * Mbps
	}
	step := Rate(1)
	for small/step >= 1000 {
		step *= 10
	}
	return (small + step/2) / step * step * Kbps
}

// Parse reads 100M, 2.5G, 40k, 1T or a plain number of bit/s. Suffixes
// are decimal and their case does not matter.
func Parse(s string) (Rate, error) {
	digits, scale, zeros := strings.TrimSpace(s), BitPerSecond, 0
	for i, u := range units {
		if rest, ok := strings.CutSuffix(strings.ToLower(digits), strings.ToLower(u.suffix)); ok {
			digits, scale, zeros = rest, u.rate, 3*(len(units)-i)
			break
		}
	}
	if !isDecimal(digits) {
		return 0, fmt.Errorf("bitrate: rate %q: write a number of bit/s, or one with k, M, G or T such as 2.5G", s)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	// As many digits as a bit per second has below the unit; floating point
	// would lose some.
	below, _ := strconv.ParseUint("0"+(fraction + strings.Repeat("0", zeros))[:zeros], 10, 64)
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || n > (math.MaxUint64-below)/uint64(scale) {
		return 0, fmt.Errorf("bitrate: rate %q is too large", s)
	}
	return Rate(n)*scale + Rate(below), nil
}

// isDecimal reports whether s is digits with at most one point between them. It
// refuses exponents, signs and "inf", which strconv would let in.
func isDecimal(s string) bool {
	points := 0
	for i, c := range s {
		switch {
		case c == '.':
			if points++; i == 0 || i == len(s)-1 {
				return false
			}
		case c < '0' || c > '9':
			return false
		}
	}
	return s != "" && points <= 1
}

// MarshalText returns the rate as [Rate.String] does.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what [Parse] reads.
func (r *Rate) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err == nil {
		*r = v
	}
	return err
}
