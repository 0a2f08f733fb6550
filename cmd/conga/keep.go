package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// keepKeys is the pause between checks whether the key is to be renewed.
const keepKeys = time.Hour

// tendKey renews the key of s when that is due, until ctx ends: it checks now,
// and then every hour. The channel is closed after the first check. Failures
// are not reported: renewal is due half a day before the key ends.
func (s caller) tendKey(ctx context.Context) (tried <-chan struct{}) {
	first := make(chan struct{})
	go func() {
		err := s.KeepKey(ctx)
		close(first)
		for {
			wait := keepKeys
			if err != nil {
				wait = time.Minute
			}
			if !sleep(ctx, wait) {
				return
			}
			err = s.KeepKey(ctx)
		}
	}()
	return first
}

// maxWaiting is the longest lease that a server grants a path that waits.
const maxWaiting = 24 * time.Hour

// waiting returns the lease of a path that is not active yet, in whole seconds.
func (r *commandRun) waiting() int64 { return int64(min(r.lease, maxWaiting) / time.Second) }

// knowsNot reports whether err is the refusal of an older server that does not
// know a field.
func knowsNot(err error, field string) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == http.StatusUnprocessableEntity && slices.ContainsFunc(refused.Messages, func(m string) bool {
		return strings.HasPrefix(m, field+": is not a field")
	})
}

// extendWaiting extends the lease of a waiting path until ctx ends. It ignores
// errors: the next attempt may succeed, and the end of the allocation is
// noticed where it is waited for.
func (r *commandRun) extendWaiting(ctx context.Context, s caller) {
	lease := r.waiting()
	every := time.Duration(lease) * time.Second / 3
	for sleep(ctx, every) {
		attempt, cancel := context.WithTimeout(ctx, every)
		_, _ = s.Update(attempt, r.id, client.Change{Lease: &lease})
		cancel()
	}
}

// A keeper extends the lease of one active path.
type keeper struct {
	*commandRun
	s   caller
	out io.Writer

	trouble string // the kind of the last complaint; "": none
}

// keep extends the lease until ctx ends. It begins when the path is active.
// Since the clocks of server and client may differ, it counts elapsed time
// only. The start is noticed a moment late, which makes the lease shorter,
// never longer.
func (k *keeper) keep(ctx context.Context) {
	start := time.Now()
	if k.request.Volume != 0 {
		k.watch(ctx, start.Add(math.MaxInt64)) // its end is a part of what was planned
		return
	}
	for {
		k.grow(ctx)
		due := start.Add(firstExtension(k.lease, time.Duration(k.request.Duration)*time.Second))
		if !k.watch(ctx, due) || !sleep(ctx, time.Until(due)) {
			return
		}
		for again := true; again; {
			var ended bool
			seconds := int64((time.Since(start) + k.lease) / time.Second)
			again, ended = k.judge(ctx, k.extend(ctx, seconds))
			if ctx.Err() != nil || ended || again && !sleep(ctx, soon(k.lease)) {
				return
			}
		}
	}
}

// soon returns how long after a failure it is tried again.
func soon(lease time.Duration) time.Duration { return max(200*time.Millisecond, lease/10) }

// watch renews the lease of a path that is reserved ahead every third of it, or
// asks whether the path is still there if it has no lease, until an extension
// is due within the next third, and reports whether the path is there then. A
// server that does not answer changes nothing yet: the path may well be there.
func (k *keeper) watch(ctx context.Context, until time.Time) (there bool) {
	lease := min(k.lease, maxWaiting)
	for wait := lease / 3; time.Until(until) > wait; {
		if !sleep(ctx, wait) {
			return false
		}
		attempt, cancel := context.WithTimeout(ctx, lease/3)
		known, ended := k.renew(attempt)
		cancel()
		if ctx.Err() != nil {
			return false
		}
		if ended {
			k.sayEnded()
			return false
		}
		if wait = lease / 3; !known {
			wait = soon(lease)
		}
	}
	return true
}

// renew has the lease of the active path begin anew, if it has one, and reports
// whether the path has ended, if that is known.
func (k *keeper) renew(ctx context.Context) (known, ended bool) {
	if k.request.ActiveLease == 0 {
		return true, k.hasEnded(ctx)
	}
	al, err := k.s.Update(ctx, k.id, client.Change{ActiveLease: &k.request.ActiveLease})
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		k.note(al)
		return true, al.State == client.Complete
	case answered && refused.Status == http.StatusNotFound:
		return true, true
	case answered && refused.Status == http.StatusConflict:
		return true, k.hasEnded(ctx)
	}
	return false, false
}

// note keeps when an active path ends.
func (k *keeper) note(al client.Allocation) {
	if al.State == client.Active {
		k.ends = al.EndTime
	}
}

// firstExtension returns when after its start a path is extended first: a third
// of the lease into the last lease of what is reserved.
func firstExtension(lease, reserved time.Duration) time.Duration {
	return lease/3 + max(0, reserved-lease)
}

// extend sets the duration, in seconds, and renews the lease. It gives up early
// enough for another attempt.
func (k *keeper) extend(ctx context.Context, seconds int64) error {
	ctx, cancel := context.WithTimeout(ctx, k.lease/3)
	defer cancel()
	c := client.Change{Duration: &seconds}
	if k.request.ActiveLease != 0 {
		c.ActiveLease = &k.request.ActiveLease
	}
	al, err := k.s.Update(ctx, k.id, c)
	switch {
	case err == nil:
		k.ends, k.request.Duration = al.EndTime, seconds
	case c.ActiveLease != nil:
		k.renew(ctx) // what is refused renews nothing
	}
	return err
}

// judge tells the user what has changed. again means that a retry soon may
// succeed, ended that there is nothing to extend any more.
func (k *keeper) judge(ctx context.Context, err error) (again, ended bool) {
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		if k.trouble != "" {
			k.say("the path is extended again")
			k.trouble = ""
		}
		return false, false
	case answered && (refused.Status == http.StatusNotFound || refused.Status == http.StatusConflict && k.hasEnded(ctx)):
		k.sayEnded()
		return false, true
	case answered:
		k.complain(http.StatusText(refused.Status), err)
	default:
		k.complain("unreachable", err)
	}
	return true, false
}

// hasEnded asks whether the path has ended, and notes when it will end if not.
// It reports false if that is not known.
func (k *keeper) hasEnded(ctx context.Context) bool {
	al, err := k.s.Show(ctx, k.id)
	refused, answered := errors.AsType[*client.Error](err)
	switch {
	case answered:
		return refused.Status == http.StatusNotFound
	case err != nil:
		return false
	}
	k.note(al)
	return al.State == client.Complete
}

// complain prints an error unless the last one was of the same kind; texts of
// one kind differ in the times that they name.
func (k *keeper) complain(sort string, err error) {
	if sort != k.trouble {
		k.trouble = sort
		k.say("the path cannot be extended: " + err.Error())
	}
}

func (k *keeper) sayEnded() { k.say("the path has ended; the command goes on without priority") }

func (k *keeper) say(what string) { fmt.Fprintln(k.out, "conga:", terminal.Clean(what)) }
