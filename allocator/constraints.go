package allocator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
)

// The bounds of constraints.
const (
	MaxAvoid   = 64
	MaxInclude = path.MaxInclude
	MaxHops    = 4096
	MaxLatency = 10 * time.Second
)

// Elements is a set of switches and of cables between them: the text of each,
// see [path.Element], in order, with commas between. It can be compared.
type Elements string

// ElementsOf returns a set of elements.
func ElementsOf(list ...path.Element) Elements {
	var names []string
	for _, e := range list {
		names = append(names, e.String())
	}
	slices.Sort(names)
	return Elements(strings.Join(slices.Compact(names), ","))
}

// Names returns the elements as text; nil if there are none.
func (e Elements) Names() []string {
	if e == "" {
		return nil
	}
	return strings.Split(string(e), ",")
}

// list returns the elements. The set is one that was checked.
func (e Elements) list() (list []path.Element) {
	for _, name := range e.Names() {
		one, _ := path.ParseElement(name)
		list = append(list, one)
	}
	return list
}

// Constraints say which paths an allocation may have. The zero value of a field
// is none.
type Constraints struct {
	Include      Elements      `json:"include,omitempty"`       // its path crosses all of these, in any order
	Avoid        Elements      `json:"avoid,omitempty"`         // and none of these
	DisjointFrom string        `json:"disjoint_from,omitempty"` // ID of another allocation of the project, with whose path it has no cable between switches in common
	MaxHops      int           `json:"max_hops,omitempty"`      // switches on its path
	MaxLatency   time.Duration `json:"max_latency,omitempty"`   // of its path, by the latencies that are configured
}

// check checks the constraints by themselves.
func (c *Constraints) check() *Error {
	for _, x := range []struct {
		field string
		set   Elements
		most  int
	}{{"include", c.Include, MaxInclude}, {"avoid", c.Avoid, MaxAvoid}} {
		names := x.set.Names()
		if len(names) > x.most {
			return invalid(x.field, "names %d switches and links; the most is %d", len(names), x.most)
		}
		for _, name := range names {
			if _, err := path.ParseElement(name); err != nil {
				return invalid(x.field, "%q is neither a switch nor a link between switches; write 0000000000000001, or 0000000000000001:3->0000000000000002:1", name)
			}
			if x.field == "avoid" && slices.Contains(c.Include.Names(), name) {
				return invalid(x.field, "%s is in include as well; say either", name)
			}
		}
	}
	switch {
	case c.MaxHops < 0, c.MaxHops > MaxHops:
		return invalid("max_hops", "must be from 1 to %d", MaxHops)
	case c.MaxLatency < 0, c.MaxLatency > MaxLatency:
		return invalid("max_latency", "must be from 1 us to %s", MaxLatency)
	}
	return nil
}

