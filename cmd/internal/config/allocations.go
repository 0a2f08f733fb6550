package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"conga/allocator"
)

// Allocations says what allocations may be, and how long they are kept.
type Allocations struct {
	MinBandwidth Rate `yaml:"min_bandwidth"` // the least that may be asked for; 0: any
	History      Days `yaml:"history"`       // how long complete ones are kept; 0: 90d
	Occurrences  int  `yaml:"occurrences"`   // that a series has at most

	ScavengerGrace Interval `yaml:"scavenger_grace"` // how long before they give way scavengers are told, if it is known by then
}

// The bounds of [Allocations], and of a project's weight: users look at how
// their allocations ended, and more than ten years are a mistake.
const (
	minHistory = time.Hour
	maxHistory = 3650 * 24 * time.Hour
	maxLeast   = 1_000_000_000
	// maxOccurrences is more than there are days in two years. All of a series
	// are admitted and saved at once, and others wait meanwhile.
	maxOccurrences = 1000
	maxGrace       = time.Hour
	maxWeight      = 1000
)

func (v *validator) allocations(a Allocations) {
	if a.MinBandwidth > maxLeast {
		v.add("allocations.min_bandwidth", "%s is more than %s, so that hardly a request could be made; 100k is usual", a.MinBandwidth, Rate(maxLeast))
	}
	if g := a.ScavengerGrace.Duration(); g < time.Second || g > maxGrace || g%time.Second != 0 {
		v.add("allocations.scavenger_grace", "%s is not a whole number of seconds from 1s to %s; %s is usual", a.ScavengerGrace, Interval(maxGrace), Interval(allocator.DefaultScavengerGrace))
	}
	if a.Occurrences < 1 || a.Occurrences > maxOccurrences {
		v.add("allocations.occurrences", "%d is not between 1 and %d; %d is usual", a.Occurrences, maxOccurrences, allocator.DefaultOccurrences)
	}
	if d := time.Duration(a.History); d != 0 && (d < minHistory || d > maxHistory) {
		v.add("allocations.history", "%s is not between %s and %s; 90d is usual", a.History, Days(minHistory), Days(maxHistory))
	}
}

// Days is a time span, written 90d, 12h or 1d12h.
type Days time.Duration

const day = 24 * time.Hour

// String prints the span as it is written in the file.
func (d Days) String() string {
	days, rest := time.Duration(d)/day, time.Duration(d)%day
	clock := rest.Abs().String()
	for _, part := range []struct{ full, short string }{{"m0s", "m"}, {"h0m", "h"}} {
		if before, ok := strings.CutSuffix(clock, part.full); ok {
			clock = before + part.short
		}
	}
	switch {
	case days == 0 && rest < 0:
		return "-" + clock
	case days == 0:
		return clock
	case rest == 0:
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd%s", days, clock)
}

// MarshalText prints the span as it is written in the file.
func (d Days) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalYAML reads the span from a scalar.
func (d *Days) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, parseDays)
	*d = Days(v)
	return err
}

func parseDays(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a time span; write a number with its unit, such as 2y, 90d or 12h", s)
	var whole time.Duration
	rest, given := s, false
	for _, unit := range [...]struct {
		letter string
		length time.Duration
	}{{"y", 365 * day}, {"d", day}} {
		number, after, ok := strings.Cut(rest, unit.letter)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || time.Duration(n) > math.MaxInt64/2/unit.length {
			return 0, wrong
		}
		whole, rest, given = whole+time.Duration(n)*unit.length, after, true
	}
	var err error
	var more time.Duration
	if rest != "" {
		if more, err = time.ParseDuration(rest); err != nil || given && more < 0 || more > math.MaxInt64-whole {
			return 0, wrong
		}
	}
	return whole + more, nil
}
