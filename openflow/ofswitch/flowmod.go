package ofswitch

import (
	"cmp"
	"slices"
	"time"

	"conga/openflow"
)

const flowModFlags = openflow.FlowSendFlowRem | openflow.FlowCheckOverlap | openflow.FlowResetCounts |
	openflow.FlowNoPktCounts | openflow.FlowNoBytCounts

// flowModLocked obeys a flow mod (§6.4).
func (s *Switch) flowModLocked(m *openflow.FlowMod) *openflow.Error {
	s.counters.FlowMods++
	s.changedLocked()
	if err := s.cfg.Habits.check(m); err != nil {
		return err
	}
	rule, err := compile(m.Match)
	if err != nil {
		return err
	}
	if m.Flags&^flowModFlags != 0 {
		return errBadFlags()
	}
	isDelete := m.Command == openflow.FlowDelete || m.Command == openflow.FlowDeleteStrict
	switch {
	case m.Table == openflow.TableAll && isDelete:
	case s.isInternalLocked(m.Table):
		return errPermission()
	case int(m.Table) >= len(s.tables):
		return errBadTable()
	}
	switch m.Command {
	case openflow.FlowAdd:
		err = s.flowAddLocked(m, &rule)
	case openflow.FlowModify, openflow.FlowModifyStrict:
		err = s.flowModifyLocked(m, &rule)
	case openflow.FlowDelete, openflow.FlowDeleteStrict:
		s.flowDeleteLocked(m, &rule)
		return nil
	default:
		return errBadCommand()
	}
	if err == nil && m.BufferID != openflow.NoBuffer {
		return errBufferUnknown() // the entry stays, as in Open vSwitch: only the packet is missing
	}
	return err
}

// isInternalLocked reports whether id is the hidden table that Open vSwitch has
// behind its 254. Entries may lead there, to be dropped, but the table cannot
// be changed.
func (s *Switch) isInternalLocked(id openflow.TableID) bool {
	return len(s.tables) == defaultTables && id == defaultTables
}

func (s *Switch) flowAddLocked(m *openflow.FlowMod, rule *ruleMatch) *openflow.Error {
	t := &s.tables[m.Table]
	prog, err := s.assembleLocked(m.Table, rule, m.Instructions)
	if err == nil {
		err = s.resolvableLocked(prog)
	}
	if err != nil {
		return err
	}
	old := t.find(rule, m.Priority)
	if old == nil {
		if m.Flags&openflow.FlowCheckOverlap != 0 && t.overlap(rule, m.Priority) {
			return errOverlap()
		}
		if !s.roomLocked(t) {
			return errTableFull()
		}
	}
	now := s.ageLocked()
	e := &entry{
		table: m.Table, priority: m.Priority, cookie: m.Cookie, flags: m.Flags,
		idle: m.IdleTimeout, hard: m.HardTimeout, program: prog, created: now, used: now,
	}
	if old == nil {
		s.scratch = m.Match.AppendKey(s.scratch[:0])
		e.match = string(s.scratch)
		t.setKey(e, rule)
	} else {
		e.match, e.sub, e.key, e.hash = old.match, old.sub, old.key, old.hash
		if m.Flags&openflow.FlowResetCounts == 0 {
			e.packets, e.bytes = old.packets, old.bytes
		}
	}
	s.addLocked(e)
	if old != nil {
		s.dropLocked(old)
	}
	return nil
}

// addLocked adds an entry whose key is set.
func (s *Switch) addLocked(e *entry) {
	s.tables[e.table].insert(e)
	s.retainLocked(e.program)
	s.watchLocked(e)
}