// withConstraints applies what a change says of constraints and protection.
func (r *Request) withConstraints(c Change) *Error {
	was := r.Constraints
	if c.Protected != nil {
		r.Protected = *c.Protected
	}
	for _, x := range []struct{ to, from *Elements }{{&r.Include, c.Include}, {&r.Avoid, c.Avoid}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	if c.DisjointFrom != nil {
		r.DisjointFrom = *c.DisjointFrom
	}
	if c.MaxHops != nil {
		r.MaxHops = *c.MaxHops
	}
	if c.MaxLatency != nil {
		r.MaxLatency = *c.MaxLatency
	}
	if r.Constraints == was {
		return nil
	}
	return r.Constraints.check()
}

// loosening returns the constraints that were there before if nothing but that
// some are left out is different; else c.
func (c Constraints) loosening(before Constraints) Constraints {
	for _, x := range c.each() {
		if was := before.each(); !slices.ContainsFunc(was, func(o constraint) bool { return o.alone == x.alone }) {
			return c
		}
	}
	return before
}

// checkApartLocked refuses a request that is to be disjoint from what its
// project does not have. was is what it changes, nil if it is new: what that
// was disjoint from may be complete by now.
func (a *Allocator) checkApartLocked(r *Request, was *record) *Error {
	switch {
	case r.DisjointFrom == "":
		return nil
	case was == nil:
	case r.DisjointFrom == was.ID:
		return invalid("disjoint_from", "no path is disjoint from itself; name another allocation")
	case r.DisjointFrom == was.DisjointFrom && r.ProjectID == was.ProjectID:
		return nil
	}
	other := a.findLocked(r.DisjointFrom)
	if other == nil || !other.live() || other.project() != r.ProjectID {
		return invalid("disjoint_from", "project %s has no allocation %q that is pending or active", r.ProjectID, r.DisjointFrom)
	}
	return nil
}

// confines returns what a request's constraints mean for paths as the network
// and the other allocations are now; nil if there are none.
func (pl planner) confines(r *Request) *path.Constraints {
	c, barred := &r.Constraints, maskless(pl.snapshot, r.Key)
	if *c == (Constraints{}) && !r.Protected && len(pl.spared) == 0 && len(barred) == 0 {
		return nil
	}
	out := &path.Constraints{Include: c.Include.list(), Avoid: c.Avoid.list(), MaxHops: c.MaxHops, MaxLatency: c.MaxLatency, Protected: r.Protected}
	for _, dpid := range barred {
		out.Avoid = append(out.Avoid, path.Element{Switch: dpid})
	}
	if c.DisjointFrom != "" {
		out.Apart = pl.pathsOf(c.DisjointFrom)
	}
	out.Apart = append(out.Apart, pl.spared...)
	return out
}

// pathsOfLocked returns the path that a live allocation has or is about to
// have, and its backup, as far as there are any.
func (a *Allocator) pathsOfLocked(id string) (list []path.Path) {
	it := a.findLocked(id)
	var p, backup path.Path
	switch {
	case it == nil || it.scavenges() || it.deleted || it.busy != nil && (it.next == nil || it.next.State == Complete):
	case it.next != nil:
		p, backup = it.next.Path, it.next.Backup
	default:
		p, backup = it.path(), it.backup
	}
	for _, p := range [...]path.Path{p, backup} {
		if len(p) > 0 {
			list = append(list, p)
		}
	}
	return list
}

// followLocked brings the index of what is to be disjoint from others in line
// with an item's committed state, and has those looked at that are to be
// disjoint from it if its path has become another one; old is what the state
// was before.
func (a *Allocator) followLocked(it *item, old *record) {
	name := ""
	if it.live() {
		name = it.rare.constraints.DisjointFrom
	}
	if was := old.DisjointFrom; was != name && a.followers[was][it] {
		if delete(a.followers[was], it); len(a.followers[was]) == 0 {
			delete(a.followers, was)
		}
	}
	if name != "" {
		a.registerLocked(it)
	}
	if list := a.followers[old.ID]; len(list) > 0 && (!it.live() || !old.Path.Equal(it.path()) || !old.Backup.Equal(it.backup)) {
		for other := range list {
			a.lookLocked(other)
		}
	}
}

// sparingLocked returns the planners to be asked for a path of an item, in this
// order: one that spares the paths of those that are to be disjoint from it, if
// there are any, and one that does not. Where only the second one finds
// something, those are moved then, as far as they can be.
func (a *Allocator) sparingLocked(pl planner, it *item) []planner {
	sparing := pl
	for other := range a.followers[it.id()] {
		sparing.spared = append(sparing.spared, a.pathsOfLocked(other.id())...)
	}
	if len(sparing.spared) == 0 {
		return []planner{pl}
	}
	return []planner{sparing, pl}
}

// registerLocked puts an item that is to be disjoint from another on the index.
func (a *Allocator) registerLocked(it *item) {
	name := it.rare.constraints.DisjointFrom
	if a.followers[name] == nil {
		a.followers[name] = map[*item]bool{}
	}
	a.followers[name][it] = true
}

// lookAtConfinedLocked has looked at what has constraints, which the network
// may not meet any more since an earlier run.
func (a *Allocator) lookAtConfinedLocked() {
	for it := range a.all.after(0) {
		if it.rare.constraints != (Constraints{}) && it.live() {
			a.lookLocked(it)
		}
	}
}

// strayLocked returns which constraint the path of an allocation does not meet
// as the network is now, in words for the user; "" if it meets all.
func (a *Allocator) strayLocked(s *topology.Snapshot, c *Allocation) string {
	if dpid, is := masklessOn(s, c.Key, c.Path); is {
		return masklessReason(dpid, c.Key)
	}
	if c.Constraints == (Constraints{}) || len(c.Path) == 0 || c.Swapped {
		return "" // a backup need not include anything
	}
	pl := planner{pathsOf: a.pathsOfLocked}
	if pl.confines(&c.Request).Met(s, c.Path) {
		return ""
	}
	for _, x := range c.Constraints.each() {
		if pl.confines(&Request{Constraints: x.alone}).Met(s, c.Path) {
			continue
		}
		for _, other := range a.pathsOfLocked(x.alone.DisjointFrom) {
			if cable, shared := c.Path.Shares(other); shared {
				return fmt.Sprintf("shares link %s with allocation %s until there is another path", cable, c.DisjointFrom)
			}
		}
		return fmt.Sprintf("does not meet %s until there is another path", x.field)
	}
	return ""
}

// onlyStrayLocked reports whether nothing is wrong with a path but that it does
// not meet constraints.
func (a *Allocator) onlyStrayLocked(c *record) bool {
	_, alive := path.Alive(a.seen, c.Path)
	return alive && path.Elsewhere(a.seen, c.Key, c.Path) == "" && a.strayLocked(a.seen, &c.Allocation) != ""
}

// onlySharesLocked reports whether nothing is wrong with the paths of an
// allocation but that they share links with the one from which it is to be
// disjoint. It keeps its window then: it was there before that one came there.
func (a *Allocator) onlySharesLocked(c *record) bool {
	if c.DisjointFrom == "" || !a.onlyStrayLocked(c) {
		return false
	}
	alone := c.Allocation
	alone.DisjointFrom = ""
	_, backed := path.Alive(a.seen, c.Backup)
	return a.strayLocked(a.seen, &alone) == "" && (backed || len(c.Backup) == 0)
}

// A constraint is one of the constraints of a request.
type constraint struct {
	field string      // API name
	alone Constraints // only this one
	rest  Constraints // all but this one
}

// each returns the constraints that there are, one by one.
func (c Constraints) each() (out []constraint) {
	for _, x := range []struct {
		field string
		take  func(to, from *Constraints)
	}{
		{"include", func(to, from *Constraints) { to.Include = from.Include }},
		{"avoid", func(to, from *Constraints) { to.Avoid = from.Avoid }},
		{"disjoint_from", func(to, from *Constraints) { to.DisjointFrom = from.DisjointFrom }},
		{"max_hops", func(to, from *Constraints) { to.MaxHops = from.MaxHops }},
		{"max_latency", func(to, from *Constraints) { to.MaxLatency = from.MaxLatency }},
	} {
		one := constraint{field: x.field, rest: c}
		x.take(&one.alone, &c)
		if one.alone != (Constraints{}) {
			x.take(&one.rest, &Constraints{})
			out = append(out, one)
		}
	}
	return out
}
