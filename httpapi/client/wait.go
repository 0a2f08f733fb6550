package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// patience is how long Wait bears a server that cannot be reached: a restart of
// the daemon is shorter.
const patience = time.Minute

// ErrEnded is returned by [Client.Wait] for an allocation that was complete
// before it got to the state waited for.
var ErrEnded = errors.New("the allocation ended first")

// Wait returns when the allocation is in the state, or cannot get there any
// more. progress, if not nil, is called with the allocation as it is first seen
// and whenever its state or reason changes.
func (c *Client) Wait(ctx context.Context, id string, until State, progress func(Allocation)) (Allocation, error) {
	var last Allocation
	lost := time.Time{} // since when the server has not been reached
	for interval := 100 * time.Millisecond; ; interval = min(interval*3/2, 2*time.Second) {
		a, err := c.Show(ctx, id)
		switch {
		case err == nil:
			lost = time.Time{}
			if progress != nil && (a.State != last.State || text(a.Reason) != text(last.Reason)) {
				progress(a)
			}
			last = a
			if a.State == until {
				return a, nil
			}
			if a.State == Complete {
				return a, fmt.Errorf("wait: %w", ErrEnded)
			}
		case ctx.Err() != nil:
			return last, fmt.Errorf("wait: %w", ctx.Err())
		case !transient(err):
			return last, err
		case lost.IsZero():
			lost = time.Now()
		case time.Since(lost) > patience:
			return last, err
		}
		if err := pause(ctx, interval); err != nil {
			return last, fmt.Errorf("wait: %w", err)
		}
	}
}

// transient reports whether asking again later may help: the server was not
// reached, or said that it is busy.
func transient(err error) bool {
	if refused, ok := errors.AsType[*Error](err); ok {
		return again(refused.Status, true)
	}
	return !errors.Is(err, ErrFingerprint)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
