// Package preflight looks at what a configuration names before a daemon relies
// on it: certificates and keys, the data directory, the addresses to listen on,
// and the servers that know users. It changes nothing and leaves nothing
// behind.
package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// A Finding is something that a configuration names and that is not as congad
// needs it to be.
type Finding struct {
	Key     string // of the configuration, such as api.tls.cert
	Text    string // what is wrong and what to do, without a full stop
	Warning bool   // congad runs nevertheless
	Expired bool   // only those still connect who do not look at the date
}

// String returns "key: text", or "warning: key: text".
func (f Finding) String() string {
	if f.Warning {
		return "warning: " + f.Key + ": " + f.Text
	}
	return f.Key + ": " + f.Text
}

// A Refusal is an error that holds the findings for which congad does not use a
// configuration.
type Refusal []Finding

// Error returns one finding a line.
func (r Refusal) Error() string {
	lines := make([]string, len(r))
	for i, f := range r {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Refused returns the findings that are no warnings as a [Refusal], nil if
// there are none.
func Refused(found []Finding) error {
	var r Refusal
	for _, f := range found {
		if !f.Warning {
			r = append(r, f)
		}
	}
	if r == nil {
		return nil
	}
	return r
}

// Warnings returns the findings with which congad runs.
func Warnings(found []Finding) (out []Finding) {
	for _, f := range found {
		if f.Warning {
			out = append(out, f)
		}
	}
	return out
}

// AsWarnings returns findings that are all warnings, for what congad does not
// need yet.
func AsWarnings(found []Finding) []Finding {
	out := slices.Clone(found)
	for i := range out {
		out[i].Warning = true
	}
	return out
}

// A list collects findings.
type list []Finding

func (l *list) refuse(key, format string, args ...any) {
	*l = append(*l, Finding{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (l *list) warn(key, format string, args ...any) {
	*l = append(*l, Finding{Key: key, Text: fmt.Sprintf(format, args...), Warning: true})
}

// expired adds a certificate that has expired: clients and switches that have
// its fingerprint, or whose clock is behind, go on.
func (l *list) expired(key, format string, args ...any) {
	*l = append(*l, Finding{Key: key, Text: fmt.Sprintf(format, args...), Warning: true, Expired: true})
}
