package ofswitch

import (
	"errors"
	"fmt"

	"conga/openflow"
)

// errorDataLen is how much of a refused message an error brings back.
const errorDataLen = 64

var errHandshake = errors.New("ofswitch: handshake failed")

// obeyLocked handles one message.
func (c *conn) obeyLocked(h openflow.Header, raw []byte) error {
	_, m, err := c.parser.Parse(raw)
	s := c.s
	if !c.up {
		return c.helloLocked(h, m)
	}
	if err != nil {
		c.refuseLocked(h.XID, raw, unreadable(h, err))
		return nil
	}
	s.expireDueLocked(s.now())
	if s.onMessage != nil {
		s.onMessage(m)
	}
	if refused := c.rejectLocked(m); refused != nil {
		c.refuseLocked(h.XID, raw, refused)
		return nil
	}
	reply, refused := c.answerLocked(h.XID, m)
	switch {
	case refused != nil:
		c.refuseLocked(h.XID, raw, refused)
	case reply != nil:
		c.sendLocked(h.XID, reply)
	}
	return nil
}

// helloLocked settles the version, which must come first (§6.3.1).
func (c *conn) helloLocked(h openflow.Header, m openflow.Message) error {
	hello, ok := m.(*openflow.Hello)
	if !ok {
		return fmt.Errorf("%w: %v instead of hello", errHandshake, h.Type)
	}
	if !hello.Supports(h.Version, openflow.Version) {
		e := refusal(openflow.ErrorTypeHelloFailed, 0)
		e.Data = []byte("only OpenFlow 1.3 is spoken here")
		c.sendLocked(h.XID, e)
		c.finishLocked()
		return nil // the writer closes the connection behind the error
	}
	c.up = true
	c.s.counters.Connections++
	c.s.setUpLocked(1)
	close(c.upCh)
	return nil
}

// rejectLocked asks the injected faults, and keeps slaves from changing
// anything (§6.3.5).
func (c *conn) rejectLocked(m openflow.Message) *openflow.Error {
	s := c.s
	if s.faults.Reject != nil {
		t := m.Type()
		s.faultCount[t]++
		if e := s.faults.Reject(s.faultCount[t], m); e != nil {
			return e
		}
	}
	if c.role != openflow.RoleSlave {
		return nil
	}
	switch m.(type) {
	case *openflow.FlowMod, *openflow.GroupMod, *openflow.MeterMod, *openflow.PortMod, *openflow.TableMod,
		*openflow.PacketOut:
		return errIsSlave()
	}
	return nil
}

// refuseLocked answers with an error that brings back the start of the refused
// message (§7.5.4).
func (c *conn) refuseLocked(xid uint32, raw []byte, e *openflow.Error) {
	own := *e
	if own.Data == nil {
		own.Data = append([]byte(nil), raw[:min(len(raw), errorDataLen)]...)
	}
	c.sendLocked(xid, &own)
}

// unreadable returns the error for a message that does not parse.
func unreadable(h openflow.Header, err error) *openflow.Error {
	switch {
	case errors.Is(err, openflow.ErrVersion):
		return errBadVersion()
	case errors.Is(err, openflow.ErrUnknownType) && h.Type == openflow.TypeMultipartRequest:
		return errBadMultipart()
	case errors.Is(err, openflow.ErrUnknownType) && h.Type == openflow.TypeFlowMod:
		return refusal(openflow.ErrorTypeBadMatch, 0)
	case errors.Is(err, openflow.ErrUnknownType):
		return errBadType()
	}
	return errBadLen()
}

// answerLocked obeys a message and returns the reply or the refusal, if there
// is one.
func (c *conn) answerLocked(xid uint32, m openflow.Message) (openflow.Message, *openflow.Error) {
	s := c.s
	switch m := m.(type) {
	case *openflow.EchoRequest:
		return &openflow.EchoReply{Data: m.Data}, nil
	case *openflow.EchoReply, *openflow.Hello, *openflow.Error:
		return nil, nil
	case *openflow.BarrierRequest:
		return &openflow.BarrierReply{}, nil // everything before it is done: messages are obeyed one by one
	case *openflow.FeaturesRequest:
		return s.featuresLocked(), nil
	case *openflow.GetConfigRequest:
		return &openflow.GetConfigReply{Flags: s.config.Flags, MissSendLen: s.config.MissSendLen}, nil
	case *openflow.RoleRequest:
		return c.roleRequestLocked(m)
	case *openflow.GetAsyncRequest:
		return &openflow.GetAsyncReply{AsyncConfig: c.async}, nil
	case *openflow.SetAsync:
		c.async = m.AsyncConfig
		return nil, nil
	case *openflow.QueueGetConfigRequest:
		return s.queueConfigLocked(m.Port)
	case *openflow.MultipartRequest:
		return nil, c.multipartLocked(xid, m)
	case *openflow.Experimenter:
		return c.experimenterLocked(m)
	}
	return nil, s.changeLocked(m)
}

// changeLocked obeys a message that changes the switch and has no reply.
func (s *Switch) changeLocked(m openflow.Message) *openflow.Error {
	switch m := s.cfg.Habits.altered(m).(type) {
	case *openflow.FlowMod:
		return s.flowModLocked(m)
	case *openflow.GroupMod:
		return s.groupModLocked(m)
	case *openflow.MeterMod:
		return s.meterModLocked(m)
	case *openflow.PacketOut:
		return s.packetOutLocked(m)
	case *openflow.PortMod:
		return s.portModLocked(m)
	case *openflow.TableMod:
		if s.isInternalLocked(m.Table) {
			return errTableModPerm()
		}
		if m.Table != openflow.TableAll && int(m.Table) >= len(s.tables) {
			return errTableModTable()
		}
		return nil
	case *openflow.SetConfig:
		if m.Flags&^openflow.ConfigFragMask != 0 {
			return errBadConfigFlags()
		}
		s.config = *m
		return nil
	}
	return errBadType()
}

func (s *Switch) featuresLocked() *openflow.FeaturesReply {
	return &openflow.FeaturesReply{
		DPID: s.cfg.DPID, NTables: uint8(len(s.tables)),
		Capabilities: openflow.CapFlowStats | openflow.CapTableStats | openflow.CapPortStats |
			openflow.CapGroupStats | openflow.CapQueueStats,
	}
}

func (s *Switch) queueConfigLocked(no openflow.PortNo) (openflow.Message, *openflow.Error) {
	reply := &openflow.QueueGetConfigReply{Port: no}
	if no != openflow.PortAny && s.ports[no] == nil {
		return nil, errQueueBadPort()
	}
	for _, p := range s.order {
		if no == openflow.PortAny || no == p.no {
			reply.Queues = append(reply.Queues, p.queues...)
		}
	}
	return reply, nil
}
