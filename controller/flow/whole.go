package flow

import (
	"maps"
	"runtime"
	"slices"
	"sync"

	"conga/controller/topology"
	"conga/openflow"
)

// A Whole is all that a switch should hold. Its rules are a list, which costs
// less to make than a map.
type Whole struct {
	Rules  []*Rule // no two with the same key
	Meters map[openflow.MeterID]Meter
	Groups map[openflow.GroupID]Group
}

// Whole returns the state as a list.
func (s *State) Whole() Whole {
	w := Whole{Rules: make([]*Rule, 0, len(s.Rules)), Meters: s.Meters, Groups: s.Groups}
	for _, r := range s.Rules {
		w.Rules = append(w.Rules, r)
	}
	return w
}

// State returns the state that holds this.
func (w Whole) State() *State {
	s := &State{Rules: make(map[openflow.EntryKey]*Rule, len(w.Rules)), Meters: w.Meters, Groups: w.Groups}
	for _, r := range w.Rules {
		s.Rules[r.Key()] = r
	}
	return s
}

// Watch begins to keep the state of a switch, anew if it was kept already, and
// returns all of it.
func (w *Wanted) Watch(dpid openflow.DPID) Whole {
	w.settle()
	w.Unwatch(dpid)
	delete(w.away, dpid)
	s := newSite(dpid)
	w.sites[dpid] = s
	s.base = true
	p := NewPatch()
	w.refreshView(s, p)
	w.enrol(s)
	clear(s.members) // all are made below
	clear(s.policers)
	clear(s.ports)
	clear(s.stations)
	for no := range s.view.sw.Ports {
		if l, ok := w.snapshot.Links[topology.PortID{DPID: dpid, Port: no}]; ok {
			s.far[no] = l.ID.To.DPID
		}
	}
	members := w.passing[dpid]
	s.contenders = make(map[openflow.EntryKey]*contender, 2*len(members))
	s.makeParts(members, w.batch, func(m *member, now *part) {
		m.parts = append(m.parts, now)
		if !s.enterRules(m, now) {
			s.replaceRules(m, &part{}, now, p)
		}
		s.replaceMeters(m, nil, now.meters, p)
		s.replaceGroups(nil, now.groups, p)
	})
	all := Whole{
		Rules:  make([]*Rule, 0, len(s.rules)+len(s.contenders)+len(w.stations)+16),
		Meters: make(map[openflow.MeterID]Meter, len(p.Meters)),
		Groups: make(map[openflow.GroupID]Group, len(s.groups)),
	}
	for _, r := range s.rules {
		all.Rules = append(all.Rules, r)
	}
	for _, c := range s.contenders {
		all.Rules = append(all.Rules, c.rule)
	}
	all.Rules = w.appendHosts(all.Rules, s)
	for id, m := range p.Meters {
		if m != nil {
			all.Meters[id] = *m
		}
	}
	for id, g := range s.groups {
		all.Groups[id] = g.Group
	}
	return all
}

// manyParts is how many parts of a switch a goroutine makes at least.
const manyParts = 1000

// makeParts makes what circuits contribute to the switch, and calls enter with
// each. To make them is most of the work for a whole state, so processors share
// it, each at least so many: a part follows from its circuit and from what does
// not change meanwhile.
func (s *site) makeParts(members map[*member]bool, least int, enter func(*member, *part)) {
	if len(members) < 2*least {
		for m := range members {
			enter(m, s.makePart(s.view, m))
		}
		return
	}
	all := slices.Collect(maps.Keys(members))
	made := make([]*part, len(all))
	share := max(least, (len(all)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for from := 0; from < len(all); from += share {
		v := s.view.twin()
		workers.Go(func() {
			for i := from; i < min(from+share, len(all)); i++ {
				made[i] = s.makePart(v, all[i])
			}
		})
	}
	workers.Wait()
	for i, m := range all {
		enter(m, made[i])
	}
}

// appendHosts appends the rules about all hosts, as they are to be. What of
// them the switch holds [Wanted.Compared] says.
func (w *Wanted) appendHosts(rules []*Rule, s *site) []*Rule {
	for d, home := range w.homes {
		port, ok := w.routes.Next(s.dpid, d)
		for x := range home {
			if d == s.dpid {
				port, ok = x.at.Port, true
				rules = appendRule(rules, s.view.fromHost(x, port))
			}
			if x.beside.DPID == s.dpid {
				rules = appendRule(rules, s.view.beside(x))
			}
			if x.second.DPID == s.dpid {
				rules = appendRule(rules, s.view.fromSecond(x))
			}
			if !ok {
				continue
			}
			if r := s.view.toHost(x, port); r != nil {
				s.hop(x).port = port
				x.live++
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// appendRule appends a rule if there is one.
func appendRule(rules []*Rule, r *Rule) []*Rule {
	if r == nil {
		return rules
	}
	return append(rules, r)
}
