package allocator

import (
	"maps"
	"slices"

	"conga/controller/path"
)

// conflicting returns what is reserved and blocks c. With what shares a corner
// with c, c can be at the same time, if neither does so with too many.
func (b *keyCalendar) conflicting(c ownedKey, owns owning) (found []ownedKey) {
	pair := hostsOf(c.FlowKey)
	var corners []ownedKey
	about := b.about(c, pair)
	for x := range about {
		other := x.between(pair)
		if _, corner := c.Corner(other.FlowKey); corner && c.by.project == other.by.project {
			corners = append(corners, other)
		} else if c.blockedBy(other, owns) {
			found = append(found, other)
		}
	}
	for _, other := range corners {
		if len(corners) > path.MaxCorners || other.cornersIn(about) >= path.MaxCorners {
			found = append(found, other)
		}
	}
	for _, wider := range b.wide.meeting(pair) {
		for x := range b.about(c, wider) {
			if other := x.between(wider); c.blockedBy(other, owns) {
				found = append(found, other)
			}
		}
	}
	return found
}

// cornersIn returns with how many of some selectors a key shares a corner.
func (k ownedKey) cornersIn(about map[selector]bool) (n int) {
	for x := range about {
		other := x.between(hostsOf(k.FlowKey))
		if _, corner := k.Corner(other.FlowKey); corner && k.by.project == other.by.project {
			n++
		}
	}
	return n
}

// about returns the selectors of what is reserved between two hosts or
// prefixes, those of c or wider ones, but for such as have nothing to do with
// c.
func (b *keyCalendar) about(c ownedKey, between hosts) map[selector]bool {
	found := map[selector]bool{}
	t := b.between(between)
	if t.first.used {
		found[t.first.selector] = true
	}
	if t.more == nil {
		return found
	}
	for _, f := range t.more.few {
		found[f.selector] = true
	}
	only, own := selectorOf(c), between == hostsOf(c.FlowKey)
	if n := c.Specificity(); (n == 0 && own || n == 3 && (own || c.Proto == path.ProtoTCP)) && !only.hasSeveral() {
		// Only wider keys can block one that says all or nothing, and no
		// search is needed however many ports the two hosts use, but for those
		// that have several. Of wider prefixes, others may have its fragments.
		maps.Copy(found, t.more.several)
		for by := range t.more.by {
			for _, x := range only.wider(by) {
				if t.more.many[x] != nil {
					found[x] = true
				}
			}
		}
		return found
	}
	for x := range t.more.many {
		found[x] = true
	}
	return found
}

// fragmentsOwned reports whether another project has fragments reserved
// that are c's as well, and were not was's, of which c is a change.
func (b *keyCalendar) fragmentsOwned(c, was ownedKey) bool {
	pair := hostsOf(c.FlowKey)
	for _, h := range append(b.wide.meeting(pair), pair) {
		if b.fragmentsOwnedBetween(h, c, was) {
			return true
		}
	}
	return false
}

// fragmentsOwnedBetween reports whether what is reserved between two hosts or
// prefixes is in the way as fragmentsOwned has it.
func (b *keyCalendar) fragmentsOwnedBetween(between hosts, c, was ownedKey) bool {
	t := b.between(between)
	shared := func(x selector) bool {
		o := x.between(between)
		return c.sharesFragments(o) && !(hostsOf(was.FlowKey) == hostsOf(c.FlowKey) && was.sharesFragments(o))
	}
	if t.first.used && shared(t.first.selector) {
		return true
	}
	if t.more == nil {
		return false
	}
	for x := range t.more.many {
		if shared(x) {
			return true
		}
	}
	return slices.ContainsFunc(t.more.few, func(f flow) bool { return shared(f.selector) })
}

// fragmentsTaken reports whether another project has fragments reserved in a
// window that are c's as well.
func (b *keyCalendar) fragmentsTaken(c ownedKey, w Window) bool {
	if c.Proto == path.ProtoTCP || c.Specificity() == 0 {
		return false
	}
	pair := hostsOf(c.FlowKey)
	for _, between := range append(b.wide.meeting(pair), pair) {
		t := b.between(between)
		in := func(f flow) bool {
			return f.used && f.window().Overlaps(w) && c.sharesFragments(f.selector.between(between))
		}
		if in(t.first) || t.more != nil && (slices.ContainsFunc(t.more.few, in) || b.manyTaken(t.more, between, c, w)) {
			return true
		}
	}
	return false
}

// manyTaken reports whether some of what many allocations have between two
// hosts or prefixes is in the way as fragmentsTaken has it.
func (b *keyCalendar) manyTaken(more *flows, between hosts, c ownedKey, w Window) bool {
	for x := range more.many {
		if o := x.between(between); c.sharesFragments(o) && b.taken(o, w) {
			return true
		}
	}
	return false
}
