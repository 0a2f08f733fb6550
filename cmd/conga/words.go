package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conga/httpapi/client"
)

// needs returns a check for exactly one argument for each of the names.
func needs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return badArguments(c, args, names)
	}
}

// needsSome returns a check for at least one argument.
func needsSome(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return badArguments(c, args, []string{name})
	}
}

// takesOne returns a check for at most one argument.
func takesOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return badArguments(c, args, []string{name})
	}
}

// badArguments returns an error that names the missing or the superfluous
// argument.
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

// explainProject adds to the refusal of a call without a project what to do
// about it: the server's text is about the syntax of projects.
func explainProject(err error, project string) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || project != "" || refused.Status != http.StatusUnprocessableEntity && refused.Status != http.StatusBadRequest {
		return err
	}
	if !slices.ContainsFunc(refused.Messages, func(m string) bool { return strings.HasPrefix(m, "project_id:") }) {
		return err
	}
	return usagef("the key is for no project of its own; give --project, or set CONGA_PROJECT")
}

// flags are what conga calls what the server calls otherwise.
var flags = strings.NewReplacer(
	"min_bandwidth", "--min", "max_bandwidth", "--max", "reverse_bandwidth", "--reverse", "start_time", "--start",
	"disjoint_from", "--disjoint-from", "max_hops", "--max-hops", "max_latency", "--max-latency",
	"src_port", "--src-port", "dst_port", "--dst-port", "class normal", "--class normal",
)

// inFlags returns an error about what a command has asked for in the words of
// its flags.
func inFlags(err error) error {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || !slices.Contains([]string{"allocate", "validate", "update", "availability", "paths"}, refused.Op) {
		return err
	}
	return explained{flags.Replace(err.Error()), err}
}

// explainOperators adds to a refusal of something that an operator's key is
// needed.
func explainOperators(what string, err error) error {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusForbidden {
		return explained{what + " is for operators; give an operator's key, or the admin's, in CONGA_KEY", err}
	}
	return err
}

// suggestions is the heading of cobra's suggestions, which have a line each.
const suggestions = "Did you mean this?"

// commandLine returns cobra's error about the command line, with its
// suggestions as a sentence.
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
