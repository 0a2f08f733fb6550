// Package version says which build of CONGA this is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// String returns the version in one line: the module's, or the commit it was
// built from, and the toolchain.
func String() string {
	version, commit := Build()
	if version == "devel" {
		version = cmp.Or(commit, version)
	}
	return fmt.Sprintf("%s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Build returns the module's version, "devel" if it has none, and the start of
// the commit that it was built from, if that is known.
func Build() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if commit != "" {
		commit += dirty
	}
	version = info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	return version, commit
}
