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
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked(r.cfg.Now())
	from := r.listLocked(q)
	total = from.len()
	if total == 0 {
		return nil, 0
	}
	if most < 0 {
		most = total
	}
	if q.Flow == nil && q.After == 0 && q.Before == 0 { // nothing to look at one by one
		first := min(skip, total)
		for _, e := range from.list[first:min(first+most, total)] {
			page = append(page, e.seen)
		}
		return page, total
	}
	total = 0
	selects := q.selector()
	for _, e := range from.list {
		if !selects(e.seen) {
			continue
		}
		if total >= skip && len(page) < most {
			page = append(page, e.seen)
		}
		total++
	}
	return page, total
}

// listLocked returns the shortest list that holds all that the query selects.
func (r *Registry) listLocked(q Query) *arrivals {
	switch {
	case q.Flow != nil:
		return r.pairs[pairOf(q.Flow.Project, q.Flow.Key)]
	case q.Project != "":
		return r.projects[q.Project]
	}
	return &r.all
}

// selector says of each connection of the list whether the query selects it.
//
// A connection counts as reported all the time from its first report to its
// last one.
func (q Query) selector() func(*Connection) bool {
	covers := func(*Connection) bool { return true }
	if q.Flow != nil {
		wide := oriented(q.Flow.Key)
		s := shapeOf(wide)
		covers = func(c *Connection) bool { return s.of(oriented(c.FlowKey())) == wide }
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
		p := pairOf(f.Project, f.Key)
		if tallies[p] == nil {
			tallies[p] = newTally()
		}
		tallies[p].want(oriented(f.Key))
	}
	r.mu.Lock()
	r.expireLocked(r.cfg.Now())
	for p, t := range tallies {
		if found := r.pairs[p]; found != nil {
			for _, e := range found.list {
				t.add(oriented(e.seen.FlowKey()))
			}
		}
	}
	r.mu.Unlock()
	counts := make([]int, len(flows))
	for i, f := range flows {
		counts[i] = tallies[pairOf(f.Project, f.Key)].count[oriented(f.Key)]
	}
	return counts
}
