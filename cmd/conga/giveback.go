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
	// releaseTime is how long a run tries to release its path; after that the
	// path ends with its lease.
	releaseTime = 15 * time.Second
	// learnTime is how much of that may go into finding out the allocation's
	// ID.
	learnTime = 5 * time.Second
	// grace is how long signals are ignored while the path is released: they
	// may be the ones that ended the command.
	grace = time.Second
)

// giveBack releases the path, unless it has ended by itself. Another signal
// cuts it short.
func (a *app) giveBack(ctx context.Context, s caller, r *commandRun) {
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
		err := r.release(ctx, s)
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

// release releases the path unless it is complete: to release that once more
// would remove it, and its receipt.
func (r *commandRun) release(ctx context.Context, s caller) error {
	if al, err := s.Show(ctx, r.id); err != nil || al.State == client.Complete {
		return err
	}
	return s.Release(ctx, r.id)
}

// learn repeats the request under the same idempotency key, because the answer
// was lost. Without an error the ID is known or there is no allocation.
func (r *commandRun) learn(ctx context.Context, s caller) error {
	ctx, cancel := context.WithTimeout(ctx, learnTime)
	defer cancel()
	made, err := s.AllocateAs(ctx, r.key, r.request)
	if _, answered := errors.AsType[*client.Error](err); answered && !errors.Is(err, client.ErrOpen) && !client.Transient(err) {
		return nil // refused now, so refused before
	}
	r.id = made.ID
	return err
}

// end returns words for when a path ends that is not released.
func (r *commandRun) end() string {
	if r.ends != nil && *r.ends != 0 && r.request.ActiveLease == 0 {
		return "it ends by itself at " + when(r.ends)
	}
	if r.request.Lease == 0 { // without a lease it does not end while it waits
		return fmt.Sprintf("it ends by itself within %s of its start", short(time.Duration(r.request.Duration)*time.Second))
	}
	return fmt.Sprintf("it ends with its lease, within %s", short(r.lease))
}

// cutShort calls cancel at a signal that asks for the end, but ignores signals
// for a while at first.
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

// sleep waits for d and reports whether ctx did not end before.
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

// say prints a message.
func (a *app) say(what string) { fmt.Fprintln(a.err, "conga:", terminal.Clean(what)) }
