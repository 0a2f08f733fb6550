// Package purpose says which flow entries and meters in a switch are CONGA's,
// and what each is for. A flow entry carries that in its cookie, a meter in its
// identifier.
package purpose
