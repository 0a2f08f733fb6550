package allocator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"conga/allocator/store"
	"conga/controller/path"
	"conga/controller/topology"
)

// A Fate is what becomes of an allocation because of a maintenance.
type Fate string

// The fates.
const (
	FateMoves     Fate = "moves"     // it gets another path before the maintenance begins
	FatePostponed Fate = "postponed" // it gets another window, since none was asked for
	FateStays     Fate = "stays"     // no way leads beside what is under maintenance
	FateYields    Fate = "yields"    // a scavenger, which gives up its path, and has another one if there is room then
)

// An Outcome is what a maintenance means for an allocation over it.
type Outcome struct {
	Allocation Allocation // as it is before
	Fate       Fate
	Moves      []Move // one after the other, with FateMoves
	Window     Window // that it is to have
	Path       path.Path
	Reason     string // why it stays
}

// A Move is another path that an allocation has from a moment on.
type Move struct {
	At   Seconds // UNIX seconds
	Path path.Path
}

// Maintain enters a maintenance and plans anew, in the same transaction, what
// it concerns: outcomes says what becomes of each allocation whose path it
// closes. What has not begun moves at once in the plan, what is active moves
// [Config.DrainLead] before the start, and holds what it needs for that. With
// rehearse nothing is changed, and outcomes is what would come of it. Only the
// element, the window, whose moments may be [FromNow], and the note of m count.
//
// Errors are of type *[Error]: Invalid with the Field at fault, Denied if there
// are too many, Internal if the store failed, in which case nothing was
// changed.
func (a *Allocator) Maintain(ctx context.Context, m Maintenance, rehearse bool, along ...AlongMaintenance) (Maintenance, []Outcome, error) {
	const op = "maintain"
	plan, err := a.beginMaintenance(ctx, m, rehearse)
	if err != nil {
		return Maintenance{}, nil, err.in(op)
	}
	if rehearse {
		return plan.Maintenance, plan.outcomes, nil
	}
	if err := a.saveRepair(plan, along); err != nil {
		a.mu.Lock()
		delete(a.repairs.byID, plan.ID)
		a.reopenedLocked(a.now())
		a.mu.Unlock()
		return Maintenance{}, nil, err.in(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.repairs.byID[plan.ID]; r != nil {
		r.phase = r.Phase(a.now())
		a.publishLocked(&r.Maintenance, PhasePlanned, plan.outcomes)
		if r.phase == PhaseBegun {
			a.publishLocked(&r.Maintenance, PhaseBegun, plan.outcomes)
		}
	}
	a.signal()
	return plan.Maintenance, plan.outcomes, nil
}

// An AlongMaintenance makes records that are saved in the same transaction as a
// maintenance; outcomes are those of a new one. An error refuses the change. It
// runs without the allocator's lock, and may keep nothing of what it is given.
type AlongMaintenance func(m Maintenance, outcomes []Outcome) ([]store.Op, error)

// saveRepair saves a maintenance and the changes of items that go with it.
func (a *Allocator) saveRepair(plan rehearsed, along []AlongMaintenance) *Error {
	one, err := recordOf(&plan.Maintenance)
	ops := []store.Op{one}
	for _, f := range along {
		if err != nil {
			break
		}
		var more []store.Op
		more, err = f(plan.Maintenance, plan.outcomes)
		ops = append(ops, more...)
	}
	return a.commitWith(ops, err, plan.changed...)
}

// A rehearsed is a maintenance and what it makes of allocations.
type rehearsed struct {
	Maintenance
	outcomes []Outcome
	changed  []*item // of which a change is under way
}

// beginMaintenance decides what a maintenance means for each allocation that it
// concerns, and begins the changes; with rehearse it takes all back. It waits
// for changes of these that are under way.
func (a *Allocator) beginMaintenance(ctx context.Context, m Maintenance, rehearse bool) (plan rehearsed, _ *Error) {
	for {
		a.mu.Lock()
		busy, plan, err := a.tryMaintenanceLocked(m, rehearse)
		a.mu.Unlock()
		if busy == nil {
			return plan, err
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return plan, &Error{Kind: Internal, Err: ctx.Err()}
		}
	}
}

// tryMaintenanceLocked does what beginMaintenance does, or returns what has to
// be waited for first.
func (a *Allocator) tryMaintenanceLocked(m Maintenance, rehearse bool) (busy <-chan struct{}, plan rehearsed, err *Error) {
	a.observeLocked()
	now := a.now()
	if err := a.checkMaintenanceLocked(&m, now); err != nil {
		return nil, plan, err
	}
	list := a.crossingLocked(m.Element)
	for _, it := range list {
		if it.busy != nil {
			return it.busy, plan, nil
		}
	}
	if m.ID, m.Created, m.Ended, m.Projects = a.newRepairIDLocked(), now, 0, nil; m.ID == "" {
		return nil, plan, &Error{Kind: Internal, Err: errors.New("no new ID could be made")}
	}
	had := make([][]stage, len(list))
	for i, it := range list {
		had[i] = it.stages
	}
	plan.Maintenance = m
	a.repairs.byID[m.ID] = &repair{Maintenance: m}
	a.closeLocked(now)
	plan.decideLocked(a, list, now)
	if !rehearse {
		return nil, plan, nil
	}
	for _, it := range slices.Backward(plan.changed) {
		a.finishLocked(it, false)
	}
	delete(a.repairs.byID, m.ID)
	a.closeLocked(now)
	for i, it := range list {
		a.setStagesLocked(it, had[i])
		a.lookLocked(it) // it may wait for other things now
	}
	plan.changed, plan.ID = nil, ""
	return nil, plan, nil
}

// decideLocked plans items anew, in this order, and begins their changes.
func (plan *rehearsed) decideLocked(a *Allocator, list []*item, now Seconds) {
	concerned := a.concernedLocked(&plan.Maintenance)
	before := make([]Allocation, len(concerned))
	for i, it := range concerned {
		before[i] = it.view()
	}
	for _, it := range list {
		if it.scavenges() {
			continue
		}
		if next := a.reconsiderLocked(it, now); next != nil {
			a.beginLocked(it, next)
			plan.changed = append(plan.changed, it)
		}
	}
	for i, it := range concerned {
		plan.outcomes = append(plan.outcomes, a.outcomeLocked(it, before[i]))
		plan.Projects = append(plan.Projects, before[i].ProjectID)
	}
	slices.Sort(plan.Projects)
	plan.Projects = slices.Compact(plan.Projects)
	a.repairs.byID[plan.ID].Projects = plan.Projects
}

// newRepairIDLocked returns an ID that no maintenance has; "" if NewID keeps
// returning those that are taken.
func (a *Allocator) newRepairIDLocked() string {
	for range 8 {
		if id := a.cfg.NewID(); a.repairs.byID[id] == nil {
			return id
		}
	}
	return ""
}

// checkMaintenanceLocked checks a maintenance. A start that is over is now.
func (a *Allocator) checkMaintenanceLocked(m *Maintenance, now Seconds) *Error {
	field := "switch"
	if m.Element.Cable != (topology.LinkID{}) {
		field = "link"
	}
	m.Window = Window{momentOf(m.Window.Start, now), momentOf(m.Window.End, now)}
	switch {
	case m.Window.Start < now-startSlack:
		return invalid("start_time", "%s is in the past; leave it out for now", clock(m.Window.Start))
	case m.Window.Start > now+MaxAhead:
		return invalid("start_time", "%s is more than two years ahead", clock(m.Window.Start))
	case m.Window.End <= max(now, m.Window.Start):
		return invalid("end_time", "%s is not after its start, or over", clock(m.Window.End))
	case m.Window.End-m.Window.Start > MaxDuration:
		return invalid("end_time", "it would last more than %d seconds, the most there is", int64(MaxDuration))
	case len(m.Note) > MaxNote:
		return invalid("note", "has %d bytes; the most is %d", len(m.Note), MaxNote)
	case strings.ContainsFunc(m.Note, unicode.IsControl):
		return invalid("note", "has a character that cannot be printed, or several lines")
	case !a.knowsLocked(m.Element):
		return invalid(field, "there is no %s %s in the network", field, m.Element)
	}
	n := 0
	for _, r := range a.repairs.byID {
		if r.Phase(now) != PhaseEnded {
			n++
		}
	}
	if n >= MaxMaintenances {
		return &Error{Kind: Denied, Err: fmt.Errorf("there are %d maintenances, the most there can be; end one first", n)}
	}
	m.Window.Start = max(m.Window.Start, now)
	return nil
}

// knowsLocked reports whether a switch or a link is in the network, or paths
// use it.
func (a *Allocator) knowsLocked(e path.Element) bool {
	if e.Cable == (topology.LinkID{}) {
		_, ok := a.seen.Switches[e.Switch]
		return ok
	}
	for _, id := range [...]topology.LinkID{e.Cable, e.Cable.Reverse()} {
		if _, ok := a.seen.Link(id); ok {
			return true
		}
	}
	return a.cables.byID[cableOf(e.Cable)] != nil
}

// concernedLocked returns the items whose paths a maintenance closes during
// what is left of their windows.
func (a *Allocator) concernedLocked(m *Maintenance) (list []*item) {
	now, w := a.now(), Window{m.Window.Start, m.end()}
	cables := a.cablesOfLocked(m.Element)
	for _, it := range a.crossingLocked(m.Element) {
		c := it.record()
		rest := c.rest(now)
		uses := slices.ContainsFunc(cables, func(c *cable) bool { return c.uses(it) }) && (c.scavenges() || rest.Overlaps(w))
		uses = uses || slices.ContainsFunc(it.stages, func(l stage) bool { return l.window.Overlaps(w) && crosses(m.Element, l.links()) })
		if uses && c.Window != (Window{}) {
			list = append(list, it)
		}
	}
	return list
}

// crosses reports whether one of some links is, or ends at, an element.
func crosses(e path.Element, links []topology.LinkID) bool {
	return slices.ContainsFunc(links, func(id topology.LinkID) bool {
		if e.Cable != (topology.LinkID{}) {
			return cableOf(id) == cableOf(e.Cable)
		}
		return id.From != topology.External && id.From.DPID == e.Switch || id.To != topology.External && id.To.DPID == e.Switch
	})
}

// outcomesLocked returns what becomes of items as things are.
func (a *Allocator) outcomesLocked(list []*item) (out []Outcome) {
	for _, it := range list {
		out = append(out, a.outcomeLocked(it, it.view()))
	}
	return out
}

// outcomeLocked returns what becomes of an item, which was as before says, and
// of which a change may be under way.
func (a *Allocator) outcomeLocked(it *item, before Allocation) Outcome {
	c := it.record()
	if it.next != nil {
		c = it.next
	}
	now := a.now()
	out := Outcome{Allocation: before, Window: c.Window, Path: slices.Clone(c.Path)}
	switch {
	case c.scavenges():
		out.Fate = FateYields
		return out
	case c.Window != before.Window:
		out.Fate = FatePostponed
	case !c.Path.Equal(before.Path) || !c.Backup.Equal(before.Backup) || len(it.stages) > 0:
		out.Fate = FateMoves
	default:
		out.Fate = FateStays
		out.Reason = a.calendars.room.why(path.LinksOf(c.Path, c.Backup), c.rest(now))
	}
	if !c.Path.Equal(before.Path) || !c.Backup.Equal(before.Backup) {
		out.Moves = append(out.Moves, Move{max(now, c.Window.Start), slices.Clone(c.Path)})
	}
	for _, l := range it.stages {
		out.Moves = append(out.Moves, Move{l.window.Start, slices.Clone(l.path)})
	}
	return out
}

// EndMaintenance ends a maintenance now, whether it has begun or not. What was
// to move for it stays, and what has moved does, too. What along makes is saved
// in the same transaction.
//
// Errors are of type *[Error]: NotFound, Conflict if it has ended, Internal if
// the store failed.
func (a *Allocator) EndMaintenance(ctx context.Context, id string, along ...AlongMaintenance) (Maintenance, error) {
	const op = "end maintenance"
	if err := ctx.Err(); err != nil {
		return Maintenance{}, &Error{Op: op, Kind: Internal, Err: err}
	}
	m, err := a.Maintenance(id)
	if err != nil {
		return Maintenance{}, err
	}
	if m.Phase(a.now()) == PhaseEnded {
		return Maintenance{}, &Error{Op: op, Kind: Conflict, Err: fmt.Errorf("maintenance %q has ended at %s", id, clock(m.end()))}
	}
	m.Ended = a.now()
	if err := a.saveRepair(rehearsed{Maintenance: m}, along); err != nil {
		return Maintenance{}, err.in(op)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.repairs.byID[id]; r != nil && r.Ended == 0 {
		r.Maintenance = m
	}
	a.repairsDueLocked(a.nowNanos())
	a.signal()
	return m, nil
}