func (s *Switch) flowModifyLocked(m *openflow.FlowMod, rule *ruleMatch) *openflow.Error {
	f := filter{
		rule: *rule, strict: m.Command == openflow.FlowModifyStrict, priority: m.Priority,
		cookie: m.Cookie, cookieMask: m.CookieMask, outPort: openflow.PortAny, outGroup: openflow.GroupAny,
	}
	prog, err := s.assembleLocked(m.Table, rule, m.Instructions)
	if err != nil {
		return err
	}
	selected := s.selectedLocked(m.Table, &f)
	if len(selected) == 0 {
		return nil
	}
	if err := s.resolvableLocked(prog); err != nil {
		return err
	}
	for _, e := range selected {
		s.retainLocked(prog)
		s.releaseLocked(e.program)
		e.program = prog
		if m.Flags&openflow.FlowResetCounts != 0 {
			e.packets, e.bytes = 0, 0
		}
	}
	return nil
}

func (s *Switch) flowDeleteLocked(m *openflow.FlowMod, rule *ruleMatch) {
	f := filter{
		rule: *rule, strict: m.Command == openflow.FlowDeleteStrict, priority: m.Priority,
		cookie: m.Cookie, cookieMask: m.CookieMask, outPort: m.OutPort, outGroup: m.OutGroup,
	}
	for _, e := range s.selectedLocked(m.Table, &f) {
		s.expireLocked(e, openflow.FlowRemovedDelete)
	}
}

// selectedLocked returns the entries of a table, or of all, that f selects.
func (s *Switch) selectedLocked(id openflow.TableID, f *filter) []*entry {
	if id != openflow.TableAll {
		return s.tables[id].selected(f)
	}
	var out []*entry
	for i := range s.tables {
		if s.tables[i].count > 0 {
			out = append(out, s.tables[i].selected(f)...)
		}
	}
	return out
}

// dropLocked removes an entry without a message.
func (s *Switch) dropLocked(e *entry) {
	s.tables[e.table].remove(e)
	s.releaseLocked(e.program)
	delete(s.timed, e)
}

// expireLocked removes an entry and tells the controllers if the entry asks for
// it (§6.4).
func (s *Switch) expireLocked(e *entry, why openflow.FlowRemovedReason) {
	s.dropLocked(e)
	if e.flags&openflow.FlowSendFlowRem == 0 {
		return
	}
	age := s.ageLocked() - e.created
	s.announceLocked(&openflow.FlowRemoved{
		Cookie: e.cookie, Priority: e.priority, Reason: why, Table: e.table,
		DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
		IdleTimeout: e.idle, HardTimeout: e.hard, PacketCount: e.packets, ByteCount: e.bytes, Match: e.openMatch(),
	})
}

// usersLocked returns the entries whose program fn picks.
func (s *Switch) usersLocked(fn func(*program) bool) []*entry {
	picked := false
	for _, p := range s.programs { // few, where entries may be many
		picked = picked || fn(p)
	}
	if !picked {
		return nil
	}
	all := filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny}
	return slices.DeleteFunc(s.selectedLocked(openflow.TableAll, &all), func(e *entry) bool { return !fn(e.program) })
}

// watchLocked takes an entry with a timeout into account.
func (s *Switch) watchLocked(e *entry) {
	at, _, ok := e.expiry()
	if !ok {
		return
	}
	s.timed[e] = struct{}{}
	if due := s.born.Add(at); s.nextExpiry.IsZero() || due.Before(s.nextExpiry) {
		s.armLocked(due)
	}
}

// expireDueLocked removes what has timed out by now, and sets when to look
// again.
func (s *Switch) expireDueLocked(now time.Time) {
	if s.nextExpiry.IsZero() || now.Before(s.nextExpiry) {
		return
	}
	var next time.Time
	var due []*entry
	for e := range s.timed {
		after, _, _ := e.expiry()
		switch at := s.born.Add(after); {
		case !at.After(now):
			due = append(due, e)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	slices.SortFunc(due, func(a, b *entry) int { return cmp.Compare(a.created, b.created) })
	for _, e := range due {
		_, why, _ := e.expiry()
		s.expireLocked(e, why)
	}
	s.armLocked(next)
}
