package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// A stopped is the cause of a context that a signal has ended.
type stopped struct{ signal os.Signal }

// Error returns the signal's name.
func (s stopped) Error() string { return s.signal.String() }

// code returns a shell's exit code for a command that the signal has ended.
func (s stopped) code() int {
	n, _ := s.signal.(syscall.Signal)
	return exitSignal + int(n)
}

// notify does as signal.Notify, but leaves ignored the signals that were
// ignored when conga started, as under nohup; so a command that conga runs
// ignores them too.
func notify(c chan<- os.Signal, signals ...os.Signal) {
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
}

// survivePipes makes writing to a closed pipe fail instead of ending the
// process. Commands that conga starts are not affected.
func survivePipes() {
	notify(make(chan os.Signal, 1), brokenPipe...)
}

// A stopper ends a context at the first signal that asks for the end. The next
// one ends the process, unless the signals are notified elsewhere by then.
type stopper struct {
	got        chan os.Signal
	quit, done chan struct{}
}

// untilStopped returns a context that ends at a signal, with a [stopped] as its
// cause, and the stopper that watches for it.
func untilStopped() (context.Context, *stopper) {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &stopper{got: make(chan os.Signal, 1), quit: make(chan struct{}), done: make(chan struct{})}
	notify(s.got, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(s.done)
		select {
		case sig := <-s.got:
			signal.Stop(s.got)
			cancel(stopped{sig})
		case <-s.quit:
			select {
			case sig := <-s.got:
				cancel(stopped{sig})
			default:
			}
		}
	}()
	return ctx, s
}

// end stops watching. When it returns, a signal that came before has ended the
// context. It must be called once.
func (s *stopper) end() {
	signal.Stop(s.got)
	close(s.quit)
	<-s.done
}

// stoppedBy returns the signal that has ended ctx, if it was one.
func stoppedBy(ctx context.Context) (stopped, bool) {
	s, ok := context.Cause(ctx).(stopped)
	return s, ok
}
