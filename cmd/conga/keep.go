package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"conga/cmd/internal/terminal"
	"conga/httpapi/client"
)

// keepKeys is how often the key is looked after.
const keepKeys = time.Hour

// tendKey renews the key of s when that is due, until ctx ends: now, and then
// every hour. The channel is closed once that was tried for the first time.
// That it fails is not told: there is half a day to try again, and what matters
// is what the key is needed for.
func (s session) tendKey(ctx context.Context) (tried <-chan struct{}) {
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

// maxWaiting is the longest lease that a server grants to who waits.
const maxWaiting = 24 * time.Hour

// waiting is the lease of a path that is still to come, in whole seconds.
func (r *errand) waiting() int64 { return int64(min(r.lease, maxWaiting) / time.Second) }

// knowsNoLease reports whether err is the refusal of a server that is older
// than leases of what waits.
func knowsNoLease(err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == http.StatusUnprocessableEntity && slices.ContainsFunc(refused.Messages, func(m string) bool {
		return strings.HasPrefix(m, "lease: is not a field")
	})
}

// holdPlace asks for the path again and again until ctx ends, so that the
// server knows that somebody still waits for it. What goes wrong the next
// attempt may mend, and the one who waits hears of the end.
func (r *errand) holdPlace(ctx context.Context, s session) {
	lease := r.waiting()
	every := time.Duration(lease) * time.Second / 3
	for sleep(ctx, every) {
		attempt, cancel := context.WithTimeout(ctx, every)
		_, _ = s.Update(attempt, r.id, client.Change{Lease: &lease})
		cancel()
	}
}

// keeper extends the lease of one run.
type keeper struct {
	*errand
	s   session
	out io.Writer

	trouble string // what sort was last complained of; "" if all is well
}

// keep extends the lease until ctx ends. It begins when the path is active. The
// clocks of server and client may differ: only how much time has passed counts.
// The start was seen a moment late, which makes the lease shorter, never
// longer.
func (k *keeper) keep(ctx context.Context) {
	start := time.Now()
	wait := k.lease / 3
	for sleep(ctx, wait) {
		seconds := int64((time.Since(start) + k.lease) / time.Second)
		again, ended := k.judge(ctx, k.extend(ctx, seconds))
		if ctx.Err() != nil || ended {
			return
		}
		wait = k.lease / 3
		if again {
			wait = max(200*time.Millisecond, k.lease/10)
		}
	}
}

// extend makes the lease so long. It gives up while there is still time to try
// another way.
func (k *keeper) extend(ctx context.Context, seconds int64) error {
	ctx, cancel := context.WithTimeout(ctx, k.lease/3)
	defer cancel()
	al, err := k.s.Update(ctx, k.id, client.Change{Duration: &seconds})
	if err == nil {
		k.ends = al.EndTime
	}
	return err
}

// judge tells the user of what has changed. again: it is worth trying soon;
// ended: there is nothing to extend any more.
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
	case answered && (refused.Status == http.StatusNotFound || refused.Status == http.StatusConflict && k.complete(ctx)):
		k.say("the path has ended; the command goes on without priority")
		return false, true
	case answered:
		k.complain(http.StatusText(refused.Status), err)
	default:
		k.complain("unreachable", err)
	}
	return true, false
}

// complete reports whether the allocation has come to its end.
func (k *keeper) complete(ctx context.Context) bool {
	al, err := k.s.Show(ctx, k.id)
	return err == nil && al.State == client.Complete
}

// complain says what is wrong, unless it is the same sort of thing as before:
// the sentences differ in the times that they name.
func (k *keeper) complain(sort string, err error) {
	if sort != k.trouble {
		k.trouble = sort
		k.say("the path cannot be extended: " + err.Error())
	}
}

func (k *keeper) say(what string) { fmt.Fprintln(k.out, "conga:", terminal.Clean(what)) }
