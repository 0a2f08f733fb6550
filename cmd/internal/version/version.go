// Package version says which build of CONGA this is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// A Build is what the commands were built from.
type Build struct {
	Version string    // such as 0.1.0; devel if it has none
	Commit  string    // its first 12 digits, with +dirty if files had changed; "" if unknown
	Date    time.Time // of the commit, in UTC
}

// What the linker sets (packaging/version.sh): a build from an archive has no
// repository beside it, and a package must not depend on whether it had one.
var version, commit, date string

// Get returns what the linker was told of this build and, where it was told
// nothing, what Go has noted of the repository.
func Get() Build {
	b := Build{Version: version, Commit: commit}
	b.Date, _ = time.Parse(time.RFC3339, date)
	if info, ok := debug.ReadBuildInfo(); ok && commit == "" {
		b.note(info)
	}
	b.Version, b.Date = cmp.Or(b.Version, "devel"), b.Date.UTC()
	return b
}

// note takes over what Go says of the module and the repository.
func (b *Build) note(info *debug.BuildInfo) {
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.time":
			b.Date, _ = time.Parse(time.RFC3339, s.Value)
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if b.Commit != "" {
		b.Commit += dirty
	}
	if v := info.Main.Version; b.Version == "" && v != "(devel)" {
		b.Version = strings.TrimPrefix(v, "v")
	}
}

// String returns the version, commit and date, as far as they are known, and
// the toolchain, in one line.
func (b Build) String() string {
	out := b.Version
	switch {
	case b.Commit != "" && !b.Date.IsZero():
		out += " (" + b.Commit + " of " + b.Day() + ")"
	case b.Commit != "":
		out += " (" + b.Commit + ")"
	}
	return fmt.Sprintf("%s %s %s/%s", out, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Day returns the date of the commit as YYYY-MM-DD, or "" if it is not known.
func (b Build) Day() string {
	if b.Date.IsZero() {
		return ""
	}
	return b.Date.Format(time.DateOnly)
}

// String returns this build in one line.
func String() string { return Get().String() }
