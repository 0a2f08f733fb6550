// Package trespass does to congad, as a process that controls an emulated
// network, what a stranger with a key, a clock, a limit that shrinks and a disk
// that fails can do, and looks whether what was promised to others holds. Its
// tests take a commit, whose daemon must fail in each case: see the flag -old.
package trespass
