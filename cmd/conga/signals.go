package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stopped is why a context has ended: a signal asks for the end.
type stopped struct{ signal os.Signal }

// Error names the signal.
func (s stopped) Error() string { return s.signal.String() }

// code is the exit code of what the signal has ended, as a shell would put it.
func (s stopped) code() int {
	n, _ := s.signal.(syscall.Signal)
	return exitSignal + int(n)
}

// notify is signal.Notify, but leaves ignored what whoever started us has
// ignored, as nohup does: it is to stay so, for a command that we run as well.
func notify(c chan<- os.Signal, signals ...os.Signal) {
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
}

// survivePipes has writing to an output that nobody reads any more fail, and
// not end the process. A command that is started is not affected.
func survivePipes() {
	notify(make(chan os.Signal, 1), brokenPipe...)
}

// stopper ends a context at the first signal that asks for it. The next one
// ends the process, unless somebody else has taken over.
type stopper struct {
	got        chan os.Signal
	quit, done chan struct{}
}

// untilStopped returns a context that ends, with a [stopped] as its cause, at a
// signal, and what watches for it.
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

// end stops watching. Whatever signal was noticed before has ended the context
// when it returns. It must be called once.
func (s *stopper) end() {
	signal.Stop(s.got)
	close(s.quit)
	<-s.done
}

// stoppedBy is the signal that has ended ctx, if it was one.
func stoppedBy(ctx context.Context) (stopped, bool) {
	s, ok := context.Cause(ctx).(stopped)
	return s, ok
}
