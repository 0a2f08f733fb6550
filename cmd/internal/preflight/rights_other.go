//go:build !unix

package preflight

import "io/fs"

// access returns nil: using the file tells.
func access(string) error { return nil }

// permissions returns the bits of a private file: this system has none, but
// access lists.
func permissions(fs.FileInfo) fs.FileMode { return 0o600 }

// ownerOf returns "": owners have no numbers here.
func ownerOf(string) string { return "" }
