package history

import "time"

// An Input is a run of a subject.
type Input struct {
	Key string
	Run Run
}

// Tracks holds what is known of all subjects of late, and says what is to be
// written down of it. It is not safe for concurrent use.
type Tracks struct {
	Slots *Slots

	runsEach int   // at most, of one track
	lag      int64 // by how much runs may come late
	keep     int64 // for how long runs are held
	recent   map[string]*Recent
	rolled   int64 // the end of the last minute that was summed up; 0: none
	refused  uint64
}

// NewTracks returns tracks of subjects that are asked once an interval, and of
// which a run may be three intervals long.
func NewTracks(slots *Slots, interval time.Duration) *Tracks {
	lag := 3*interval.Milliseconds() + 10*Second
	return &Tracks{Slots: slots, runsEach: RunsEach(interval), lag: lag, keep: max(KeepRuns, lag+2*Minute), recent: map[string]*Recent{}}
}

// RunsEach returns how many runs of a track are held at most where subjects are
// asked once an interval.
func RunsEach(interval time.Duration) int {
	each := max(Second, interval.Milliseconds())
	lag := 3*each + 10*Second
	return int((max(KeepRuns, lag+2*Minute)+each-1)/each) + 4
}

// Add takes in a run. It reports the subjects that lost their slots for it; ok
// is false if there is no slot.
func (t *Tracks) Add(e Input, now int64) (lost []string, ok bool) {
	r := t.recent[e.Key]
	if r == nil {
		slot, gone := t.Slots.Take(e.Key, now)
		for _, key := range gone {
			delete(t.recent, key)
		}
		if slot == nil {
			t.refused++
			return gone, false
		}
		r, lost = &Recent{}, gone
		t.recent[e.Key] = r
	}
	r.Add(e.Run, t.runsEach)
	return lost, true
}

// Replay takes in what an earlier run of the daemon has written down of a
// subject.
func (t *Tracks) Replay(e Input) {
	if t.Slots.Get(e.Key) == nil {
		return
	}
	r := t.recent[e.Key]
	if r == nil {
		r = &Recent{}
		t.recent[e.Key] = r
	}
	r.Replay(e.Run, t.runsEach)
}

// Refused returns how many runs found no slot.
func (t *Tracks) Refused() uint64 { return t.refused }

// Len returns how many tracks are in memory, and Runs for how many runs they
// hold memory.
func (t *Tracks) Len() int { return len(t.recent) }

// Runs returns for how many runs memory is held.
func (t *Tracks) Runs() (n int) {
	for _, r := range t.recent {
		n += r.Size()
	}
	return n
}

// Recent returns the runs of a subject, or nil; they are valid until the next
// call.
func (t *Tracks) Recent(key string) *Recent { return t.recent[key] }

// Rolled returns the end of the last minute that was summed up.
func (t *Tracks) Rolled() int64 { return t.rolled }

// End returns the end of the last run of all; 0 if there is none.
func (t *Tracks) End() (end int64) {
	for _, r := range t.recent {
		if r.Len() > 0 {
			end = max(end, r.at(r.Len()-1).To)
		}
	}
	return end
}

// Resume says up to which minute an earlier run of the daemon has summed up.
func (t *Tracks) Resume(rolled int64) { t.rolled = rolled - rolled%Minute }

// Due returns the minutes that are over and have still to be summed up, by
// where they begin. Where the clock was set back it goes on from there; where it
// was set forward, or all were silent for long, what lies between is left out.
func (t *Tracks) Due(now int64) (minutes []int64) {
	end := now - t.lag
	end -= end % Minute
	if end < t.rolled {
		t.rolled = end
		t.Slots.SetBack(now)
	}
	oldest := end - t.keep
	oldest -= oldest % Minute
	for m := t.rolled; t.rolled > 0 && m < min(oldest, t.rolled+t.lag+2*Minute); m += Minute {
		minutes = append(minutes, m) // from before it was set
	}
	for m := max(t.rolled, oldest); m < end; m += Minute {
		minutes = append(minutes, m)
	}
	return minutes
}

// A Summed is what is known of a subject over one minute.
type Summed struct {
	Slot  Slot
	Cells Cells
}

// Sum sums up a minute: what is known of each subject of which something is.
func (t *Tracks) Sum(minute int64) (out []Summed) {
	for key, r := range t.recent {
		c := r.Cells(minute, minute+Minute)
		slot := t.Slots.Get(key)
		if slot == nil || !c.Known() {
			continue
		}
		slot.Seen = max(slot.Seen, minute+Minute)
		out = append(out, Summed{*slot, c})
	}
	t.rolled = minute + Minute
	return out
}

// A Reported is a run of the subject that has an ID.
type Reported struct {
	ID  uint32
	Run Run
}

// Fresh returns what has come since it was called last.
func (t *Tracks) Fresh() (out []Reported) {
	var runs []Run
	for key, r := range t.recent {
		slot := t.Slots.Get(key)
		if slot == nil {
			continue
		}
		runs = r.fresh(runs[:0])
		for _, run := range runs {
			out = append(out, Reported{slot.ID, run})
		}
	}
	return out
}

// Expire drops the subjects of which nothing is kept any longer. It is for when
// the clock has not been set for a day: by one that is set too late or too early
// all of them would be.
func (t *Tracks) Expire(now int64) {
	for _, key := range t.Slots.Expire(now) {
		delete(t.recent, key)
	}
}

// ExpireRuns drops the runs that are older than they are kept.
func (t *Tracks) ExpireRuns(now int64) {
	for key, r := range t.recent {
		if r.Expire(now - t.keep); r.Len() == 0 {
			delete(t.recent, key)
		}
	}
}
