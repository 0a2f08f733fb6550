// Command congad is the CONGA daemon: it gives the traffic of those who ask for
// it priority paths through a network of OpenFlow 1.3 switches.
//
// This package wires the parts together and has no logic of its own. daemon.go
// is the place to begin reading.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an ordered stop; a second one need not wait for
	// it.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(code)
}
