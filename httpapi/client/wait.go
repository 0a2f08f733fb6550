package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrEnded is returned by [Client.Wait] for an allocation that was complete
// before it got to the state waited for.
var ErrEnded = errors.New("the allocation ended first")

// Wait returns when the allocation is in the state, or cannot get there any
// more; a server that cannot be reached is borne for a minute. At the end of
// ctx the error wraps its cause. progress, if not nil, is called with the
// allocation as it is first seen and whenever its state or reason changes.
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
			return last, fmt.Errorf("wait: %w", context.Cause(ctx))
		case !Transient(err):
			return last, err
		case lost.IsZero():
			lost = time.Now()
		case time.Since(lost) > patience:
			return last, err
		}
		if pause(ctx, interval) != nil {
			return last, fmt.Errorf("wait: %w", context.Cause(ctx))
		}
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
