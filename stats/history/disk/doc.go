// Package disk keeps a history in a directory of files of fixed size, so that a
// restart does not lose it.
//
// A stripe is a file with the minutes and hours of [StripeTracks] tracks: an
// array with a row for each minute of a day and each hour of 90 days, in which
// each track has its position. Each cell has a checksum that only fits its own
// subject and time, so that nothing has to be erased, and a write that a crash
// has cut short costs what it was to write, at most. Two journals hold the runs
// of the last quarter of an hour; a list names the tracks.
package disk
