package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"conga/stats/history"
)

// A round is what is written down at a time.
type round struct {
	now     int64
	before  int64  // the end of the last minute that was written earlier
	list    []byte // nil: it is as it is on the disk
	piece   []byte // of the journal
	minutes []int64
	sums    [][]history.Summed // of each minute
	rolled  int64              // the end of the last one
	stripes int
	ids     []uint32 // by index
}

// Write writes down what has come, and the minutes and hours that are over. A
// crash at any moment costs what has come since the last call. Only one
// goroutine may call it at a time. What cannot be written is missing in the
// history, and the log says so once.
func (r *Recorder) Write() {
	now := r.cfg.Now().UnixMilli()
	r.watchClock(now)
	w := r.gather(now)
	if r.absent != nil {
		return
	}
	err := r.write(w)
	r.mu.Lock()
	failed := r.trouble != nil
	r.trouble = err
	r.mu.Unlock()
	switch {
	case err != nil && !failed:
		r.cfg.Log.Warn("the history cannot be written to the disk; what is not written will be a gap", "err", err)
	case err == nil && failed:
		r.cfg.Log.Info("the history can be written again")
	}
}

const (
	// mostPause is the longest time between two writes, a minute apart, by a
	// clock that was not set.
	mostPause = 10 * history.Minute
	// calmRuns and calmSlots are how often must have been written, a minute
	// apart, since the clock was set before runs, and tracks, go because they are
	// old: a clock that was set by mistake for less costs none of them.
	calmRuns  = int(history.KeepRuns / history.Minute)
	calmSlots = int(24 * history.Hour / history.Minute)
)

// watchClock counts for how long the clock has not been set.
func (r *Recorder) watchClock(now int64) {
	if r.last == 0 || now < r.last || now-r.last > mostPause {
		r.calm = 0
	} else {
		r.calm++
	}
	r.last = now
}

// gather returns what is to be written down.
func (r *Recorder) gather(now int64) *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.tracks.Rolled()
	w := &round{now: now, before: before, piece: history.AppendRuns(nil, r.tracks.Fresh(), before, now)}
	for _, m := range r.tracks.Due(now) {
		w.minutes, w.sums = append(w.minutes, m), append(w.sums, r.tracks.Sum(m))
	}
	w.rolled = r.tracks.Rolled()
	r.rememberHoursLocked(before, w.rolled)
	r.hours = min(r.hours, w.rolled-w.rolled%history.Hour)
	r.minutes = min(r.minutes, w.rolled)
	slots := r.tracks.Slots
	count := slots.Len()
	if r.calm >= calmRuns {
		r.tracks.ExpireRuns(now)
	}
	if r.calm >= calmSlots {
		r.tracks.Expire(now)
	}
	if slots.Len() != count || w.rolled-r.hours >= history.Hour {
		r.listed = false
	}
	if !r.listed {
		w.list, r.listed = history.AppendSlots(nil, slots, r.hours), true
	}
	r.numberLocked(w)
	return w
}

// rememberHoursLocked notes up to which hour all had been summed up when the
// clock was set forward, and goes on there when it is set back: what came
// meanwhile is in hours that are to come.
func (r *Recorder) rememberHoursLocked(before, rolled int64) {
	switch {
	case rolled > before+history.KeepRuns && before > 0 && r.hoursBefore == 0:
		r.hoursBefore = r.hours
	case rolled < before && r.hoursBefore > 0:
		r.hours, r.hoursBefore = min(r.hours, r.hoursBefore), 0
	case r.calm >= calmSlots:
		r.hoursBefore = 0
	}
}

// write writes a round down: the list before what needs it to be read, and the
// runs before the minutes that are made of them, so that a restart can make
// these again.
func (r *Recorder) write(w *round) (err error) {
	if w.list != nil {
		if err = replace(r.list(), w.list); err != nil {
			r.mu.Lock()
			r.listed = false
			r.mu.Unlock()
			return err
		}
	}
	err = r.journal.add(w.piece, w.before, w.now)
	for i, m := range w.minutes {
		err = errors.Join(err, r.writeMinute(w, m, w.sums[i]))
	}
	r.mu.Lock()
	r.minutes = w.rolled
	hours := r.hours
	r.mu.Unlock()
	for h := max(hours, w.rolled-w.rolled%history.Hour-history.KeepMinutes+history.Hour); h+history.Hour <= w.rolled && err == nil; h += history.Hour {
		if err = r.writeHour(w, h); err == nil {
			r.mu.Lock()
			r.hours = h + history.Hour
			r.mu.Unlock()
		}
	}
	return err
}

