package allocator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"conga/allocator/store"
	"conga/controller/path"
	"conga/controller/topology"
)

// The bounds of maintenances.
const (
	MaxMaintenances = 1000 // that have not ended
	MaxNote         = 1000 // bytes of a note
)

// A Phase is where a maintenance is in its life.
type Phase string

// The phases.
const (
	PhasePlanned Phase = "planned" // its start is to come
	PhaseBegun   Phase = "begun"
	PhaseEnded   Phase = "ended" // its end has come, or it was ended by hand
)

// A Maintenance is a window in which nothing is planned over a switch, with all
// its ports, or over a link, in both directions.
type Maintenance struct {
	ID      string       `json:"id"`
	Element path.Element `json:"element"`
	Window  Window       `json:"window"` // as it was entered
	Note    string       `json:"note,omitempty"`
	Created Seconds      `json:"created"`         // UNIX seconds
	Ended   Seconds      `json:"ended,omitempty"` // UNIX seconds when it was ended by hand; 0: it was not

	// Projects are those of the allocations that were over it when it was
	// entered, in order. They are not changed.
	Projects []string `json:"projects,omitempty"`
}

// end returns when it is over: at the end of its window or when it was ended.
func (m *Maintenance) end() Seconds {
	if m.Ended != 0 {
		return min(m.Ended, m.Window.End)
	}
	return m.Window.End
}

// Phase returns where it is in its life at a moment.
func (m *Maintenance) Phase(now Seconds) Phase {
	switch {
	case m.end() <= now, m.Ended != 0: // also if the clock was set back since
		return PhaseEnded
	case m.Window.Start <= now:
		return PhaseBegun
	}
	return PhasePlanned
}

// MaintenanceChange is what a maintenance has come to: planned, begun or
// ended.
type MaintenanceChange struct {
	Maintenance Maintenance
	Phase       Phase
	Outcomes    []Outcome // of what it concerns; nil once it has ended
}

// repairs are the maintenances. The allocator's lock guards them.
type repairs struct {
	byID   map[string]*repair
	drains []path.Element // that nothing is to go over now, in order
}

// repair is a maintenance, and the phase that was published last.
type repair struct {
	Maintenance
	phase Phase // "": it is not saved yet
}

func newRepairs() repairs { return repairs{byID: map[string]*repair{}} }

// savedMaintenance is a maintenance as it is saved, with its element as text.
type savedMaintenance struct {
	Maintenance
	Element string `json:"element"`
}

// recordOf returns what is saved of a maintenance.
func recordOf(m *Maintenance) (store.Op, error) {
	value, err := json.Marshal(savedMaintenance{*m, m.Element.String()})
	return store.Op{Bucket: store.Maintenances, Key: m.ID, Value: value}, err
}

// readMaintenance reads a record of [store.Maintenances].
func readMaintenance(key string, value []byte) (m Maintenance, err error) {
	var saved savedMaintenance
	if err = store.Intact(value); err == nil {
		err = json.Unmarshal(value, &saved)
	}
	if m = saved.Maintenance; err == nil {
		m.Element, err = path.ParseElement(saved.Element)
	}
	switch {
	case err != nil:
	case m.ID != key:
		err = fmt.Errorf("it is about maintenance %q", m.ID)
	case m.Window.empty(), m.Element == path.Element{}:
		err = errors.New("it has no window, or is of nothing")
	}
	if err != nil {
		return m, store.Unreadable(store.Maintenances, key, err)
	}
	return m, nil
}

// CheckMaintenance returns a [store.RecordError] where [Open] would.
func CheckMaintenance(key string, value []byte) error {
	_, err := readMaintenance(key, value)
	return err
}

// loadMaintenances reads the maintenances. What they concern is looked at once
// the network is known.
func (a *Allocator) loadMaintenances(ctx context.Context) error {
	now := a.now()
	err := a.cfg.Store.Scan(ctx, store.Maintenances, func(key string, value []byte) error {
		m, err := readMaintenance(key, value)
		if err != nil {
			return err
		}
		a.repairs.byID[m.ID] = &repair{m, m.Phase(now)}
		return nil
	})
	if err != nil {
		return err
	}
	a.closeLocked(now)
	for _, m := range a.repairs.byID {
		for _, it := range a.crossingLocked(m.Element) {
			a.lookLocked(it)
		}
	}
	return nil
}

// closeLocked has the calendars say what is closed by maintenances that are not
// over.
func (a *Allocator) closeLocked(now Seconds) {
	windows := map[path.Element][]Window{}
	for _, m := range a.repairs.byID {
		if w := (Window{m.Window.Start, m.end()}); now < w.End && !w.empty() {
			windows[m.Element] = append(windows[m.Element], w)
		}
	}
	a.calendars.room.set(windows)
	a.spareChangedLocked()
}

