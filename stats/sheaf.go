package stats

import (
	"encoding/json"
	"time"
)

// sheaf is what is saved in one go.
type sheaf struct {
	accounts []*account
	kept     []*record // of each account, as of when it was picked
	deleted  []string
	sums     map[string]Direction // of the projects to which receipts are added
}

func (s *sheaf) empty() bool { return len(s.accounts)+len(s.deleted) == 0 }

// pick takes out at most so many accounts that are to be saved: those that are
// urgent, and those that have changed before a moment. What becomes of them is
// told with filed or putBack.
func (l *ledger) pick(changed time.Time, most int) *sheaf {
	s := &sheaf{sums: map[string]Direction{}}
	for a := range l.urgent {
		if len(s.accounts) == most {
			return s
		}
		delete(l.urgent, a)
		l.gather(s, a)
	}
	for id := range l.deleted {
		if len(s.deleted) == most {
			return s
		}
		delete(l.deleted, id)
		s.deleted = append(s.deleted, id)
	}
	for a, at := range l.soiled.before(changed) {
		if a.soiled.Equal(at) {
			l.gather(s, a)
		}
		if len(s.accounts) >= most {
			break
		}
	}
	return s
}

func (l *ledger) gather(s *sheaf, a *account) {
	if a.soiled.IsZero() {
		return
	}
	a.soiled = time.Time{}
	s.accounts, s.kept = append(s.accounts, a), append(s.kept, a.record())
	if a.filed() {
		sum, begun := s.sums[a.project]
		if !begun {
			sum = l.bookOf(a.project).filed
		}
		s.sums[a.project] = sum.plus(both(a.ways))
	}
}

// records encodes a sheaf.
func (s *sheaf) records() []Record {
	out := make([]Record, 0, 2*len(s.accounts)+2*len(s.deleted)+len(s.sums))
	for i, a := range s.accounts {
		text := encode(s.kept[i])
		if s.kept[i].receipt {
			out = append(out, Record{Receipts, a.id, text}, Record{Room: Accounts, Key: a.id})
		} else {
			out = append(out, Record{Accounts, a.id, text})
		}
	}
	for _, id := range s.deleted {
		out = append(out, Record{Room: Accounts, Key: id}, Record{Room: Receipts, Key: id})
	}
	for project, sum := range s.sums {
		out = append(out, sumRecord(project, sum))
	}
	return out
}

// filed takes note that a sheaf is saved: receipts are read from the archive
// from now on.
func (l *ledger) filed(s *sheaf) {
	for i, a := range s.accounts {
		if s.kept[i].receipt && a.filed() && l.accounts[a.id] == a {
			b := l.bookOf(a.project)
			b.filed = b.filed.plus(both(a.ways))
			l.forget(a)
		}
	}
}

// putBack takes note that a sheaf could not be saved.
func (l *ledger) putBack(s *sheaf, now time.Time) {
	for _, a := range s.accounts {
		if l.accounts[a.id] == a {
			l.soil(a, now, true)
		}
	}
	for _, id := range s.deleted {
		if l.accounts[id] == nil {
			l.deleted[id] = true
		}
	}
}

// sumForm is the sum of a project's receipts as it is kept.
type sumForm struct {
	Version   int    `json:"v"`
	Entered   Volume `json:"entered"`
	Delivered Volume `json:"delivered"`
	Dropped   Volume `json:"dropped"`
}

const sumVersion = 1

// sumKey is the key of a project's sum, which a project without a name has too.
func sumKey(project string) string { return "=" + project }

func sumRecord(project string, d Direction) Record {
	return Record{Sums, sumKey(project), encode(sumForm{sumVersion, d.Entered, d.Delivered, d.Dropped})}
}

// encode is JSON of what always can be.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // there is nothing in our records that JSON lacks
	}
	return text
}
