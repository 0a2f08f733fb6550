package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
	meters, ranged, err := s.countMeters(ctx)
	if errors.Is(err, errNoMeters) {
		meters, ranged, err = 0, false, nil
	}
	if err != nil {
		return err
	}
	s.metering, s.room = meters > 0, meters
	if ranged {
		s.number(meters, desc)
	}
	queue, err := s.findQueue(ctx)
	if err != nil {
		return err
	}
	s.queued = queue
	s.post(life, up{s: s, ports: s.conn.Ports(), queue: queue, info: topology.Switch{
		DPID:   s.dpid,
		Lacks:  s.lacks,
		Tables: s.conn.Features().NTables,
		Meters: meters, Numbered: ranged,
		Role: s.role,
		Addr: s.conn.RemoteAddr().String(),
		Desc: desc,
	}})
	s.conn.Start(func(_ openflow.Header, m openflow.Message) { s.receive(life, m) })
	return nil
}

// question asks one question and returns the body of the answer, or the error
// with which the switch refused.
func (s *session) question(ctx context.Context, q *openflow.MultipartRequest) (openflow.MultipartReplyBody, error) {
	m, err := s.conn.Request(ctx, q)
	if err = inWords(ctx, err); err != nil {
		return nil, unanswered(q.MPType, err)
	}
	reply, ok := m.(*openflow.MultipartReply)
	if !ok {
		return nil, fmt.Errorf("%v: answered with %v", q.MPType, m.Type())
	}
	return reply.Body, nil
}

// try asks a question that a switch need not know; nil if it does not.
func (s *session) try(ctx context.Context, mt openflow.MultipartType) (openflow.MultipartReplyBody, error) {
	body, err := s.question(ctx, &openflow.MultipartRequest{MPType: mt})
	if refused, ok := errors.AsType[*openflow.Error](err); ok {
		s.log.Debug("switch does not answer", "question", mt, "err", refused)
		return nil, nil
	}
	return body, err
}

func (s *session) describe(ctx context.Context) (string, error) {
	body, err := s.try(ctx, openflow.MultipartDesc)
	d, ok := body.(*openflow.DescReply)
	if err != nil || !ok {
		return "", err
	}
	return strings.Join(strings.Fields(d.Manufacturer+" "+d.Hardware+" "+d.Software), " "), nil
}

// countMeters returns how many meters the switch has room for, and whether they
// have numbers from 1 to that; 0 if it has none. What it says of their bands
// and flags is not looked at, since switches differ in how they say it; those
// that it does not take it refuses.
func (s *session) countMeters(ctx context.Context) (room uint32, ranged bool, err error) {
	body, err := s.try(ctx, openflow.MultipartMeterFeatures)
	f, ok := body.(*openflow.MeterFeatures)
	if err != nil || !ok || f.MaxMeter == 0 {
		return 0, false, err
	}
	s.bursts = openflow.MeterFlags(f.Capabilities)&openflow.MeterBurst != 0
	ranged, err = s.tryMeter(ctx, true)
	return f.MaxMeter, ranged, err
}

// tryMeter finds out whether the switch takes a meter of ours, which says how
// long its bursts are or, if it does not take that, does not: [errNoMeters] if
// not. ranged is true if it does not take the number of the meter.
func (s *session) tryMeter(ctx context.Context, bursts bool) (ranged bool, err error) {
	trial := s.conn.Commit([]openflow.Message{flow.MeterTrial(bursts)})
	select {
	case <-trial.Done():
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	for _, r := range trial.Refused() {
		switch {
		case r.Err.Has(openflow.MeterModFailedMeterExists):
		case r.Err.Has(openflow.MeterModFailedInvalidMeter), r.Err.Has(openflow.MeterModFailedOutOfMeters), r.Err.Has(openflow.MeterModFailedUnknown):
			ranged = true
		case bursts && (r.Err.Has(openflow.MeterModFailedBadFlags) || r.Err.Has(openflow.MeterModFailedBadBurst)):
			s.lacks = topology.LacksBursts
			return s.tryMeter(ctx, false)
		default:
			return false, s.findMeter(ctx, bursts, r.Err)
		}
	}
	return ranged, trial.Err()
}

// findMeter finds out whether a switch that has refused the trial for a reason
// of its own did so because that meter is there since an earlier connection:
// then it can be changed. Else the error is [errNoMeters].
func (s *session) findMeter(ctx context.Context, bursts bool, why error) error {
	again := flow.MeterTrial(bursts)
	again.Command = openflow.MeterModify
	trial := s.conn.Commit([]openflow.Message{again})
	select {
	case <-trial.Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if len(trial.Refused()) > 0 {
		s.log.Warn("switch has meters, but refuses ours", "err", why)
		return errNoMeters
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