// finish sums up what an earlier run of the daemon has left: the minutes that
// its runs are of, and the hours, the last of which may be over only in part.
// They are summed up anew if more comes.
func (r *Recorder) finish() (err error) {
	rolled := r.tracks.Rolled()
	w := &round{rolled: rolled}
	r.numberLocked(w)
	end := r.tracks.End()
	for m := max(rolled, end-end%history.Minute-history.KeepRuns); m < end; m += history.Minute {
		err = errors.Join(err, r.writeMinute(w, m, r.tracks.Sum(m)))
	}
	for h := max(r.hours, end-end%history.Hour-history.KeepMinutes+history.Hour); h < end; h += history.Hour {
		err = errors.Join(err, r.writeHour(w, h))
	}
	r.tracks.Resume(rolled)
	r.hours = min(r.hours, rolled-rolled%history.Hour)
	return err
}

// numberLocked notes in a round how many stripes there are, and whose each position
// is.
func (r *Recorder) numberLocked(w *round) {
	w.stripes = (r.tracks.Slots.High() + StripeTracks - 1) / StripeTracks
	w.ids = make([]uint32, w.stripes*StripeTracks)
	for _, one := range r.tracks.Slots.List() {
		w.ids[one.Index] = one.ID
	}
}

// stripe returns the IDs of the tracks of a stripe, by position; 0: there is
// none.
func (w *round) stripe(s int) *[StripeTracks]uint32 {
	return (*[StripeTracks]uint32)(w.ids[s*StripeTracks:])
}

// writeMinute writes the row of a minute in each stripe. Of the stripes that
// cannot be written it tells of the first: what is wrong with one is so with
// all.
func (r *Recorder) writeMinute(w *round, minute int64, sums []history.Summed) (err error) {
	cells := make([]byte, w.stripes*rowSize)
	for i := range sums {
		at := sums[i].Slot.Index * history.CellsSize
		history.AppendCells(cells[at:at], &sums[i].Cells, sums[i].Slot.ID, minute, history.Minute)
	}
	for s := range w.stripes {
		err = cmp.Or(err, r.stripes.put(s, w.stripe(s), minute, history.Minute, cells[s*rowSize:(s+1)*rowSize]))
	}
	return err
}

// writeHour writes the row of an hour in each stripe, as writeMinute does.
func (r *Recorder) writeHour(w *round, hour int64) (err error) {
	for s := range w.stripes {
		err = cmp.Or(err, r.stripes.hour(s, w.stripe(s), hour))
	}
	return err
}

// replace gives a file another content, whole or not at all.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readList returns the slots that are listed in the directory, and removes
// stripes that none of them can be in. Without a list that can be read all is
// removed, since nothing else tells whose it is.
func (r *Recorder) readList() (*history.Slots, error) {
	text, err := readAtMost(r.list(), mostList(MostTracks)) // there may have been more than now
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		slots, hours, err := history.ParseSlots(text, r.cfg.Tracks)
		if err == nil {
			r.hours, r.listed = hours, true
			if err := r.removeFrom((r.cfg.Tracks + StripeTracks - 1) / StripeTracks); err != nil {
				r.cfg.Log.Warn("files of the history that are needed no more could not be removed", "err", err)
			}
			return slots, nil
		}
		r.cfg.Log.Warn("the history begins anew, since the list of what it is of cannot be read", "err", err)
	}
	for i := range 2 {
		if err := os.Remove(r.journal.name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return history.NewSlots(r.cfg.Tracks), r.removeFrom(0)
}

// removeFrom removes the stripes from a number on.
func (r *Recorder) removeFrom(first int) error {
	names, err := filepath.Glob(filepath.Join(r.cfg.Dir, "stripe-*"))
	for _, name := range names {
		var n int
		if _, bad := fmt.Sscanf(filepath.Base(name), "stripe-%d", &n); bad == nil && n >= first {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}
