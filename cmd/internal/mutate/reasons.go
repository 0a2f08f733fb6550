package main

import (
	"fmt"
	"strings"
)

// reasons say of mutants, by key, why no test can or need tell them from the
// original.
type reasons map[string]string

// parseReasons reads reasons: a key on a line of its own, and indented lines
// below it that say why. Several keys may share a reason. Lines that begin with
// # are comments.
func parseReasons(text string) (reasons, error) {
	all := reasons{}
	var keys []string
	told := false // keys have a reason, and the next key begins anew
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(line)
		switch {
		case words == "" || words[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if len(keys) == 0 {
				return nil, fmt.Errorf("survivors.txt: %q is the reason of nothing", words)
			}
			for _, k := range keys {
				all[k] = strings.TrimSpace(all[k] + " " + words)
			}
			told = true
		default:
			if told {
				keys, told = nil, false
			}
			if _, twice := all[words]; twice {
				return nil, fmt.Errorf("survivors.txt: %q is there twice", words)
			}
			all[words] = ""
			keys = append(keys, words)
		}
	}
	for k, why := range all {
		if why == "" {
			return nil, fmt.Errorf("survivors.txt: %q has no reason", k)
		}
	}
	return all, nil
}
