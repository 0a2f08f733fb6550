package allocator

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unique"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// floorOf returns the least rate that a scavenger has if it has any.
func (a *Allocator) floorOf(r *Request) bitrate.Rate { return max(1, a.cfg.Least, r.MinBandwidth) }

// returned is how the reasons begin of scavengers that have lost their paths.
const returned = "returned to pending"

// A taker is a scavenger while what is spare is divided.
type taker struct {
	*record
	item   *item
	floor  bitrate.Rate
	of     []int  // the things that its path takes of; nil: it has no path
	lost   string // why it loses its path; "": it does not
	waits  string // why it gets none; "": nothing has been looked for
	frozen bool   // its path cannot be judged yet
	bars   bool   // it gets no other path for a while
	stays  bool   // its floor is there also after what is to begin soon
	now    portion
	later  portion
}

// thing is what several scavengers take of: a cable, or what their project may
// hold.
type thing struct {
	now, later int64 // what is left at the moment, and for as long as a grace
	projects   map[string]int
}

// A survey is one look at what is spare, and which scavengers have it. Each one
// that has a path keeps it as long as its floor is there, those that asked
// first before the others.
type survey struct {
	*Allocator
	pl         planner
	at         Seconds
	soon, late Window
	numbers    map[any]int // of things, by their cable or project
	things     []thing
	takers     []*taker
	newly      []path.FlowKey // traffic of those that get a path now
	unlimited  int64
}

// surveyLocked returns the survey as things are.
func (a *Allocator) surveyLocked(now Seconds) *survey {
	soon, grace := now+spareLead, Seconds(a.cfg.ScavengerGrace/time.Second)
	s := &survey{
		Allocator: a, pl: a.plannerLocked(), at: now, soon: Window{now, soon}, late: Window{now, soon + grace},
		numbers: map[any]int{}, unlimited: math.MaxInt64,
	}
	for _, it := range slices.SortedFunc(maps.Keys(a.spare.items), func(a, b *item) int { return cmp.Compare(a.asked(), b.asked()) }) {
		c := it.record()
		if it.next != nil {
			c = it.next
		}
		if it.busy != nil && it.next == nil || c.State == Complete || c.lapsed(now) || c.over(now) {
			continue // it is about to go
		}
		tk := &taker{record: c, item: it, floor: a.floorOf(&c.Request)}
		if s.takers = append(s.takers, tk); len(c.Path) > 0 {
			s.keep(tk)
			a.spare.search = a.spare.search || tk.lost != "" // others may have what it gives up
		}
	}
	return s
}

// keep looks whether a scavenger keeps the path that it has.
func (s *survey) keep(tk *taker) {
	switch {
	case s.faultyLocked(s.seen, tk.record):
		tk.lost = returned + ": " + s.faultLocked(tk.item, tk.record, s.at)
	case tk.missed(s.at):
		tk.lost = "its window passed before its path could be installed"
	case s.conflicts(tk, s.soon):
		tk.lost = returned + ": an allocation that reserves has this traffic"
	case s.unpoliced(tk):
		tk.lost, tk.bars = returned+": a switch at one of its ends has no meter any more that holds it to what is spare", true
	default:
		if _, alive := path.Alive(s.seen, tk.Path); !alive {
			tk.frozen = true
			return
		}
		if i := s.take(tk, tk.Path); i >= 0 {
			tk.lost = s.crowdedOut(tk, i)
		}
	}
}

// conflicts reports whether traffic is reserved in a window that a scavenger
// has, too, or fragments that it could take for its own.
func (s *survey) conflicts(tk *taker, w Window) bool {
	r := tk.Request
	r.Bandwidth = 0
	if s.calendars.keys.fragmentsTaken(ownedKeyOf(&r), w) {
		return true
	}
	return slices.ContainsFunc(s.calendars.conflicting(r), func(k ownedKey) bool { return s.calendars.keys.taken(k, w) })
}

// take has a scavenger's floor taken of all that a path takes of. If something
// does not have it nothing is taken, and its number is returned, else -1.
func (s *survey) take(tk *taker, p path.Path) int {
	of, floor, stays := s.thingsOf(tk, p), int64(tk.floor), true
	for _, i := range of {
		if s.things[i].now < floor {
			return i
		}
		stays = stays && s.things[i].later >= floor
	}
	tk.of, tk.stays = of, stays
	for _, i := range of {
		t := &s.things[i]
		if t.now -= floor; stays {
			t.later -= floor
		}
		t.projects[tk.ProjectID]++
	}
	return -1
}

// thingsOf returns the numbers of what a path takes of.
func (s *survey) thingsOf(tk *taker, p path.Path) (of []int) {
	for _, id := range p.Links() {
		of = append(of, s.cable(id))
	}
	if i := s.project(tk.ProjectID); i >= 0 {
		of = append(of, i)
	}
	return of
}

func (s *survey) number(key any, measure func(Window) int64) int {
	i, ok := s.numbers[key]
	if !ok {
		i = len(s.things)
		s.numbers[key] = i
		s.things = append(s.things, thing{measure(s.soon), measure(s.late), map[string]int{}})
	}
	return i
}

// cable returns the number of a link's cable, which has left what its narrower
// direction has.
func (s *survey) cable(id topology.LinkID) int {
	return s.number(cableOf(id), func(w Window) int64 {
		left := bitrate.Rate(s.unlimited)
		for _, id := range [...]topology.LinkID{id, id.Reverse()} {
			if l, ok := s.pl.snapshot.Link(id); ok {
				left = min(left, s.pl.free(l, w))
			}
		}
		return int64(left)
	})
}

