package allocator

// leaseEnd returns when a lease of so many seconds ends that begins now; 0:
// there is none.
func leaseEnd(lease, now Seconds) Seconds {
	if lease == 0 {
		return 0
	}
	return now + lease
}

// withLeases returns the request with the leases of another, and held as that
// is.
func (r Request) withLeases(of Request) Request {
	r.Lease, r.ActiveLease, r.Hold = of.Lease, of.ActiveLease, of.Hold
	return r
}

// firstLease returns the lease that counts before the start, in seconds: while
// it is held that is how long it may be; 0: none.
func (r *Request) firstLease() Seconds {
	if r.Hold != 0 {
		return r.Hold
	}
	return r.Lease
}

// lease returns the one that counts now, in seconds; 0: none.
func (r *record) lease() Seconds {
	if r.Started {
		return r.ActiveLease
	}
	return r.firstLease()
}

// lapse returns when the allocation is given up unless its lease is extended,
// in UNIX seconds; may is false if it is not given up. Once it has started only
// an active lease ends it; without one it keeps its window to the end, and gets
// another path if its own is lost.
func (r *record) lapse() (at Seconds, may bool) {
	return r.LeaseEnd, r.State != Complete && lapses(r.LeaseEnd, r.Started, r.ActiveLease)
}

// lapses reports whether the end of a lease ends what is not complete.
func lapses(end Seconds, started bool, active Seconds) bool {
	return end != 0 && (!started || active != 0)
}

// lapsed reports whether the allocation is to be given up now.
func (r *record) lapsed(now Seconds) bool {
	at, may := r.lapse()
	return may && at <= now
}

// extend has the lease begin anew that a change names, if it counts now: what
// is committed begins to wait for its start. held says whether it was held.
func (r *record) extend(c Change, held bool, now Seconds) {
	named := c.Lease
	switch {
	case r.Started:
		named = c.ActiveLease
	case r.Hold != 0:
		named = c.Hold
	case held:
		named = &r.Lease
	}
	if named != nil {
		r.LeaseEnd = leaseEnd(*named, now)
	}
}

// renews reports whether next differs from old in nothing but the end of the
// lease. That is no event and no new revision.
func renews(old, next *record) bool {
	return old.LeaseEnd != next.LeaseEnd && old.Request == next.Request && old.Started == next.Started && unlessSame(old, next) == nil
}

// leaseGrace is what a lease has left at least when the daemon starts, in
// seconds: while the daemon was away no lease could be extended, and clients
// try for about as long.
const leaseGrace = 60

// grantGrace extends a lease that ends within leaseGrace.
func (r *record) grantGrace(now Seconds) {
	if end, may := r.lapse(); may {
		r.LeaseEnd = max(end, now+leaseGrace)
	}
}
