package audit

import (
	"container/heap"
	"net/http"
	"slices"

	"golang.org/x/time/rate"
)

// KeyIssued is the action of giving a user a key.
const KeyIssued = "key.issue"

// A class is a sort of records that make room only for their own sort: a client
// that guesses passwords, a link that comes and goes, or a client that repeats
// itself cannot push out the records of changes.
type class int

const (
	byAdmin    class = iota // changes made with the admin's key
	keysIssued              // keys given to users
	changes                 // other changes
	refusals                // refused attempts with a key
	strangers               // and without one
	selfMade                // what time and the network have changed
	classes
)

// most is how many records of each class are kept.
var most = [classes]int{
	byAdmin: 20_000, keysIssued: 20_000, changes: 100_000, refusals: 10_000, strangers: 2_000, selfMade: 50_000,
}

// An owner is what a record counts for: a project, an operator or, if both are
// "", the admin and requests without a key.
type owner struct{ project, operator string }

// classify returns the class and the owner of a record. They depend only on
// what is saved, so that they are the same after a restart.
func (r *Record) classify() (class, owner) {
	whose := owner{project: r.Project}
	if r.Project == "" && !r.Admin {
		whose.operator = r.User
	}
	unknown := r.User == "" && r.Project == "" && !r.Admin
	switch {
	case r.Outcome == Self:
		return selfMade, whose
	case r.Outcome == Refused && (unknown || r.Status == http.StatusUnauthorized || r.Action == KeyIssued):
		return strangers, owner{} // whom it names is only what it claims
	case r.Outcome == Refused && r.Admin:
		return refusals, owner{}
	case r.Outcome == Refused:
		return refusals, whose
	case r.Admin:
		return byAdmin, owner{}
	case r.Action == KeyIssued:
		return keysIssued, whose
	}
	return changes, whose
}

// A section holds the numbers of the records of one class. When it is full the
// owner with the most loses the oldest of them: an owner that adds more than
// others pushes out its own, and of n owners each keeps an n-th of the section
// at least.
type section struct {
	most, total int
	byOwner     map[owner]*share
	order       byFill
}

// A share holds the records of one owner in a section.
type share struct {
	owner  owner
	seqs   []uint64      // ascending
	limit  *rate.Limiter // of refusals
	missed int           // refusals since the last one that was recorded
	index  int           // in the section's order
}

func newSections() (sections [classes]*section) {
	for c := range sections {
		sections[c] = &section{most: most[c], byOwner: map[owner]*share{}}
	}
	return sections
}

// ownedBy returns what the owner has.
func (r *section) ownedBy(o owner) *share {
	s := r.byOwner[o]
	if s == nil {
		s = &share{owner: o, limit: rate.NewLimiter(refusedRate, refusedBurst)}
		r.byOwner[o] = s
		heap.Push(&r.order, s)
	}
	return s
}

// put adds a record in the order of the numbers.
func (r *section) put(o owner, seq uint64) {
	s := r.ownedBy(o)
	i, _ := slices.BinarySearch(s.seqs, seq)
	s.seqs = slices.Insert(s.seqs, i, seq)
	r.total++
	heap.Fix(&r.order, s.index)
}

// drop removes a record, and an owner that has no other.
func (r *section) drop(o owner, seq uint64) {
	s := r.ownedBy(o)
	i, ok := slices.BinarySearch(s.seqs, seq)
	switch {
	case ok && i == 0:
		s.seqs = s.seqs[1:] // the usual case; nothing is moved
		r.total--
	case ok:
		s.seqs = slices.Delete(s.seqs, i, i+1)
		r.total--
	}
	if len(s.seqs) == 0 && s.missed == 0 {
		delete(r.byOwner, o)
		heap.Remove(&r.order, s.index)
		return
	}
	heap.Fix(&r.order, s.index)
}

// excess returns the record that has to go and its owner; ok is false while
// the section is not over its limit.
func (r *section) excess() (o owner, seq uint64, ok bool) {
	if r.total <= r.most {
		return owner{}, 0, false
	}
	fullest := r.order[0]
	return fullest.owner, fullest.seqs[0], true
}

// byFill is a heap with the fullest owner on top; of equals the one that has
// the oldest record.
type byFill []*share

// Len returns how many records are kept.
func (b byFill) Len() int { return len(b) }

// Less implements [heap.Interface].
func (b byFill) Less(i, j int) bool {
	x, y := b[i].seqs, b[j].seqs
	return len(x) > len(y) || len(x) == len(y) && len(x) > 0 && x[0] < y[0]
}

// Swap implements [heap.Interface].
func (b byFill) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].index, b[j].index = i, j
}

// Push implements [heap.Interface].
func (b *byFill) Push(x any) {
	s := x.(*share)
	s.index = len(*b)
	*b = append(*b, s)
}

// Pop implements [heap.Interface].
func (b *byFill) Pop() any {
	last := len(*b) - 1
	s := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return s
}
