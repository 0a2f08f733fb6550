package flow

import "conga/openflow"

// siteGroup is a group that is wanted, and how many circuits want it.
type siteGroup struct {
	Group
	circuits int
}

// replaceGroups has a circuit want other groups than before.
func (s *site) replaceGroups(old, now []openflow.GroupID, p Patch) {
	for _, id := range now {
		g := s.groups[id]
		if g == nil {
			g = &siteGroup{Group: s.view.bucketsOf(id)}
			s.groups[id] = g
			p.Groups[id] = new(g.Group)
		}
		g.circuits++
	}
	for _, id := range old {
		if g := s.groups[id]; g.circuits > 1 {
			g.circuits--
		} else {
			delete(s.groups, id)
			p.Groups[id] = nil
		}
	}
}

// regroup makes the groups again, where the queues of ports may be others.
func (s *site) regroup(p Patch) {
	for id, g := range s.groups {
		if now := s.view.bucketsOf(id); now != g.Group {
			g.Group = now
			p.Groups[id] = new(now)
		}
	}
}
