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

// soon is the pause between two questions while the answer may change at any
// time.
const soon = 100 * time.Millisecond

// Wait returns when the allocation is in the state, or cannot get there any
// more; a server that cannot be reached is borne for a minute. At the end of
// ctx the error wraps its cause. progress, if not nil, is called with the
// allocation as it is first seen and whenever its state or reason changes.
func (c *Client) Wait(ctx context.Context, id string, until State, progress func(Allocation)) (Allocation, error) {
	var last Allocation
	lost := time.Time{} // since when the server has not been reached
	for interval := soon; ; interval = min(interval*3/2, 2*time.Second) {
		a, err := c.Show(ctx, id)
		switch {
		case err == nil:
			lost = time.Time{}
			if a.State != last.State || text(a.Reason) != text(last.Reason) {
				interval = soon // one change is often followed by another
				if progress != nil {
					progress(a)
				}
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
		// Something happens at the start, which may be sooner.
		if last.StartTime != nil {
			if left := time.Until(time.Unix(*last.StartTime, 0)); left > 0 && left < interval {
				interval = max(left, soon)
			}
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
