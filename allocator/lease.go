package allocator

// leaseEnd is when a lease of so many seconds ends that begins now; 0: there is
// none.
func leaseEnd(lease, now int64) int64 {
	if lease == 0 {
		return 0
	}
	return now + lease
}

// leased is the request with another lease.
func (r Request) leased(lease int64) Request {
	r.Lease = lease
	return r
}

// lapse is when the allocation is given up because nobody has asked for it again,
// in UNIX seconds. Whoever has a path keeps it until its end, and gets another one
// if it is lost.
func (r *record) lapse() (at int64, may bool) {
	return r.LeaseEnd, r.LeaseEnd != 0 && r.State == Pending && !r.Started
}

// lapsed reports whether it is to be given up now.
func (r *record) lapsed(now int64) bool {
	at, may := r.lapse()
	return may && at <= now
}
