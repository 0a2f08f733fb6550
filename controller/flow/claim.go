package flow

import "conga/openflow"

// claimant is a circuit that wants an entry. Where several want the same they
// are a list, the one that has it first.
type claimant struct {
	member *member
	rule   *Rule
	next   *claimant
}

// replaceRules has a circuit claim other entries than before.
func (s *site) replaceRules(m *member, old, now *part, p Patch) {
	if len(old.rules) == 0 && s.claimRules(m, now) {
		for _, r := range now.rules {
			p.Rules[r.Key()] = r
		}
		return
	}
	var room [16]claimed
	list := room[:0]
	at := func(r *Rule) *claimed {
		k := r.Key()
		for i := range list {
			if list[i].key == k {
				return &list[i]
			}
		}
		c := s.claims[k]
		list = append(list, claimed{key: k, was: c, before: c.winner(), is: c})
		return &list[len(list)-1]
	}
	for _, r := range old.rules {
		c := at(r)
		c.is = c.is.without(m)
	}
	for _, r := range now.rules {
		c := at(r)
		c.is = c.is.with(m, r)
	}
	for i := range list {
		s.settleClaim(&list[i], p)
	}
}

// claimed is an entry whose claimants change: the first of them before and
// after that, and the rule that was wanted before.
type claimed struct {
	key     openflow.EntryKey
	was, is *claimant
	before  *Rule
}

// settleClaim stores the claimants of an entry, and adds the entry to p if
// another of them has it now.
func (s *site) settleClaim(c *claimed, p Patch) {
	switch {
	case c.is == nil:
		delete(s.claims, c.key)
	case c.is != c.was:
		s.claims[c.key] = c.is
	}
	rule := c.is.winner()
	if rule == c.before || rule != nil && c.before != nil && rule.Equal(c.before) {
		return
	}
	p.Rules[c.key] = rule
}

// claimRules claims the rules of a circuit that had none, if no other claims
// any of them, and reports whether it has.
func (s *site) claimRules(m *member, now *part) bool {
	list := make([]claimant, len(now.rules))
	for i, r := range now.rules {
		k := r.Key()
		if s.claims[k] == nil {
			list[i] = claimant{member: m, rule: r}
			s.claims[k] = &list[i]
			continue
		}
		for _, r := range now.rules[:i] {
			delete(s.claims, r.Key())
		}
		return false
	}
	return true
}

func (c *claimant) winner() *Rule {
	if c == nil {
		return nil
	}
	return c.rule
}

// without returns the list without a circuit.
func (c *claimant) without(m *member) *claimant {
	if c == nil {
		return nil
	}
	if c.next = c.next.without(m); c.member == m {
		return c.next
	}
	return c
}

// with returns the list with one more, behind those that precede it.
func (c *claimant) with(m *member, r *Rule) *claimant {
	if c == nil || m.handle < c.member.handle {
		return &claimant{m, r, c}
	}
	c.next = c.next.with(m, r)
	return c
}
