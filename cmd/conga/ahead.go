package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"conga/httpapi/client"
)

// reserve requests the path. Without a duration it is reserved for as long as
// the project has it, or for the lease at first if that would be refused or
// start later: what others were promised before is not worth the wait, and what
// is left beside it is taken when the path is active.
func (r *commandRun) reserve(ctx context.Context, s caller) (err error) {
	least := r.request.Duration
	if r.openEnded {
		if r.ahead, err = s.runAhead(ctx, r.request.ProjectID); err != nil {
			return err
		}
		r.request.Duration = max(least, r.ahead)
	}
	err = r.allocate(ctx, s)
	if r.request.Duration == least {
		return err
	}
	if tooMuch(err) {
		r.request.Duration, r.key = least, rand.Text()
		return r.allocate(ctx, s)
	}
	if err == nil && r.request.Duration > least && r.request.StartTime == 0 && r.request.StartIn == nil {
		r.startSooner(ctx, s, least)
	}
	return err
}

// runAhead returns the seconds for which a project reserves paths of commands
// that do not say how long they run; 0: for their lease at a time. A project of
// which only the HTTP directory knows has what it is by default.
func (s caller) runAhead(ctx context.Context, project string) (int64, error) {
	p, err := s.Project(ctx, project)
	if refused, answered := errors.AsType[*client.Error](err); answered && refused.Status == http.StatusNotFound {
		return client.DefaultRunAhead, nil
	}
	if err != nil || p.RunAhead == nil {
		return 0, err
	}
	return *p.RunAhead, nil
}

// tooMuch reports whether a refusal may be due to how long a path was asked
// for.
func tooMuch(err error) bool {
	refused, answered := errors.AsType[*client.Error](err)
	return answered && (refused.Status == http.StatusConflict || refused.Status == http.StatusForbidden)
}

// allocate makes the request, without what an older server does not know. What
// is reserved for longer than the lease has one while it is active, too; where
// there is none of that sort, an open end is not reserved ahead, since the path
// would outlast a conga that is killed.
func (r *commandRun) allocate(ctx context.Context, s caller) error {
	r.request.ActiveLease = 0
	if r.request.Volume != 0 || r.request.Duration > int64(r.lease/time.Second) {
		r.request.ActiveLease = r.waiting()
	}
	for {
		made, err := s.AllocateAs(ctx, r.key, r.request)
		old := false
		if r.request.ActiveLease != 0 && knowsNot(err, "active_lease") {
			r.request.ActiveLease, old = 0, true
			if r.openEnded {
				r.request.Duration, r.ahead = int64(r.lease/time.Second), 0
			}
		}
		if r.request.Lease != 0 && knowsNot(err, "lease") {
			r.request.Lease, old = 0, true
		}
		if !old {
			r.id = made.ID
			return err
		}
		r.key = rand.Text() // a different request needs another idempotency key
	}
}

// planned returns the request with the start that is planned, if it has a
// volume; without one, if that is not known.
func (r *commandRun) planned(ctx context.Context, s caller) client.Request {
	asked := r.request
	if asked.Volume == 0 {
		return asked
	}
	if al, err := s.Show(ctx, r.id); err == nil && al.StartTime != nil {
		asked.StartTime, asked.Earliest, asked.EarliestIn = *al.StartTime, 0, nil
	}
	return asked
}

// startSooner makes a path that is planned for later shorter if it starts
// sooner then. It ignores errors: the path that there is will do.
func (r *commandRun) startSooner(ctx context.Context, s caller, least int64) {
	planned, err := s.Show(ctx, r.id)
	if err != nil || planned.State != client.Pending || planned.StartTime == nil || planned.Reason == nil {
		return // it starts now, or when that is known
	}
	all := r.request.Duration
	short, err := s.Update(ctx, r.id, client.Change{Duration: &least})
	if err != nil {
		return
	}
	r.request.Duration = least
	if short.State == client.Pending && short.StartTime != nil && *short.StartTime >= *planned.StartTime {
		if _, err := s.Update(ctx, r.id, client.Change{Duration: &all}); err == nil {
			r.request.Duration = all
		}
	}
}

// grow reserves the path for as much as fits of what the project reserves, to
// within a lease, if it is reserved for less.
func (k *keeper) grow(ctx context.Context) {
	step := int64(k.lease / time.Second)
	for most, try := k.ahead, k.ahead; most-k.request.Duration > step && ctx.Err() == nil; {
		switch err := k.extend(ctx, try); {
		case tooMuch(err):
			most = try
		case err != nil:
			return
		case try == k.ahead:
			return
		}
		try = k.request.Duration + (most-k.request.Duration)/2
	}
}