// project returns the number of what a project may hold; -1 if that is any
// rate.
func (s *survey) project(id string) int {
	most := s.cfg.Limits(id).Bandwidth
	if most == nil {
		return -1
	}
	return s.number(id, func(w Window) int64 {
		limit := min(*most, bitrate.Rate(s.unlimited))
		return int64(limit - min(limit, s.calendars.projects.peak(id, w)))
	})
}

// crowdedOut returns why a thing does not have a scavenger's floor, in words
// for the user.
func (s *survey) crowdedOut(tk *taker, i int) string {
	hasty := ", at once"
	if tk.Reason != "" {
		hasty = "" // it was told before
	}
	for key, n := range s.numbers {
		if n == i {
			if id, ok := key.(topology.LinkID); ok && s.calendars.room.closed(id, s.late) {
				return returned + ": " + s.calendars.room.why([]topology.LinkID{id}, s.late)
			}
			return fmt.Sprintf(returned+"%s: %v does not have %s left for it beside what is reserved; it goes on when there is room", hasty, named{key}, tk.floor)
		}
	}
	return ""
}

// named prints a thing.
type named struct{ key any }

func (n named) String() string {
	if id, ok := n.key.(topology.LinkID); ok {
		return "link " + id.String()
	}
	return fmt.Sprintf("project %v", n.key)
}

// settle looks for paths for scavengers that have none.
func (s *survey) settle() {
	for _, tk := range s.takers {
		it := tk.item
		if len(tk.Path) > 0 {
			continue
		}
		if it.busy != nil || it.task || len(it.network) > 0 {
			s.spare.search = true // when that is over: it leaves a path first
			continue
		}
		if it.barred > s.nowNanos() {
			s.spare.search = true // when that is over
			continue
		} else if it.barred != 0 {
			it.own().barred = 0
		}
		var p path.Path
		if p, tk.waits = s.look(tk); len(p) == 0 {
			continue
		}
		next := *tk.record
		if next.Path, next.Reason = p, ""; !next.Started {
			next.Window = Window{s.at, s.at + next.Duration}
		}
		tk.record = &next
		s.take(tk, p)
		s.newly = append(s.newly, tk.Key)
	}
}

// look returns a path that has a scavenger's floor left for as long as a grace,
// the shortest that has all that it may take, or the one that has most; if
// there is none, the reason.
func (s *survey) look(tk *taker) (p path.Path, reason string) {
	from, to, _, unknown := tk.locate(s.pl.snapshot)
	switch {
	case unknown != "":
		return nil, unknown + "; " + plannedOnceKnown
	case from == to:
		return nil, fmt.Sprintf("%s and %s are both behind port %s now, so no switch carries the traffic between them", tk.Key.Src, tk.Key.Dst, from)
	case s.conflicts(tk, s.late):
		return nil, "waits until no allocation that reserves has this traffic"
	case s.scavenged(tk):
		return nil, "waits until no other scavenger has this traffic"
	}
	if at, ok := s.held(from, to); !ok {
		return nil, fmt.Sprintf("waits until switch %s, by which its traffic enters, has a meter that holds it to what is spare", at)
	}
	if i := s.project(tk.ProjectID); i >= 0 && min(s.things[i].now, s.things[i].later) < int64(tk.floor) {
		return nil, fmt.Sprintf("waits until project %s holds less of what it may", tk.ProjectID)
	}
	d := demand{Request: tk.Request, from: from, to: to}
	q := s.pl.over(d, func(l topology.Link) bitrate.Rate {
		t := s.things[s.cable(l.ID)]
		return bitrate.Rate(max(0, min(t.now, t.later)))
	})
	if q.Rate = tk.MaxBandwidth; q.Rate > 0 {
		if p, ok := s.pl.graph.Find(q); ok {
			return p, ""
		}
	}
	q.Rate = 0
	if p, wide, ok := s.pl.graph.Widest(q); ok && wide >= tk.floor {
		return p, ""
	}
	if strings.HasPrefix(tk.Reason, returned) {
		return nil, tk.Reason // which says more
	}
	return nil, fmt.Sprintf("waits until some path has %s left beside what is reserved", tk.floor)
}

// unpoliced reports whether a switch at an end does not hold a scavenger that
// has a path to its rate.
func (s *survey) unpoliced(tk *taker) bool {
	for _, h := range [...]path.Hop{tk.Path[0], tk.Path[len(tk.Path)-1]} {
		if sw := s.seen.Switches[h.DPID]; sw.Unmetered || sw.Unpoliced != 0 && tk.Handle >= sw.Unpoliced {
			return true
		}
	}
	return false
}

// held returns a switch at an end that would not hold a scavenger to its rate;
// ok is true if there is none.
func (s *survey) held(ends ...topology.PortID) (at openflow.DPID, ok bool) {
	for _, end := range ends {
		if sw := s.pl.snapshot.Switches[end.DPID]; sw.Unmetered || sw.Unpoliced != 0 {
			return end.DPID, false
		}
	}
	return 0, true
}

// scavenged reports whether another scavenger has traffic that this one has,
// too, or is given it now.
func (s *survey) scavenged(tk *taker) bool {
	if slices.ContainsFunc(s.newly, tk.Key.Conflicts) {
		return true
	}
	w := Window{s.at, s.at + 1}
	return slices.ContainsFunc(s.calendars.spare.conflicting(&tk.Request), func(k ownedKey) bool { return s.calendars.spare.keys.taken(k, w) })
}

// conflicting returns what scavengers have that blocks a request.
func (c *spareCalendars) conflicting(r *Request) []ownedKey {
	return c.keys.conflicting(ownedKeyOf(r), ownsNothing)
}

// ownsNothing reports whether a project owns an end, where none does.
func ownsNothing(unique.Handle[string], hosts) bool { return false }
