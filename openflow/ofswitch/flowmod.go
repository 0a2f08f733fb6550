package ofswitch

import (
	"cmp"
	"slices"
	"time"

	"conga/openflow"
)

const flowModFlags = openflow.FlowSendFlowRem | openflow.FlowCheckOverlap | openflow.FlowResetCounts |
	openflow.FlowNoPktCounts | openflow.FlowNoBytCounts

// flowMod obeys a flow mod (§6.4). Must hold s.mu.
func (s *Switch) flowMod(m *openflow.FlowMod) *openflow.Error {
	s.counters.FlowMods++
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
	case s.isInternal(m.Table):
		return errPermission()
	case int(m.Table) >= len(s.tables):
		return errBadTable()
	}
	switch m.Command {
	case openflow.FlowAdd:
		err = s.flowAdd(m, &rule)
	case openflow.FlowModify, openflow.FlowModifyStrict:
		err = s.flowModify(m, &rule)
	case openflow.FlowDelete, openflow.FlowDeleteStrict:
		s.flowDelete(m, &rule)
		return nil
	default:
		return errBadCommand()
	}
	if err == nil && m.BufferID != openflow.NoBuffer {
		return errBufferUnknown() // the entry stays, as in Open vSwitch: only the packet is missing
	}
	return err
}

// isInternal reports whether id is the hidden table that Open vSwitch has behind its 254. Entries may lead
// there, to be dropped, but nobody may change it.
func (s *Switch) isInternal(id openflow.TableID) bool {
	return len(s.tables) == defaultTables && id == defaultTables
}

func (s *Switch) flowAdd(m *openflow.FlowMod, rule *ruleMatch) *openflow.Error {
	t := &s.tables[m.Table]
	prog, err := s.assemble(m.Table, rule, m.Instructions)
	if err == nil {
		err = s.resolvable(prog)
	}
	if err != nil {
		return err
	}
	old := t.find(rule, m.Priority)
	if old == nil {
		if m.Flags&openflow.FlowCheckOverlap != 0 && t.overlap(rule, m.Priority) {
			return errOverlap()
		}
		if t.count >= s.cfg.MaxEntries {
			return errTableFull()
		}
	}
	now := s.age()
	e := &entry{
		table: m.Table, priority: m.Priority, cookie: m.Cookie, flags: m.Flags,
		idle: m.IdleTimeout, hard: m.HardTimeout, program: prog, created: now, used: now,
	}
	if old == nil {
		s.scratch = m.Match.AppendKey(s.scratch[:0])
		e.match = string(s.scratch)
		t.place(e, rule)
	} else {
		e.match, e.sub, e.key, e.hash = old.match, old.sub, old.key, old.hash
		if m.Flags&openflow.FlowResetCounts == 0 {
			e.packets, e.bytes = old.packets, old.bytes
		}
	}
	s.put(e)
	if old != nil {
		s.drop(old)
	}
	return nil
}

// put adds an entry that has its place.
func (s *Switch) put(e *entry) {
	s.tables[e.table].insert(e)
	s.retain(e.program)
	s.watch(e)
}

func (s *Switch) flowModify(m *openflow.FlowMod, rule *ruleMatch) *openflow.Error {
	f := filter{
		rule: *rule, strict: m.Command == openflow.FlowModifyStrict, priority: m.Priority,
		cookie: m.Cookie, cookieMask: m.CookieMask, outPort: openflow.PortAny, outGroup: openflow.GroupAny,
	}
	prog, err := s.assemble(m.Table, rule, m.Instructions)
	if err != nil {
		return err
	}
	selected := s.selected(m.Table, &f)
	if len(selected) == 0 {
		return nil
	}
	if err := s.resolvable(prog); err != nil {
		return err
	}
	for _, e := range selected {
		s.retain(prog)
		s.release(e.program)
		e.program = prog
		if m.Flags&openflow.FlowResetCounts != 0 {
			e.packets, e.bytes = 0, 0
		}
	}
	return nil
}

func (s *Switch) flowDelete(m *openflow.FlowMod, rule *ruleMatch) {
	f := filter{
		rule: *rule, strict: m.Command == openflow.FlowDeleteStrict, priority: m.Priority,
		cookie: m.Cookie, cookieMask: m.CookieMask, outPort: m.OutPort, outGroup: m.OutGroup,
	}
	for _, e := range s.selected(m.Table, &f) {
		s.expire(e, openflow.FlowRemovedDelete)
	}
}

// selected returns the entries of a table, or of all, that f selects.
func (s *Switch) selected(id openflow.TableID, f *filter) []*entry {
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

// drop removes an entry without a word.
func (s *Switch) drop(e *entry) {
	s.tables[e.table].remove(e)
	s.release(e.program)
	delete(s.timed, e)
}

// expire removes an entry and tells the controllers if the entry asks for it (§6.4).
func (s *Switch) expire(e *entry, why openflow.FlowRemovedReason) {
	s.drop(e)
	if e.flags&openflow.FlowSendFlowRem == 0 {
		return
	}
	age := s.age() - e.created
	s.announce(&openflow.FlowRemoved{
		Cookie: e.cookie, Priority: e.priority, Reason: why, Table: e.table,
		DurationSec: uint32(age / time.Second), DurationNsec: uint32(age % time.Second),
		IdleTimeout: e.idle, HardTimeout: e.hard, PacketCount: e.packets, ByteCount: e.bytes, Match: e.openMatch(),
	})
}

// users returns the entries whose program fn picks.
func (s *Switch) users(fn func(*program) bool) []*entry {
	all := filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny}
	return slices.DeleteFunc(s.selected(openflow.TableAll, &all), func(e *entry) bool { return !fn(e.program) })
}

// watch takes an entry with a timeout into account.
func (s *Switch) watch(e *entry) {
	at, _, ok := e.expiry()
	if !ok {
		return
	}
	s.timed[e] = struct{}{}
	if due := s.born.Add(at); s.nextExpiry.IsZero() || due.Before(s.nextExpiry) {
		s.arm(due)
	}
}

// expireDue removes what has timed out by now, and sets when to look again.
func (s *Switch) expireDue(now time.Time) {
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
		s.expire(e, why)
	}
	s.arm(next)
}
