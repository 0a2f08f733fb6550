package ofswitch

import (
	"conga/openflow"
)

// partLen is how many bytes of entries go into one part of a reply; messages
// hold 65,535.
const partLen = 65_000

// multipartLocked answers a multipart request, in several parts where one
// message does not hold the answer (§7.3.5).
func (c *conn) multipartLocked(xid uint32, m *openflow.MultipartRequest) *openflow.Error {
	if m.Flags&openflow.MultipartMore != 0 {
		return refusal(openflow.ErrorTypeBadRequest, 13)
	}
	if q, ok := m.Body.(*openflow.FlowStatsRequest); ok && c.s.faults.honest() {
		entries, err := c.s.findLocked(q)
		if err == nil {
			c.dump = &dumpReply{xid, entries, c.s.ageLocked()}
		}
		return err
	}
	parts, err := c.s.replyLocked(m)
	if err != nil {
		return err
	}
	for i, body := range parts {
		reply := openflow.NewMultipartReply(body)
		if i < len(parts)-1 {
			reply.Flags = openflow.MultipartMore
		}
		c.sendLocked(xid, reply)
	}
	return nil
}

func (s *Switch) replyLocked(m *openflow.MultipartRequest) ([]openflow.MultipartReplyBody, *openflow.Error) {
	switch m.MPType {
	case openflow.MultipartDesc:
		return one(s.desc()), nil
	case openflow.MultipartTable:
		return one(s.tableStatsLocked()), nil
	case openflow.MultipartPortDesc:
		return s.portDescLocked(), nil
	case openflow.MultipartGroupDesc:
		if s.cfg.Habits.NoGroups {
			return nil, errBadMultipart()
		}
		return split[openflow.GroupDescReply](s.groupDescsLocked(), groupDescLen), nil
	case openflow.MultipartGroupFeatures:
		return one(groupFeatures()), nil
	case openflow.MultipartMeterFeatures:
		return one(s.meterFeatures()), nil
	}
	switch body := m.Body.(type) {
	case *openflow.FlowStatsRequest:
		return s.flowStatsLocked(body)
	case *openflow.AggregateStatsRequest:
		return s.aggregateLocked((*openflow.FlowStatsRequest)(body))
	case *openflow.PortStatsRequest:
		return s.portStatsLocked(body.Port), nil
	case *openflow.QueueStatsRequest:
		return s.queueStatsLocked(body)
	case *openflow.GroupStatsRequest:
		return split[openflow.GroupStatsReply](s.groupStatsLocked(body.Group), func(g *openflow.GroupStats) int {
			return 40 + 16*len(g.Buckets)
		}), nil
	case *openflow.MeterStatsRequest:
		return s.meterReplyLocked(body.Meter)
	case *openflow.MeterConfigRequest:
		return s.meterConfigReplyLocked(body.Meter)
	case openflow.TableFeaturesRequest:
		if len(body) > 0 {
			return nil, refusal(openflow.ErrorTypeTableFeaturesFailed, 5) // not permitted
		}
		return s.tableFeaturesLocked(), nil
	}
	return nil, errBadMultipart()
}

func one(body openflow.MultipartReplyBody) []openflow.MultipartReplyBody {
	return []openflow.MultipartReplyBody{body}
}

// A listReply is a reply body that is a list.
type listReply[E any] interface {
	~[]E
	openflow.MultipartReplyBody
}

// split makes parts of a list, of which size tells the bytes of an element. An
// empty list makes one part.
func split[R listReply[E], E any](list []E, size func(*E) int) []openflow.MultipartReplyBody {
	var parts []openflow.MultipartReplyBody
	start, n := 0, 0
	for i := range list {
		d := size(&list[i])
		if n+d > partLen && i > start {
			parts = append(parts, R(list[start:i]))
			start, n = i, 0
		}
		n += d
	}
	return append(parts, R(list[start:]))
}

func (s *Switch) desc() *openflow.DescReply {
	return &openflow.DescReply{
		Manufacturer: s.cfg.Manufacturer, Hardware: s.cfg.Hardware, Software: s.cfg.Software,
		SerialNum: s.cfg.SerialNum, Datapath: s.cfg.Datapath,
	}
}

// findLocked returns the flow entries that a request asks for.
func (s *Switch) findLocked(m *openflow.FlowStatsRequest) ([]*entry, *openflow.Error) {
	rule, err := compile(m.Match)
	if err != nil {
		return nil, err
	}
	if s.isInternalLocked(m.Table) {
		return nil, nil
	}
	if m.Table != openflow.TableAll && int(m.Table) >= len(s.tables) {
		return nil, refusal(openflow.ErrorTypeBadRequest, 9)
	}
	return s.selectedLocked(m.Table, &filter{
		rule: rule, cookie: m.Cookie, cookieMask: m.CookieMask, outPort: m.OutPort, outGroup: m.OutGroup,
	}), nil
}

func (s *Switch) flowStatsLocked(m *openflow.FlowStatsRequest) ([]openflow.MultipartReplyBody, *openflow.Error) {
	entries, err := s.findLocked(m)
	if err != nil {
		return nil, err
	}
	var parts []openflow.MultipartReplyBody
	for _, part := range stats(entries, s.ageLocked()) {
		parts = append(parts, part)
	}
	return parts, nil
}

