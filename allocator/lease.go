package allocator

// leaseEnd is when a lease of so many seconds ends that begins now; 0: there is
// none.
func leaseEnd(lease, now Seconds) Seconds {
	if lease == 0 {
		return 0
	}
	return now + lease
}

// withLease is the request with another lease.
func (r Request) withLease(lease Seconds) Request {
	r.Lease = lease
	return r
}

// lapse is when the allocation is given up because nobody has asked for it again,
// in UNIX seconds. Whoever has a path keeps it until its end, and gets another one
// if it is lost.
func (r *record) lapse() (at Seconds, may bool) {
	return r.LeaseEnd, r.LeaseEnd != 0 && r.State == Pending && !r.Started
}

// lapsed reports whether it is to be given up now.
func (r *record) lapsed(now Seconds) bool {
	at, may := r.lapse()
	return may && at <= now
}

// renews reports whether all that changes is when the lease ends. That is nobody's
// news, and no new revision.
func renews(old, next *record) bool {
	return old.LeaseEnd != next.LeaseEnd && old.Request == next.Request && old.Started == next.Started && unlessSame(old, next) == nil
}

// leaseGrace is what a lease has left at least when the daemon starts, in seconds:
// while it was away nobody could ask again, and clients try for about as long.
const leaseGrace = 60

// grantGrace gives a lease that grace.
func (r *record) grantGrace(now Seconds) {
	if end, may := r.lapse(); may {
		r.LeaseEnd = max(end, now+leaseGrace)
	}
}
