package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

const (
	// releaseTime is how long a run tries to release before it leaves that to
	// the end of the lease.
	releaseTime = 15 * time.Second
	// learnTime is how long of that is spent on finding out what to release.
	learnTime = 5 * time.Second
	// grace is how long signals are not heeded that come while the path is
	// released: they may be what has ended the command.
	grace = time.Second
)

// giveBack releases the path. One that has ended by itself needs no release.
// Whoever does not want to wait for it sends another signal.
func (a *app) giveBack(ctx context.Context, s session, r *errand) {
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	go cutShort(ctx, cancel, r.signals)
	if r.id == "" && r.open {
		if err := r.learn(ctx, s); err != nil {
			a.say("allocation of unknown ID: whether there is one cannot be found out (" + err.Error() + "); " + r.end())
			return
		}
	}
	if r.id == "" {
		return
	}
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		err := s.Release(ctx, r.id)
		refused, answered := errors.AsType[*client.Error](err)
		if err == nil || answered && refused.Status == http.StatusNotFound {
			return
		}
		if !client.Transient(err) || !sleep(ctx, wait) {
			a.say("allocation " + r.id + " cannot be released (" + err.Error() + "); " + r.end())
			return
		}
	}
}

// learn asks for the allocation again, under the same key, because the answer
// was lost. Without an error the ID is known, or there is no allocation.
func (r *errand) learn(ctx context.Context, s session) error {
	ctx, cancel := context.WithTimeout(ctx, learnTime)
	defer cancel()
	made, err := s.AllocateAs(ctx, r.key, r.request)
	if _, answered := errors.AsType[*client.Error](err); answered && !errors.Is(err, client.ErrOpen) && !client.Transient(err) {
		return nil // it was refused now, and so it was before
	}
	r.id = made.ID
	return err
}

// end says when a path ends that is not released.
func (r *errand) end() string {
	if r.ends != nil && *r.ends != 0 {
		return "it ends by itself at " + when(r.ends)
	}
	if r.request.Lease == 0 { // the server knows of no end while it waits
		return fmt.Sprintf("it ends by itself within %s of its start", short(r.lease))
	}
	return fmt.Sprintf("it ends with its lease, within %s", short(r.lease))
}

// cutShort ends what cancel ends at a signal that means the end, after a while
// in which they are not heeded.
func cutShort(ctx context.Context, cancel func(), signals <-chan os.Signal) {
	heed := time.After(grace)
	heeding := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-heed:
			heeding = true
		case sig := <-signals:
			if heeding && ending(sig) {
				cancel()
			}
		}
	}
}

// sleep waits, and reports whether it was not cut short.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// say writes a message.
func (a *app) say(what string) { fmt.Fprintln(a.err, "conga:", terminal.Clean(what)) }
