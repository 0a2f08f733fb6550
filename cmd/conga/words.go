package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// needs wants exactly one argument for each of these names.
func needs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return badArguments(c, args, names)
	}
}

// needsSome wants at least one argument, which is a name.
func needsSome(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return badArguments(c, args, []string{name})
	}
}

// takesOne wants no argument or one, which is a name.
func takesOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return badArguments(c, args, []string{name})
	}
}

// badArguments says which of the names is missing, or what is there beyond them.
func badArguments(c *cobra.Command, args, names []string) error {
	if len(args) < len(names) {
		missing, are := names[len(args):], "is"
		if len(missing) > 1 {
			are = "are"
		}
		return usagef("%s %s missing; write %s", strings.Join(missing, " and "), are, c.UseLine())
	}
	return usagef("%q is too much; write %s", args[len(names)], c.UseLine())
}

// suggestions is the heading that cobra puts over them, each of which has a line.
const suggestions = "Did you mean this?"

// commandLine is cobra's complaint about the command line, its suggestions as a
// sentence.
func commandLine(err error) error {
	what, list, ok := strings.Cut(err.Error(), suggestions)
	words := slices.DeleteFunc(strings.Split(list, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	if !ok || len(words) == 0 {
		return usageError{err}
	}
	for i, w := range words {
		words[i] = strings.TrimSpace(w)
	}
	return usageError{fmt.Errorf("%s; did you mean %s?", strings.TrimSpace(what), strings.Join(words, " or "))}
}