func actionsLen(actions []openflow.Action) (n int) {
	for i := range actions {
		n += 48 + len(actions[i].Raw)
	}
	return n
}

func (s *Switch) aggregateLocked(m *openflow.FlowStatsRequest) ([]openflow.MultipartReplyBody, *openflow.Error) {
	entries, err := s.findLocked(m)
	if err != nil {
		return nil, err
	}
	sum := &openflow.AggregateStatsReply{FlowCount: uint32(len(entries))}
	for _, e := range entries {
		sum.PacketCount += e.packets
		sum.ByteCount += e.bytes
	}
	return one(sum), nil
}

func (s *Switch) tableStatsLocked() openflow.TableStatsReply {
	out := make(openflow.TableStatsReply, len(s.tables))
	for i := range s.tables {
		t := &s.tables[i]
		out[i] = openflow.TableStats{
			Table: t.id, ActiveCount: uint32(t.count), LookupCount: t.lookups, MatchedCount: t.matched,
		}
	}
	return out
}

func (s *Switch) portDescLocked() []openflow.MultipartReplyBody {
	list := []openflow.Port{}
	for _, p := range s.order {
		list = append(list, p.descLocked())
	}
	return split[openflow.PortDescReply](list, func(*openflow.Port) int { return 64 })
}

// portStatsLocked lists the counters of a port, or of all. An absent port makes
// an empty list, as in Open vSwitch.
func (s *Switch) portStatsLocked(no openflow.PortNo) []openflow.MultipartReplyBody {
	list := []openflow.PortStats{}
	for _, p := range s.order {
		if no == openflow.PortAny || no == p.no {
			list = append(list, p.countersLocked())
		}
	}
	return split[openflow.PortStatsReply](list, func(*openflow.PortStats) int { return 112 })
}

func (s *Switch) queueStatsLocked(m *openflow.QueueStatsRequest) ([]openflow.MultipartReplyBody, *openflow.Error) {
	switch {
	case s.cfg.Habits.NoQueueCounts:
		return nil, errBadMultipart()
	case m.Port != openflow.PortAny && s.ports[m.Port] == nil:
		return nil, errQueueBadPort()
	}
	list := []openflow.QueueStats{}
	for _, p := range s.order {
		if m.Port != openflow.PortAny && m.Port != p.no {
			continue
		}
		for _, q := range p.queues {
			if m.Queue != openflow.QueueAll && m.Queue != q.ID {
				continue
			}
			st := openflow.QueueStats{Port: p.no, Queue: q.ID}
			if sent := p.queued[q.ID]; sent != nil {
				st.TxPackets, st.TxBytes = sent.TxPackets, sent.TxBytes
			}
			age := p.countersLocked()
			st.DurationSec, st.DurationNsec = age.DurationSec, age.DurationNsec
			list = append(list, st)
		}
	}
	if len(list) == 0 && m.Queue != openflow.QueueAll {
		return nil, errQueueBadQueue()
	}
	return split[openflow.QueueStatsReply](list, func(*openflow.QueueStats) int { return 40 }), nil
}

func (s *Switch) groupDescsLocked() []openflow.GroupDesc {
	out := []openflow.GroupDesc{}
	for _, g := range s.sortedGroupsLocked() {
		out = append(out, openflow.GroupDesc{GroupType: g.kind, Group: g.id, Buckets: g.buckets})
	}
	return out
}

func groupDescLen(g *openflow.GroupDesc) int {
	n := 8
	for _, b := range g.Buckets {
		n += 16 + actionsLen(b.Actions)
	}
	return n
}

func (s *Switch) meterConfigsLocked() []openflow.MeterConfig {
	out := []openflow.MeterConfig{}
	for _, m := range s.sortedMetersLocked() {
		out = append(out, m.config())
	}
	return out
}

func (s *Switch) meterReplyLocked(id openflow.MeterID) ([]openflow.MultipartReplyBody, *openflow.Error) {
	if err := s.meterKnownLocked(id); err != nil {
		return nil, err
	}
	list := s.meterStatsLocked()
	if id != openflow.MeterAll {
		list = keep(list, func(m *openflow.MeterCounters) bool { return m.Meter == id })
	}
	return split[openflow.MeterStatsReply](list, func(m *openflow.MeterCounters) int { return 40 + 16*len(m.Bands) }), nil
}

func (s *Switch) meterConfigReplyLocked(id openflow.MeterID) ([]openflow.MultipartReplyBody, *openflow.Error) {
	if err := s.meterKnownLocked(id); err != nil {
		return nil, err
	}
	list := s.meterConfigsLocked()
	if id != openflow.MeterAll {
		list = keep(list, func(m *openflow.MeterConfig) bool { return m.Meter == id })
	}
	return split[openflow.MeterConfigReply](list, func(m *openflow.MeterConfig) int { return 8 + 16*len(m.Bands) }), nil
}

func (s *Switch) meterKnownLocked(id openflow.MeterID) *openflow.Error {
	if id != openflow.MeterAll && s.meters[id] == nil {
		return errUnknownMeter()
	}
	return nil
}

func keep[E any](list []E, fn func(*E) bool) []E {
	out := list[:0]
	for i := range list {
		if fn(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}
