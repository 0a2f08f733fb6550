package config

import "strings"

// remedies are what to do about text that is no YAML, by a part of the
// parser's message, which says what it met and not what a writer may have
// meant.
var remedies = []struct{ part, remedy string }{
	{"already defined", "keep one"},
	{"cannot start any token", "YAML is indented by spaces alone, and text that begins with a sign is written in quotes"},
	{"not found", "close the list or mapping that begins before this"},
	{"must be specified", "close the list or mapping that begins before this, or separate what is in it by commas"},
	{"end character of", "close the quotes"},
	{"not allowed in this context", "indent this as the keys beside it are, or write a text with a colon in quotes"},
	{"could not find alias", "mark what is meant by & before this, or write it out"},
	{"is a reserved character", "write the text in quotes"},
	{"escape character", `write the backslash twice, or the text in single quotes`},
	{"invalid header option", "write the text after | or > on lines of its own, or in quotes"},
	{"invalid key", "write a key as a word"},
}

// malformed returns what is wrong with text that is no YAML, and what to do.
func malformed(message string) string {
	message = strings.ReplaceAll(message, "\t", "TAB")
	for _, r := range remedies {
		if strings.Contains(message, r.part) {
			return message + "; " + r.remedy
		}
	}
	return message + "; look for a quote, bracket or colon here or shortly before that is missing or too many"
}
