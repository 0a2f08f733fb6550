package allocator

import (
	"cmp"
	"fmt"

	"conga/bitrate"
	"conga/controller/path"
)

// placement is where and when an allocation may be. If the window is zero the
// allocation has to wait, and reason says for what.
type placement struct {
	window    Window
	path      path.Path
	backup    path.Path    // of a protected request
	rate      bitrate.Rate // that CONGA has picked; 0: the one that was asked for
	profile   []Step       // of which rate is the first; nil: the rate stays as it is
	reason    string
	obstacles *obstacles // what stands in the way of an earlier window; nil if nothing does
}

// steps returns the rates that a request has in its window.
func (p placement) steps(r Request) []Step {
	if len(p.profile) > 0 {
		return p.profile
	}
	return []Step{{p.window, cmp.Or(p.rate, r.Bandwidth)}}
}

// assign returns a request's window and path: the window asked for, or the
// earliest one that the limits allow. If the request has to wait, because
// something is not known or not there, the placement has a reason; an error
// refuses the request. was is the allocation that asks, or is changed; nil: the
// request is new.
func (pl planner) assign(r Request, now Seconds, limits Limits, was *record) (got placement, err *Error) {
	got, err = pl.assignPath(r, now, limits, was)
	if r.Protected && err == nil && len(got.path) > 0 {
		r.Bandwidth = cmp.Or(got.rate, r.Bandwidth)
		got.backup = pl.backup(r, got.path, got.window)
	}
	return got, err
}

// backup returns the backup of a path for a protected request; nil if there is
// none, or the request is not protected.
func (pl planner) backup(r Request, p path.Path, w Window) path.Path {
	if !r.Protected || len(p) == 0 {
		return nil
	}
	d := demand{Request: r}
	d.from, d.to = p.Ends()
	b, _ := pl.graph.Backup(pl.noting(pl.query(d, w)), p)
	return b
}

// assignPath does what assign does, but for the backup.
func (pl planner) assignPath(r Request, now Seconds, limits Limits, was *record) (placement, *Error) {
	if err := checkSplit(pl.snapshot, r.Key, was); err != nil {
		return placement{}, err
	}
	from, to, _, reason := was.locateAs(pl.snapshot, r.Key)
	if reason != "" {
		return placement{reason: reason + "; " + plannedOnceKnown}, nil
	}
	d := demand{Request: r, from: from, to: to, conflicting: pl.calendars.conflicting(r), limit: limits.Bandwidth}
	if r.picksRate() {
		d.Bandwidth = pl.leastRate(d)
	}
	if err := pl.checkEnforced(d); err != nil {
		return placement{}, err
	}
	if r.picksRate() {
		return pl.assignVolume(d, now)
	}
	if r.StartTime == 0 {
		if p, w, ok := pl.earliest(d, r.first(now), r.lastStart()+1); ok {
			return placement{window: w, path: p}, nil
		}
		return pl.refuseAll(d, r.first(now))
	}
	w := Window{max(r.StartTime, now), r.StartTime + r.Duration}
	if w.End <= now {
		return placement{}, &Error{Kind: Conflict, Field: "start_time", Err: fmt.Errorf(
			"the window that was asked for, from %s to %s, has passed; ask for another", clock(r.StartTime), clock(w.End))}
	}
	if pl.taken(d, w) {
		return placement{}, pl.takenError(d, w)
	}
	if p, ok := pl.find(d, w); ok {
		return placement{window: w, path: p}, nil
	}
	return pl.refuse(d, w)
}
