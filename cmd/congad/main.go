// Command congad is the CONGA daemon: on request it gives traffic priority
// paths through a network of OpenFlow 1.3 switches.
//
// This package wires the components together and has no logic of its own. Begin
// reading at daemon.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an ordered stop; a second one ends the process.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(code)
}
