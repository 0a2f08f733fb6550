package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"conga/controller/discovery"
	"conga/controller/flow"
	"conga/controller/topology"
	"conga/openflow"
)

// answerTime is how long a switch may take to answer one question.
const answerTime = 10 * time.Second

var errNoMeters = errors.New("no meters for us")

// introduce asks the switch what it is and tells the core.
func (s *session) introduce(life context.Context) error {
	ctx, cancel := context.WithTimeout(life, answerTime)
	defer cancel()
	err := s.conn.Send(&openflow.SetConfig{MissSendLen: openflow.MaxLenNoBuffer})
	if err != nil {
		return err
	}
	desc, err := s.describe(ctx)
	if err != nil {
		return err
	}
	meters, err := s.countMeters(ctx)
	if errors.Is(err, errNoMeters) {
		meters, err = 0, nil
	}
	if err != nil {
		return err
	}
	queue, err := s.findQueue(ctx)
	if err != nil {
		return err
	}
	s.post(life, up{s: s, ports: s.conn.Ports(), queue: queue, info: topology.Switch{
		DPID:   s.dpid,
		Tables: s.conn.Features().NTables,
		Meters: meters,
		Addr:   s.conn.RemoteAddr().String(),
		Desc:   desc,
	}})
	s.conn.Start(func(_ openflow.Header, m openflow.Message) { s.receive(life, m) })
	return nil
}

// multipart asks one question and returns the body of the answer. A switch that
// does not know the question answers nil.
func (s *session) multipart(ctx context.Context, mt openflow.MultipartType, body openflow.MultipartRequestBody) (openflow.MultipartReplyBody, error) {
	reply, err := s.question(ctx, &openflow.MultipartRequest{MPType: mt, Body: body})
	if refused, ok := errors.AsType[*openflow.Error](err); ok {
		s.log.Debug("switch does not answer", "question", mt, "err", refused)
		return nil, nil
	}
	return reply, err
}

// question asks one question and returns the body of the answer, or the error
// with which the switch refused.
func (s *session) question(ctx context.Context, q *openflow.MultipartRequest) (openflow.MultipartReplyBody, error) {
	m, err := s.conn.Request(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", q.MPType, err)
	}
	reply, ok := m.(*openflow.MultipartReply)
	if !ok {
		return nil, fmt.Errorf("%v: answered with %v", q.MPType, m.Type())
	}
	return reply.Body, nil
}

func (s *session) describe(ctx context.Context) (string, error) {
	body, err := s.multipart(ctx, openflow.MultipartDesc, nil)
	d, ok := body.(*openflow.DescReply)
	if err != nil || !ok {
		return "", err
	}
	return strings.Join(strings.Fields(d.Manufacturer+" "+d.Hardware+" "+d.Software), " "), nil
}

// countMeters is how many meters the switch has room for; 0 if it has none
// that drop at a rate in kbit/s after a burst.
func (s *session) countMeters(ctx context.Context) (uint32, error) {
	body, err := s.multipart(ctx, openflow.MultipartMeterFeatures, nil)
	f, ok := body.(*openflow.MeterFeatures)
	const needed = uint32(openflow.MeterKbps | openflow.MeterBurst)
	if err != nil || !ok || f.BandTypes&(1<<openflow.MeterBandDrop) == 0 || f.Capabilities&needed != needed {
		return 0, err
	}
	return f.MaxMeter, s.tryMeter(ctx)
}

// tryMeter finds out whether the switch takes a meter of ours. A refusal is
// [errNoMeters].
func (s *session) tryMeter(ctx context.Context) error {
	trial := s.conn.Commit([]openflow.Message{flow.MeterTrial()})
	select {
	case <-trial.Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for _, r := range trial.Refused() {
		if !r.Err.Has(openflow.MeterModFailedMeterExists) {
			s.log.Warn("switch has meters, but refuses ours", "err", r.Err)
			return errNoMeters
		}
	}
	return trial.Err()
}

// findQueue lists the ports that have the queue for allocated traffic. A switch
// takes an entry with a queue that is not there without a word, so we look.
func (s *session) findQueue(ctx context.Context) (ports []openflow.PortNo, err error) {
	if s.cfg.Priority.Queue == nil {
		return nil, nil
	}
	m, err := s.conn.Request(ctx, &openflow.QueueGetConfigRequest{Port: openflow.PortAny})
	if _, refused := errors.AsType[*openflow.Error](err); refused {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	reply, ok := m.(*openflow.QueueGetConfigReply)
	if !ok {
		return nil, nil
	}
	for _, q := range reply.Queues {
		if q.ID == *s.cfg.Priority.Queue {
			ports = append(ports, q.Port)
		}
	}
	return ports, nil
}

// receive takes in what the switch says unasked. It runs on the connection's
// reader, in order.
func (s *session) receive(ctx context.Context, m openflow.Message) {
	switch m := m.(type) {
	case *openflow.PacketIn:
		s.packetIn(m)
	case *openflow.PortStatus:
		s.post(ctx, portStatus{s, m.Reason, m.Port})
	case *openflow.FlowRemoved:
		s.cfg.Removed(s.dpid, m)
		select {
		case s.removed <- m:
		default: // the next audit finds it
		}
	case *openflow.Error:
		s.log.Warn("switch reports an error", "err", m)
	}
}

// packetIn reads a frame that a switch handed up: a probe, or something that a
// host said. What is no news goes no further than here, and what does not fit
// into the core's queue is dropped; the host will speak again.
func (s *session) packetIn(m *openflow.PacketIn) {
	port, ok := m.InPort()
	if !ok {
		return
	}
	at := topology.PortID{DPID: s.dpid, Port: port}
	if from, err := s.prober.Origin(m.Data); err == nil {
		s.offer(probeSeen{s, from, at})
		return
	}
	if discovery.IsLLDP(m.Data) {
		return
	}
	if p, ok := s.Snapshot().Port(at); ok && p.Role == topology.Trunk {
		s.stray(m.Data)
		return
	}
	if h, ok := discovery.Sight(m.Data); ok && s.news(at, h) {
		s.offer(hostSeen{s, at, h.MAC, h.Addrs})
	}
}

// stray takes a frame that a switch did not know what to do with to the host
// that it is for.
func (s *session) stray(frame []byte) {
	if len(frame) < 14 {
		return
	}
	if h, ok := s.Snapshot().Hosts[openflow.MAC(frame[:6])]; ok {
		s.offer(delivery{h.At, frame})
	}
}

// news reports whether a sighting tells more than the snapshot.
func (s *session) news(at topology.PortID, h discovery.Sighting) bool {
	snap := s.Snapshot()
	if p, ok := snap.Port(at); !ok || p.Role != topology.Edge {
		return false
	}
	if known, ok := snap.Hosts[h.MAC]; !ok || known.At != at {
		return true
	}
	for _, a := range h.Addrs {
		if snap.Addrs[a].At != at {
			return true
		}
	}
	return false
}

// offer hands an event to the core if there is room.
func (s *session) offer(e event) {
	select {
	case s.events <- e:
	default:
	}
}
