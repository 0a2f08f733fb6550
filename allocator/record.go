package allocator

import (
	"context"
	"encoding/json"
	"fmt"

	"conga/allocator/store"
)

// recordVersion is the form of the records below. Who changes the form raises
// it and teaches decodeRecord the older ones.
const recordVersion = 1

// record is one allocation as it is kept in the store, under its ID.
type record struct {
	Version int    `json:"v"`
	Seq     uint64 `json:"seq"`               // order of creation
	Started bool   `json:"started,omitempty"` // it has been active, so its window no longer moves
	Done    int64  `json:"done,omitempty"`    // when it became complete, UNIX seconds
	Allocation
}

func (r *record) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRecord(key string, value []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, fmt.Errorf("allocator: record %q: %w", key, err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("allocator: record %q has version %d; this program reads version %d", key, r.Version, recordVersion)
	}
	if problem := r.problem(key); problem != "" {
		return nil, fmt.Errorf("allocator: record %q is damaged: %s", key, problem)
	}
	return &r, nil
}

// problem says why a record cannot be one of ours, or "".
func (r *record) problem(key string) string {
	switch w := r.Window; {
	case key != "" && r.ID != key:
		return fmt.Sprintf("it is about allocation %q", r.ID)
	case r.Seq == 0, r.Handle == 0:
		return "it has no number"
	case r.State != Pending && r.State != Active && r.State != Complete:
		return fmt.Sprintf("%q is no state", r.State)
	case w.Start > w.End, w.Start < 0, w != Window{} && w.Start == w.End && r.State != Complete:
		return fmt.Sprintf("[%d, %d) is no window", w.Start, w.End)
	case r.State == Active && (len(r.Path) == 0 || w == Window{}):
		return "it is active without a path or a window"
	case normaliseKey(&r.Key) != nil:
		return "its addresses are not valid"
	case r.Bandwidth >= 1<<62 && len(r.Path) > 0:
		return "its bandwidth is impossible"
	}
	return ""
}

// load reads what is live into the allocator, and moves what is complete into the
// history.
func (a *Allocator) load(ctx context.Context) error {
	if err := a.loadHistory(ctx); err != nil {
		return err
	}
	records, err := a.readLive(ctx)
	if err != nil {
		return err
	}
	handles := make(map[uint32]string, len(records))
	now := seconds(a.cfg.Now())
	for _, r := range records {
		r.spare(now)
		if other, taken := handles[r.Handle]; taken {
			return fmt.Errorf("allocator: records %q and %q have the same handle %d", other, r.ID, r.Handle)
		}
		handles[r.Handle] = r.ID
		a.adopt(r)
	}
	return nil
}

// readLive reads the records of what is not complete. Complete ones among them are
// moved in batches, so that a crash in between leaves the rest for the next time.
func (a *Allocator) readLive(ctx context.Context) (live []*record, err error) {
	for from, more := "", true; more; {
		more = false
		var done []*record
		err := a.cfg.Store.Range(ctx, store.Allocations, store.Span{From: from}, func(key string, value []byte) error {
			r, err := decodeRecord(key, value)
			switch {
			case err != nil:
				return err
			case r.State != Complete:
				live = append(live, r)
				return nil
			}
			if done = append(done, r); len(done) < pruneBatch {
				return nil
			}
			from, more = key+"\x00", true
			return store.ErrStop
		})
		if err != nil {
			return nil, err
		}
		if err := a.move(ctx, done); err != nil {
			return nil, fmt.Errorf("allocator: complete allocations could not be moved into the history: %w", err)
		}
		for _, r := range done {
			a.seq, a.revision = max(a.seq, r.Seq), max(a.revision, r.Revision)
			a.past.count(r.ProjectID, 1)
		}
	}
	return live, nil
}
