package allocator

// limit returns the end of the time that a request may use: of the window that
// was asked for or, where no start was, of the one that is planned; without
// one, up to the last start that meets the deadline. The zero moment is none.
func (r *record) limit() Seconds {
	switch {
	case r.interrupted():
		return max(r.Window.End, r.Deadline)
	case r.Window != (Window{}):
		return r.Window.End
	case r.StartTime != 0:
		return r.StartTime + r.Duration
	case r.Deadline != 0:
		return r.lastStart() + 1
	}
	return 0
}

// interrupted reports whether the allocation has lost its path while it carried
// a volume, so that it may go on up to its deadline.
func (r *record) interrupted() bool { return r.Volume != 0 && r.Started && r.State == Pending }

// latestEnd returns when what starts now is to end if there is room: after its
// duration, but not after its deadline, and not after the window that was asked
// for if it starts late.
func (r *record) latestEnd(now Seconds) Seconds {
	end := now + r.Duration
	if r.StartTime != 0 && now > r.StartTime+startSlack {
		end = r.StartTime + r.Duration
	}
	if r.Deadline != 0 {
		end = min(end, r.Deadline)
	}
	return end
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
// could not be installed. It still meets its deadline in another window.
func (r *record) missed(now Seconds) bool { return r.life().missed(now) }

func (l life) missed(now Seconds) bool {
	return !l.started && l.start == 0 && l.window.End != 0 && l.window.End <= now && now <= l.lastStart
}

// life is what decides whether a window has been missed, or is the best one.
type life struct {
	started             bool
	start               Seconds // asked for
	earliest, lastStart Seconds
	picks               bool // CONGA picks the rate
	window              Window
}

func (r *record) life() life {
	return life{r.Started, r.StartTime, r.Earliest, r.lastStart(), r.picksRate(), r.Window}
}

// life returns that of the committed state.
func (it *item) life() life {
	if it.rare.full != nil {
		return it.rare.full.life()
	}
	leeway := it.rare.leeway
	return life{it.started, Seconds(it.start), leeway.Earliest, leeway.lastStart(Seconds(it.duration)), leeway.picksRate(), it.window()}
}

// missedWindow reports whether that is so of the committed state.
func (it *item) missedWindow(now Seconds) bool { return it.life().missed(now) }
