package flow

import (
	"cmp"
	"slices"

	"conga/openflow"
)

// contender is a circuit that wants an entry. Where several want the same it is
// the one that has it, and the others wait behind it. What is sent to one
// server shares entries, so they may be thousands.
type contender struct {
	bid
	others *[]bid // in order of precedence; nil: none
}

// bid is that a circuit wants an entry.
type bid struct {
	member *member
	rule   *Rule
}

// replaceRules has a circuit want other entries than before.
func (s *site) replaceRules(m *member, old, now *part, p Patch) {
	if len(old.rules) == 0 && s.enterRules(m, now) {
		for _, r := range now.rules {
			p.Rules[r.Key()] = r
		}
		return
	}
	var room [16]contested
	list := room[:0]
	at := func(r *Rule) *contested {
		k := r.Key()
		for i := range list {
			if list[i].key == k {
				return &list[i]
			}
		}
		c := s.contenders[k]
		list = append(list, contested{key: k, was: c, before: c.winner(), is: c})
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
		s.settleEntry(&list[i], p)
	}
}

// contested is an entry whose contenders change: the first of them before and
// after that, and the rule that was wanted before.
type contested struct {
	key     openflow.EntryKey
	was, is *contender
	before  *Rule
}

// settleEntry stores the contenders of an entry, and adds the entry to p if
// another of them has it now.
func (s *site) settleEntry(c *contested, p Patch) {
	switch {
	case c.is == nil:
		delete(s.contenders, c.key)
	case c.is != c.was:
		s.contenders[c.key] = c.is
	}
	rule := c.is.winner()
	if rule == c.before || rule != nil && c.before != nil && rule.Equal(c.before) {
		return
	}
	p.Rules[c.key] = rule
}

// enterRules enters the rules of a circuit that had none, if no other wants
// any of them, and reports whether it has.
func (s *site) enterRules(m *member, now *part) bool {
	list := make([]contender, len(now.rules))
	for i, r := range now.rules {
		k := r.Key()
		if s.contenders[k] == nil {
			list[i] = contender{bid: bid{m, r}}
			s.contenders[k] = &list[i]
			continue
		}
		for _, r := range now.rules[:i] {
			delete(s.contenders, r.Key())
		}
		return false
	}
	return true
}

func (c *contender) winner() *Rule {
	if c == nil {
		return nil
	}
	return c.rule
}

// without returns the contenders without a circuit; nil if none are left.
func (c *contender) without(m *member) *contender {
	if c == nil {
		return nil
	}
	if c.others != nil {
		*c.others = slices.DeleteFunc(*c.others, func(o bid) bool { return o.member == m })
	}
	if c.member == m {
		if c.others == nil || len(*c.others) == 0 {
			return nil
		}
		c.bid = (*c.others)[0]
		*c.others = slices.Delete(*c.others, 0, 1)
	}
	if c.others != nil && len(*c.others) == 0 {
		c.others = nil
	}
	return c
}

// with returns the contenders with one more, behind those that precede it.
func (c *contender) with(m *member, r *Rule) *contender {
	if c == nil {
		return &contender{bid: bid{m, r}}
	}
	if c.others == nil {
		c.others = &[]bid{}
	}
	if m.handle < c.member.handle {
		*c.others = slices.Insert(*c.others, 0, c.bid)
		c.bid = bid{m, r}
		return c
	}
	i, _ := slices.BinarySearchFunc(*c.others, m.handle, func(o bid, handle uint32) int {
		return cmp.Or(cmp.Compare(o.member.handle, handle), -1) // behind those that are as early
	})
	*c.others = slices.Insert(*c.others, i, bid{m, r})
	return c
}
