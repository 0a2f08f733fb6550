// Package rules holds the rules of the source tree as tests: who may import
// whom, what must be documented, how long a file may be. ARCHITECTURE.md states
// the import rules and is what the test reads.
package rules
