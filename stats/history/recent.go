package history

// A Recent holds the last runs of a track, in order. They do not overlap; what
// is not covered is not known. The zero value is empty.
type Recent struct {
	runs  []Run // a ring
	first int   // index of the oldest
	count int

	reported int64 // up to when runs were handed out by fresh
}

// Len returns how many runs there are.
func (r *Recent) Len() int { return r.count }

// at returns the run at a position in their order.
func (r *Recent) at(i int) *Run { return &r.runs[(r.first+i)%len(r.runs)] }

// Add adds a run; of more than most the oldest go. A run with the values of the
// one that ends where it begins makes that one longer. Of what covers a time
// again the time already covered counts, unless all of it is: then the clock
// was set back, and what was known of the moments that come again goes.
func (r *Recent) Add(run Run, most int) {
	if run.To <= run.From || !run.Values.known() {
		return
	}
	if r.count > 0 && run.From < r.at(r.count-1).To {
		if last := r.at(r.count - 1); run.To > last.To {
			run.From = last.To
		} else {
			r.Forget(run.From)
		}
	}
	if r.count > 0 {
		if last := r.at(r.count - 1); last.To == run.From && last.Values.same(&run.Values) {
			last.To = run.To
			return
		}
	}
	if r.count == most {
		r.first, r.count = (r.first+1)%len(r.runs), r.count-1
	}
	if r.count == len(r.runs) {
		r.grow(most)
	}
	r.count++
	*r.at(r.count - 1) = run
}

// Replay adds a run that was handed out as new before. What is known of its time
// and later is older, and goes.
func (r *Recent) Replay(run Run, most int) {
	r.Forget(run.From)
	r.Add(run, most)
	r.reported = max(r.reported, run.To)
}

// grow makes room for more runs, for most at most.
func (r *Recent) grow(most int) {
	larger := make([]Run, min(most, max(4, 2*r.count)))
	for i := range r.count {
		larger[i] = *r.at(i)
	}
	r.runs, r.first = larger, 0
}

// Forget drops what is known from a moment on.
func (r *Recent) Forget(from int64) {
	for r.count > 0 && r.at(r.count-1).From >= from {
		r.count--
	}
	if r.count > 0 {
		last := r.at(r.count - 1)
		last.To = min(last.To, from)
	}
	r.reported = min(r.reported, from)
}

// Expire drops the runs that ended before a moment, and the memory when none is
// left.
func (r *Recent) Expire(before int64) {
	for r.count > 0 && r.at(0).To <= before {
		r.first, r.count = (r.first+1)%len(r.runs), r.count-1
	}
	if r.count == 0 {
		r.runs, r.first = nil, 0
	}
}

// Cells returns what is known of a time.
func (r *Recent) Cells(from, to int64) (c Cells) {
	for i := r.after(from); i < r.count && r.at(i).From < to; i++ {
		c.add(r.at(i), from, to)
	}
	return c
}

// Runs appends the runs of a time, cut to it.
func (r *Recent) Runs(out []Run, from, to int64) []Run {
	for i := r.after(from); i < r.count && r.at(i).From < to; i++ {
		run := *r.at(i)
		run.From, run.To = max(run.From, from), min(run.To, to)
		out = append(out, run)
	}
	return out
}

// fresh appends what has come since it was called last.
func (r *Recent) fresh(out []Run) []Run {
	if r.count == 0 {
		return out
	}
	end := r.at(r.count - 1).To
	out = r.Runs(out, r.reported, end)
	r.reported = end
	return out
}

// after returns the position of the first run that ends after a moment.
func (r *Recent) after(from int64) int {
	low, high := 0, r.count
	for low < high {
		if mid := (low + high) / 2; r.at(mid).To > from {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// Size returns how many runs memory is held for.
func (r *Recent) Size() int { return len(r.runs) }
