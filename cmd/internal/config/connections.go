package config

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Connections says which connection reports are kept, and for how long.
type Connections struct {
	Keep       Duration  `yaml:"keep"`        // how long a report counts
	PerProject int       `yaml:"per_project"` // live connections that one project may have
	Total      int       `yaml:"total"`       // live connections in all
	Keyless    []Keyless `yaml:"keyless"`     // networks whose hosts may report without a key
}

// Keyless lets the hosts of a network use /connections without a key, in the
// name of a project.
type Keyless struct {
	From    Prefix `yaml:"from"`
	Project string `yaml:"project"`
	Read    bool   `yaml:"read"` // see the project's connections too
}

// The bounds of [Connections]: reporters repeat themselves every half a minute,
// and what is kept takes half a kilobyte of memory.
const (
	minKeep        = time.Minute
	maxKeep        = 24 * time.Hour
	maxConnections = 10_000_000
)

func (v *validator) connections(c Connections, d Directory) {
	if keep := time.Duration(c.Keep); keep < minKeep || keep > maxKeep {
		v.add("connections.keep", "%s is not between %s and %s; reports are repeated every 30 s, so write some minutes such as 5m",
			keep, Duration(minKeep), Duration(maxKeep))
	}
	v.count("connections.per_project", c.PerProject)
	v.count("connections.total", c.Total)
	keyless := hosts{"keyless", "lets everybody report without a key; name the hosts' own networks", map[netip.Prefix]int{}}
	for i, k := range c.Keyless {
		key := fmt.Sprintf("connections.keyless[%d]", i)
		v.hosts(key+".from", k.From.Prefix, keyless, i)
		if !d.has(k.Project) {
			v.add(key+".project", "no project %q is in directory.projects; name the one in whose name these hosts report", k.Project)
		}
	}
}

func (v *validator) count(key string, n int) {
	if n < 1 || n > maxConnections {
		v.add(key, "%d is not between 1 and %d", n, maxConnections)
	}
}

// A hosts describes a list of networks whose hosts have a privilege.
type hosts struct {
	list         string // the key of the list
	wholeNetwork string // what a network of all addresses would do, and what to write instead
	seen         map[netip.Prefix]int
}

// hosts refuses networks of all addresses, which are written by mistake.
func (v *validator) hosts(key string, p netip.Prefix, h hosts, i int) {
	switch first, twice := h.seen[p.Masked()]; {
	case !p.IsValid():
		v.add(key, "the network is missing; write a prefix such as 10.80.0.0/16")
	case p.Bits() == 0:
		v.add(key, "%s %s", p, h.wholeNetwork)
	case p != p.Masked():
		v.add(key, "%s has bits behind its length; write %s", p, p.Masked())
	case twice:
		v.add(key, "%s is already %s[%d]; keep one", p, h.list, first)
	}
	h.seen[p.Masked()] = i
}

// has reports whether the project can be in the directory.
func (d Directory) has(project string) bool {
	for _, p := range d.Projects {
		if p.ID == project {
			return project != ""
		}
	}
	return d.HTTP != "" && project != ""
}

// Duration is a time span, written 90s, 5m or 1h30m.
type Duration time.Duration

// String prints the span as it is written in the file.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText prints the span as it is written in the file.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalYAML reads the span from a scalar.
func (d *Duration) UnmarshalYAML(n ast.Node) error {
	v, err := scalar(n, parseDuration)
	*d = Duration(v)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time span; write a number with its unit, such as 90s or 5m", s)
	}
	return d, nil
}
