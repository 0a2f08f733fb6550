// Command conga asks a CONGA daemon for priority network paths.
//
// Data goes to the standard output, messages to the standard error. The exit
// codes are those of [exitCodes].
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