// crossingLocked returns the live items that use part of an element, and those
// that have stages, those first that are to be looked at first.
func (a *Allocator) crossingLocked(e path.Element) (list []*item) {
	found := map[*item]bool{}
	for _, c := range a.cablesOfLocked(e) {
		for _, it := range c.list {
			if c.uses(it) && it.live() {
				found[it] = true
			}
		}
	}
	for it := range a.staged {
		found[it] = true
	}
	for it := range found {
		list = append(list, it)
	}
	slices.SortFunc(list, func(a, b *item) int {
		if a.started != b.started {
			if a.started {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.asked(), b.asked())
	})
	return list
}

// cablesOfLocked returns the cables that paths use and that an element has: of
// a switch all that end there.
func (a *Allocator) cablesOfLocked(e path.Element) []*cable {
	if e.Cable == (topology.LinkID{}) {
		return a.cables.bySwitch[topology.PortID{DPID: e.Switch}]
	}
	if c := a.cables.byID[cableOf(e.Cable)]; c != nil {
		return []*cable{c}
	}
	return nil
}

// Maintenances returns the maintenances, those that begin first before the
// others, and of these that which was entered first.
func (a *Allocator) Maintenances() []Maintenance {
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := make([]Maintenance, 0, len(a.repairs.byID))
	for _, m := range a.repairs.byID {
		if m.phase != "" {
			list = append(list, m.Maintenance)
		}
	}
	slices.SortFunc(list, func(a, b Maintenance) int {
		return cmp.Or(cmp.Compare(a.Window.Start, b.Window.Start), cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Maintenance returns one maintenance. The error is an *[Error] of kind
// NotFound.
func (a *Allocator) Maintenance(id string) (Maintenance, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if m := a.repairs.byID[id]; m != nil && m.phase != "" {
		return m.Maintenance, nil
	}
	return Maintenance{}, noMaintenance(id).in("maintenance")
}

func noMaintenance(id string) *Error {
	return &Error{Kind: NotFound, Err: fmt.Errorf("there is no maintenance %q", id)}
}

// Drains returns the switches and links that nothing is to go over now, where
// another way exists: those under maintenance, and from [Config.DrainLead]
// before it begins. The list must not be changed.
func (a *Allocator) Drains() []path.Element {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.repairs.drains
}

// repairsDueLocked takes in that maintenances have begun or ended, and returns
// when the next one does, or what it is about is to be left.
func (a *Allocator) repairsDueLocked(at nanos) (next nanos) {
	if next = neverNanos; len(a.repairs.byID) == 0 {
		return next
	}
	now := secondOf(at)
	var drains []path.Element
	moved, ended := false, false
	for _, m := range a.repairs.byID {
		if m.phase == "" {
			continue // it is being saved
		}
		if phase := m.Phase(now); phase != m.phase {
			m.phase, moved, ended = phase, true, ended || phase == PhaseEnded
			a.publishLocked(&m.Maintenance, phase, nil)
		}
		lead := m.Window.Start - a.lead()
		if lead <= now && m.phase != PhaseEnded && !slices.Contains(drains, m.Element) {
			drains = append(drains, m.Element)
		}
		for _, t := range [...]Seconds{lead, m.Window.Start, m.end()} {
			if t > now && m.phase != PhaseEnded {
				next = min(next, nanosOf(t))
			}
		}
	}
	slices.SortFunc(drains, func(a, b path.Element) int { return cmp.Compare(a.String(), b.String()) })
	if !slices.Equal(drains, a.repairs.drains) {
		a.repairs.drains = drains
	}
	switch {
	case ended:
		a.reopenedLocked(now)
	case moved: // the clock may have been set back
		a.closeLocked(now)
	}
	return next
}

// reopenedLocked takes in that a maintenance is over: what has waited for that
// is looked at, and what was to move for it.
func (a *Allocator) reopenedLocked(now Seconds) {
	a.closeLocked(now)
	for it := range a.staged {
		a.lookLocked(it)
	}
	for _, c := range a.waiting.links {
		a.giveWayLocked(c, always)
	}
	a.giveWayLocked(&a.waiting.any, always)
}

// pruneMaintenances removes those that ended before a moment.
func (a *Allocator) pruneMaintenances(ctx context.Context, before Seconds) *Error {
	var ops []store.Op
	a.mu.RLock()
	for id, m := range a.repairs.byID {
		if m.phase == PhaseEnded && m.end() < before {
			ops = append(ops, store.Op{Bucket: store.Maintenances, Key: id})
		}
	}
	a.mu.RUnlock()
	if len(ops) == 0 {
		return nil
	}
	if err := a.cfg.Store.Commit(ctx, ops...); err != nil {
		return &Error{Kind: Internal, Err: unsavedError{err}}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, op := range ops {
		delete(a.repairs.byID, op.Key)
	}
	return nil
}

// publishLocked tells what a maintenance has come to.
func (a *Allocator) publishLocked(m *Maintenance, phase Phase, outcomes []Outcome) {
	if a.cfg.Maintained == nil {
		return
	}
	if outcomes == nil && phase == PhaseBegun {
		outcomes = a.outcomesLocked(a.concernedLocked(m))
	}
	a.cfg.Maintained(MaintenanceChange{*m, phase, outcomes})
}
