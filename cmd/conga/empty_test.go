package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEmptyFlags: a flag with an empty text, as of a shell variable that is not
// set, is refused and named by every command, whatever the flag is for.
func TestEmptyFlags(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	args := map[string][]string{
		"allocate": {"192.127.1.10", "192.127.1.11", "--duration", "1h"}, "update": {"ID"}, "run": {"192.127.1.10", "192.127.1.11"},
		"paths": {"192.127.1.10", "192.127.1.11"},
	}
	seen := 0
	refused := func(c *cobra.Command, f *pflag.Flag) {
		if _, may := f.Annotations[mayBeEmpty]; f.Value.Type() != "string" || may {
			return
		}
		seen++
		for _, empty := range []string{"", " "} {
			var out, errs strings.Builder
			line := append([]string{c.Name()}, args[c.Name()]...)
			line = append(line, "--"+f.Name, empty)
			if c.Name() == "run" {
				line = append(line, "--", "true")
			}
			a := &app{in: strings.NewReader(""), out: &out, err: &errs}
			if code := a.run(t.Context(), line); code != exitUsage || !strings.Contains(errs.String(), "--"+f.Name+" is empty; write a value, or leave the flag out") {
				t.Errorf("%q: code %d: %s", line, code, errs.String())
			}
		}
	}
	root := (&app{}).root()
	for _, name := range []string{"login", "allocate", "list", "update", "run", "paths", "watch"} {
		c, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) { refused(c, f) })
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { refused(c, f) })
	}
	if seen < 40 {
		t.Errorf("only %d flags were found", seen)
	}
}
