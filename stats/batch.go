package stats

import (
	"encoding/json"
	"fmt"
	"time"
)

// A batch is what is saved in one go.
type batch struct {
	accounts []*account
	saved    []*savedAccount // of each account, as of when it was picked
	deleted  []string
	sums     map[string]Direction // of the projects to which receipts are added
}

func (s *batch) empty() bool { return len(s.accounts)+len(s.deleted) == 0 }

// pick takes out at most so many accounts that are to be saved: those that are
// urgent, and those that have changed before a moment. The caller passes the
// batch to saved or putBack.
func (l *ledger) pick(changed, now time.Time, most int) *batch {
	s := &batch{sums: map[string]Direction{}}
	for a := range l.urgent {
		if len(s.accounts) == most {
			return s
		}
		delete(l.urgent, a)
		l.gather(s, a, now)
	}
	for id := range l.deleted {
		if len(s.deleted) == most {
			return s
		}
		delete(l.deleted, id)
		s.deleted = append(s.deleted, id)
	}
	for a, at := range l.dirty.before(changed) {
		if a.dirtySince.Equal(at) {
			l.gather(s, a, now)
		}
		if len(s.accounts) >= most {
			return s
		}
	}
	for a, at := range l.quiet.before(changed.Add(-quietEvery)) {
		if a.quietSince.Equal(at) {
			l.gather(s, a, now)
		}
		if len(s.accounts) >= most {
			break
		}
	}
	return s
}

func (l *ledger) gather(s *batch, a *account, now time.Time) {
	if a.dirtySince.IsZero() && a.quietSince.IsZero() {
		return
	}
	a.dirtySince, a.quietSince = time.Time{}, time.Time{}
	s.accounts, s.saved = append(s.accounts, a), append(s.saved, a.save(now))
	if a.isReceipt() {
		sum, begun := s.sums[a.project]
		if !begun {
			sum = l.projectOf(a.project).receipts
		}
		s.sums[a.project] = sum.plus(both(a.directions))
	}
}

// records returns the records of the batch.
func (s *batch) records() []Record {
	out := make([]Record, 0, 2*len(s.accounts)+2*len(s.deleted)+len(s.sums))
	for i, a := range s.accounts {
		text := encode(s.saved[i])
		if s.saved[i].receipt {
			out = append(out, Record{Receipts, a.id, text}, Record{Bucket: Accounts, Key: a.id})
		} else {
			out = append(out, Record{Accounts, a.id, text})
		}
	}
	for _, id := range s.deleted {
		out = append(out, Record{Bucket: Accounts, Key: id}, Record{Bucket: Receipts, Key: id})
	}
	for project, sum := range s.sums {
		out = append(out, sumRecord(project, sum))
	}
	return out
}

// saved takes note that a batch is saved: receipts are read from the archive
// from now on.
func (l *ledger) saved(s *batch) {
	for i, a := range s.accounts {
		if s.saved[i].receipt && a.isReceipt() && l.accounts[a.id] == a {
			b := l.projectOf(a.project)
			b.receipts = b.receipts.plus(both(a.directions))
			l.forget(a)
		}
	}
}

// putBack takes note that a batch could not be saved.
func (l *ledger) putBack(s *batch, now time.Time) {
	for _, a := range s.accounts {
		if l.accounts[a.id] == a {
			l.markDirty(a, now, true)
		}
	}
	for _, id := range s.deleted {
		if l.accounts[id] == nil {
			l.deleted[id] = true
		}
	}
}

// A savedSum is the sum of a project's receipts as it is saved.
type savedSum struct {
	Version   int    `json:"v"`
	Entered   Volume `json:"entered"`
	Delivered Volume `json:"delivered"`
	Dropped   Volume `json:"dropped"`
}

const sumVersion = 1

func parseSum(value []byte) (f savedSum, err error) {
	if err = json.Unmarshal(value, &f); err == nil && f.Version != sumVersion {
		err = fmt.Errorf("it has version %d; this program reads version %d", f.Version, sumVersion)
	}
	return f, err
}

// sumKey returns the key of a project's sum, which is not empty even if the
// project's name is.
func sumKey(project string) string { return "=" + project }

func sumRecord(project string, d Direction) Record {
	return Record{Sums, sumKey(project), encode(savedSum{sumVersion, d.Entered, d.Delivered, d.Dropped})}
}

// encode returns v as JSON. v must be of a type that JSON can represent.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // no such type is in our records
	}
	return text
}
