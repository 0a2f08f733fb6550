// Command conga asks a CONGA daemon for priority network paths.
//
// Data goes to the standard output, messages to the standard error. The exit
// codes are those of [exitCodes].
package main

import "os"

func main() {
	ctx, stopper := untilStopped()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, takeSignals: stopper.end}
	os.Exit(a.run(ctx, os.Args[1:]))
}
