// Package history keeps how fast things went over time, in fixed memory: one
// second for a quarter of an hour, one minute for a day, one hour for 90 days.
//
// What is known comes as a [Run]: the means over a time of the [Channels] values
// of one track, such as a port's. A [Recent] holds the runs of the last quarter
// of an hour as they came, which is as fine as one second and finer than the
// switches are asked. [Cell]s sum them up over a minute and over an hour, by
// mean and maximum. What is not known is in no cell: a time without samples is a
// gap and never zero.
//
// The package is pure: it does no I/O, and every moment is an argument, in
// milliseconds since the UNIX epoch.
package history
