package allocator

// limit returns the end of the time that a request may use: of the window that
// was asked for or, where no start was, of the one that is planned. The zero
// moment is none.
func (r *record) limit() Seconds {
	if r.Window == (Window{}) && r.StartTime != 0 {
		return r.StartTime + r.Duration
	}
	return r.Window.End
}

// over reports whether the allocation's time has passed, so that it is to
// complete. What was to run as early as it fits and has not run is planned anew
// instead, see missed.
func (r *record) over(now Seconds) bool {
	end := r.limit()
	return end != 0 && end <= now && !r.missed(now)
}

// missed reports whether the window passed in which a request without a start
// was to run, because the daemon was down, the clock was set, or its circuit
// could not be installed.
func (r *record) missed(now Seconds) bool {
	return missed(r.Started, r.StartTime, r.Window, now)
}

func missed(started bool, start Seconds, w Window, now Seconds) bool {
	return !started && start == 0 && w.End != 0 && w.End <= now
}

// missedWindow reports whether that is so of the committed state.
func (it *item) missedWindow(now Seconds) bool {
	if it.rare.full != nil {
		return it.rare.full.missed(now)
	}
	return missed(it.started, Seconds(it.start), it.window(), now)
}
