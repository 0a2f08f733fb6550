package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name of a user or a project, in bytes.
const maxName = 128

// NameRule says what [ValidName] accepts.
const NameRule = "must be 1 to 128 bytes of printable text that neither starts nor ends with a space"

// ValidName reports whether s can name a user or a project. The document's own
// example of a project is "project B", so spaces inside are fine.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
