package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"conga/stats/history"
)

// DefaultTracks is how many tracks there are at most unless the configuration
// says otherwise: 10,000 ports and 11,000 allocations.
const DefaultTracks = 32_768

// MostTracks is how many tracks a configuration may allow.
const MostTracks = 1_000_000

// LeastInterval is the shortest time between two runs of a track that a
// configuration may have.
const LeastInterval = time.Second

// A Config says what a [Recorder] works with. Dir is required.
type Config struct {
	Dir      string           // made if it is missing; the recorder's alone
	Tracks   int              // at most; 0: [DefaultTracks]
	Interval time.Duration    // between two runs of a track
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: none
}

// A Recorder keeps a history, in memory what is recent and on a disk all of it.
// It is safe for concurrent use.
type Recorder struct {
	cfg     Config
	stripes stripes
	journal journal // of the goroutine that runs Run, as what follows
	last    int64   // when was written last; 0: not yet
	calm    int     // times in a row that it was written without the clock being set

	absent error // why nothing of the directory is read or written; nil: it is

	mu      sync.Mutex // a leaf; guards what follows
	trouble error      // why the last time could not be written; nil: it could
	tracks  *history.Tracks
	listed  bool  // the list on the disk has all that are tracked
	minutes int64 // the end of the last minute, and hour, on the disk
	hours   int64

	hoursBefore int64 // hours when the clock was set forward; 0: it was not
	refused     bool  // it is logged that there are too many
}

// Open returns a recorder with what is in its directory. What cannot be read is
// a gap; if the list of tracks is damaged the history begins anew, and the log
// says so. If the directory cannot be used, or the system does not give the list,
// nothing there is touched, and the recorder keeps what is recent in memory only:
// see [Recorder.Trouble].
func Open(cfg Config) *Recorder {
	if cfg.Tracks <= 0 {
		cfg.Tracks = DefaultTracks
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{cfg: cfg, stripes: stripes{cfg.Dir}, journal: journal{
		dir: cfg.Dir, keep: history.KeepRuns + 10*cfg.Interval.Milliseconds(), most: mostJournals(MostTracks, LeastInterval),
	}}
	err := os.MkdirAll(cfg.Dir, 0o700)
	var slots *history.Slots
	if err == nil {
		slots, err = r.readList()
	}
	if err != nil {
		r.absent = fmt.Errorf("the history is kept in memory only, for a quarter of an hour, until congad is started again: %w", err)
		r.tracks = history.NewTracks(history.NewSlots(cfg.Tracks), cfg.Interval)
		cfg.Log.Error("the history on the disk cannot be read; nothing of it is touched, and congad goes on without. Mend the directory and start congad again", "dir", cfg.Dir, "err", err)
		return r
	}
	r.tracks = history.NewTracks(slots, cfg.Interval)
	if err := r.replay(); err != nil {
		cfg.Log.Warn("a part of the history could not be read or written; it is a gap", "err", err)
	}
	return r
}

// Trouble returns why the history is not kept on the disk now, nil if it is.
func (r *Recorder) Trouble() error { return errors.Join(r.Troubles()...) }

// Troubles returns what Trouble does, each cause alone; nil if there is none.
func (r *Recorder) Troubles() (causes []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.absent != nil {
		causes = append(causes, r.absent)
	}
	for _, err := range separate(nil, r.trouble) {
		causes = append(causes, fmt.Errorf("the history cannot be written to the disk, and what is not written will be a gap: %w", err))
	}
	return causes
}

// separate appends the errors that err joins, each text once; nil joins none.
func separate(list []error, err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			list = separate(list, one)
		}
		return list
	}
	if err == nil || slices.ContainsFunc(list, func(e error) bool { return e.Error() == err.Error() }) {
		return list
	}
	return append(list, err)
}

// replay takes in the runs of an earlier run of the daemon.
func (r *Recorder) replay() error {
	keys := map[uint32]string{}
	for _, slot := range r.tracks.Slots.List() {
		keys[slot.ID] = slot.Key
	}
	rolled, err := r.journal.read(func(one history.Reported) {
		if key, ok := keys[one.ID]; ok {
			r.tracks.Replay(history.Input{Key: key, Run: one.Run})
		}
	})
	r.tracks.Resume(rolled)
	r.minutes = r.tracks.Rolled()
	return errors.Join(err, r.finish())
}

// Add takes in runs. Those of subjects for which there is no room are dropped.
func (r *Recorder) Add(inputs []history.Input) {
	now := r.cfg.Now().UnixMilli()
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.tracks.Slots.Next()
	for _, one := range inputs {
		if _, ok := r.tracks.Add(one, now); !ok && !r.refused {
			r.refused = true
			r.cfg.Log.Warn("the history has no room for more ports and allocations; raise stats.history.tracks", "tracks", r.cfg.Tracks, "left_out", one.Key)
		}
	}
	if r.tracks.Slots.Next() != before {
		r.listed = false
	}
}

// Points returns what is known of a subject over count steps in milliseconds,
// of which the first begins at from; nil if nothing is known of it at all. The
// step divides from.
func (r *Recorder) Points(key string, from, step int64, count int) []history.Cells {
	r.mu.Lock()
	found := r.tracks.Slots.Get(key)
	if found == nil {
		r.mu.Unlock()
		return nil
	}
	slot, to := *found, from+step*int64(count)
	recent := &history.Recent{}
	if of := r.tracks.Recent(key); of != nil {
		for _, run := range of.Runs(nil, from, to) {
			recent.Add(run, 1<<20)
		}
	}
	minutes, hours := r.minutes, r.hours
	r.mu.Unlock()
	s := history.Sources{Recent: recent, MinutesFrom: from, HoursFrom: from}
	if step%history.Hour == 0 {
		s.Hours = r.rows(slot, from, min(to, hours), history.Hour)
		s.MinutesFrom = max(from, min(to, hours))
	}
	if step%history.Minute == 0 {
		s.Minutes = r.rows(slot, s.MinutesFrom, min(to, minutes), history.Minute)
	}
	return s.Points(from, step, count)
}

// rows returns the cells of a track from the disk.
func (r *Recorder) rows(slot history.Slot, from, to, length int64) []history.Cells {
	if to <= from {
		return nil
	}
	return r.stripes.get(slot, from, length, int((to-from)/length))
}

// Run writes down what has come, once a minute, until ctx ends, and then once
// more.
func (r *Recorder) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Write()
		case <-ctx.Done():
			r.Write()
			return nil
		}
	}
}

// Tracks returns how many tracks there are.
func (r *Recorder) Tracks() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tracks.Slots.Len()
}

// Size returns how many bytes the directory has at most, whatever happens.
func (r *Recorder) Size() int64 { return Size(r.cfg.Tracks, r.cfg.Interval) }

// Size returns how many bytes a history of so many tracks takes at most on a
// disk: stripes, which never grow, two journals and the list.
func Size(tracks int, interval time.Duration) int64 {
	stripes := int64(tracks+StripeTracks-1) / StripeTracks
	return stripes*StripeSize + mostJournals(tracks, interval) + mostList(tracks)
}

// mostJournals returns how many bytes both journals of so many tracks have at
// most.
func mostJournals(tracks int, interval time.Duration) int64 {
	return 4 * int64(tracks*history.RunsEach(interval)) * history.RunSize
}

// mostList returns how many bytes the list of so many tracks has at most, twice:
// it is replaced as a whole.
func mostList(tracks int) int64 { return int64(tracks)*2*256 + 1024 }

func (r *Recorder) list() string { return filepath.Join(r.cfg.Dir, "tracks") }
