package allocator

// leaseEnd returns when a lease of so many seconds ends that begins now; 0:
// there is none.
func leaseEnd(lease, now Seconds) Seconds {
	if lease == 0 {
		return 0
	}
	return now + lease
}

// withLease returns the request with another lease.
func (r Request) withLease(lease Seconds) Request {
	r.Lease = lease
	return r
}

// lapse returns when the allocation is given up unless its lease is extended,
// in UNIX seconds; may is false if it is not given up. An allocation that has
// started needs no lease: it keeps its window to the end, and gets another path
// if its own is lost.
func (r *record) lapse() (at Seconds, may bool) {
	return r.LeaseEnd, r.LeaseEnd != 0 && r.State == Pending && !r.Started
}

// lapsed reports whether the allocation is to be given up now.
func (r *record) lapsed(now Seconds) bool {
	at, may := r.lapse()
	return may && at <= now
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
