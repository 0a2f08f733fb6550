package webhook

import (
	"context"
	"fmt"
	"slices"

	"conga/allocator/store"
)

// A Change is what becomes different about a subscription, and the user that
// asks for it.
type Change struct {
	URL    *string  // nil: it stays
	Events []string // nil: they stay
	User   string
	Admin  bool
}

// apply returns the hook with the change. A new URL makes it belong to the user
// that gave it: a hook that another user has turned to their own server must
// not go on when their membership ends.
func (c Change) apply(hook Hook) Hook {
	if c.URL != nil && *c.URL != hook.URL {
		hook.URL, hook.User, hook.Admin = *c.URL, c.User, c.Admin
	}
	if c.Events != nil {
		hook.Events = c.Events
	}
	return hook
}

// Update changes a subscription; its secret and its counters stay, and what is
// being delivered goes to the new target from the next attempt on. What along
// returns is committed with it. A change that makes no difference is not saved,
// and along not called. Errors are a [*URLError] and [ErrNotFound].
func (h *Hooks) Update(ctx context.Context, id string, c Change, along func() ([]store.Op, error)) (Hook, Status, error) {
	if c.URL != nil {
		if err := checkURL(*c.URL, h.cfg.AllowPrivate); err != nil {
			return Hook{}, Status{}, &URLError{err}
		}
	}
	h.changing.Lock()
	defer h.changing.Unlock()
	was, status, err := h.Get(id)
	if err != nil {
		return Hook{}, Status{}, err
	}
	hook := c.apply(was)
	if hook.URL == was.URL && slices.Equal(hook.Events, was.Events) {
		return was, status, nil
	}
	ops, err := along()
	if err == nil {
		err = h.save(ctx, hook, ops)
	}
	if err != nil {
		return Hook{}, Status{}, fmt.Errorf("webhook: update: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.byID[id] // it cannot end while changing is held
	e.hook = hook
	return hook, e.status, nil
}
