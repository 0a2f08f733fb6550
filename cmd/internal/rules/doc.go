// Package rules holds the rules of the source tree as tests: which package may
// import which, what must be documented and in which words, how long a file may
// be. The tests read the tables of ARCHITECTURE.md.
package rules
