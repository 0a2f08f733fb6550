package connections

import (
	"fmt"

	"github.com/google/uuid"
)

// Query selects connections. The zero value selects all.
type Query struct {
	Project string // only this project's; "": all
	Flow    *Flow  // only those that this is about, in either direction
	After   int64  // reported at this UNIX second or later; 0: whenever
	Before  int64  // reported at this UNIX second or before; 0: whenever
}

// List returns the page of what the query selects, in order of arrival, that
// begins behind skip connections and holds most of them; most < 0: all. Total
// is how many the query selects. The connections must not be changed.
func (r *Registry) List(q Query, skip, most int) (page []*Connection, total int) {
	page = r.Cut(q, func(n int, _ func(i int) uint64) (first, last int) {
		total, first, last = n, min(skip, n), n
		if most >= 0 {
			last = min(first+most, n)
		}
		return first, last
	})
	return page, total
}

// Cut returns those of what the query selects, in order of arrival, that cut
// chooses: from the index first on to the one before last. cut is told how many
// there are, and may ask for the number of each, which ascend and stay the same
// for as long as a connection lives. It must not call r.
func (r *Registry) Cut(q Query, cut func(total int, number func(i int) uint64) (first, last int)) (page []*Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(r.cfg.Now())
	var all []*live
	if from := r.listLocked(q); from != nil {
		all = from.list
	}
	total, at := len(all), func(i int) *live { return all[i] }
	if q.Flow != nil || q.After != 0 || q.Before != 0 { // each has to be looked at
		var selected []int32 // not pointers, which the collector would look at
		for i, selects := 0, q.selector(); i < len(all); i++ {
			if selects(all[i].seen) {
				selected = append(selected, int32(i))
			}
		}
		total, at = len(selected), func(i int) *live { return all[selected[i]] }
	}
	first, last := cut(total, func(i int) uint64 { return at(i).seq })
	for i := first; i < last; i++ {
		page = append(page, at(i).seen)
	}
	return page
}

// listLocked returns the shortest list that holds all that the query selects.
func (r *Registry) listLocked(q Query) *arrivals {
	switch {
	case q.Flow != nil:
		return r.withinLocked(rangeOf(*q.Flow))
	case q.Project != "":
		return r.projects[q.Project]
	}
	return &r.all
}

// withinLocked returns the list of a pair, which may be everywhere.
func (r *Registry) withinLocked(p pair) *arrivals {
	if p == everywhere(p.project) {
		return r.projects[p.project]
	}
	return r.pairs[p]
}

// selector says of each connection of the list whether the query selects it.
//
// A connection counts as reported all the time from its first report to its
// last one.
func (q Query) selector() func(*Connection) bool {
	covers := func(*Connection) bool { return true }
	if q.Flow != nil {
		covers = func(c *Connection) bool { return q.Flow.Key.Covers(c.FlowKey()) }
	}
	return func(c *Connection) bool {
		return (q.Project == "" || c.Project == q.Project) &&
			(q.After == 0 || c.LastSeen >= q.After) && (q.Before == 0 || c.FirstSeen <= q.Before) && covers(c)
	}
}

// Get returns a live connection. The error is of type *[Error], NotFound. The
// connection must not be changed.
func (r *Registry) Get(id string) (*Connection, error) {
	parsed, err := uuid.Parse(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(r.cfg.Now())
	if e := r.byID[parsed]; err == nil && e != nil && parsed.String() == id { // other spellings name nothing
		return e.seen, nil
	}
	return nil, &Error{"get", NotFound, fmt.Errorf("there is no connection %q", id)}
}

// Count returns how many connections each flow's project has reported of it, in
// either direction.
func (r *Registry) Count(flows []Flow) []int {
	tallies := map[pair]*tally{}
	for _, f := range flows {
		p := rangeOf(f)
		if tallies[p] == nil {
			tallies[p] = newTally()
		}
		tallies[p].want(oriented(f.Key))
	}
	r.mu.Lock()
	r.expireLocked(r.cfg.Now())
	for p, t := range tallies {
		if found := r.withinLocked(p); found != nil {
			for _, e := range found.list {
				t.add(oriented(e.seen.FlowKey()))
			}
		}
	}
	r.mu.Unlock()
	counts := make([]int, len(flows))
	for i, f := range flows {
		counts[i] = tallies[rangeOf(f)].count[oriented(f.Key)]
	}
	return counts
}
