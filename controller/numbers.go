package controller

import (
	"context"
	"fmt"
	"sync"

	"conga/controller/flow"
	"conga/openflow"
)

// mostNumberings is of how many switches that are away it is kept by which
// numbers they know our meters.
const mostNumberings = 4096

// numberings keeps by which numbers switches know our meters from one
// connection to the next.
type numberings struct {
	mu sync.Mutex // a leaf; guards what follows
	of map[openflow.DPID]*flow.Numbers
}

func (k *numberings) put(dpid openflow.DPID, n *flow.Numbers) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil {
		k.of = map[openflow.DPID]*flow.Numbers{}
	}
	makeRoom(k.of, mostNumberings)
	k.of[dpid] = n
}

// makeRoom drops any of what is kept of switches, if there are as many as there
// may be: they need not be real ones.
func makeRoom[V any](of map[openflow.DPID]V, most int) {
	for any := range of {
		if len(of) >= most {
			delete(of, any)
		}
		return
	}
}

// take returns what is kept of a switch, nil if nothing is, and forgets it.
func (k *numberings) take(dpid openflow.DPID) *flow.Numbers {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.of[dpid]
	delete(k.of, dpid)
	return n
}

// number has our meters have numbers that the switch takes, which has meters
// from 1 to a most.
func (s *session) number(most uint32, desc string) {
	s.numbers = flow.NewNumbers(openflow.MeterID(most), s.policy.BurstOf(desc))
	s.numbers.Recall(s.numberings.take(s.dpid))
}

// keepNumbers keeps the numbers for the switch's next connection.
func (s *session) keepNumbers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.numbers != nil {
		s.numberings.put(s.dpid, s.numbers.Kept())
	}
}

// findMeters asks the switch which meters it has, so that it can be found out
// whose they are, if that does not show in their numbers.
func (s *session) findMeters(ctx context.Context) error {
	if s.numbers == nil {
		return nil
	}
	s.mu.Lock()
	s.numbers.Find()
	s.mu.Unlock()
	err := s.listMeters(ctx, func(c openflow.MeterConfig) {
		if s.strangers.allow(meterFootprint) {
			s.numbers.Found(c)
		}
	})
	if err != nil {
		return err // of those that were not told of nothing is known
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers.AllFound()
	return nil
}

// tellMeters has the reconciler know the meters that the switch holds.
func (s *session) tellMeters(ctx context.Context) error {
	if s.numbers != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flows.TellMeters()
		return nil
	}
	return s.surveyMeters(ctx, func(id openflow.MeterID, m flow.Meter) {
		if s.flows.KnowsMeter(id) || s.strangers.allow(meterFootprint) {
			s.flows.TellMeter(id, m)
		}
	})
}

// surveyMeters asks the switch for all its meters and calls each with those
// that are ours.
func (s *session) surveyMeters(ctx context.Context, each func(openflow.MeterID, flow.Meter)) error {
	s.mu.Lock()
	s.numbers.Survey()
	s.mu.Unlock()
	err := s.listMeters(ctx, func(c openflow.MeterConfig) {
		if id, m, ours := s.numbers.ReadMeter(c); ours {
			each(id, m)
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.numbers.Surveyed()
	}
	return err
}

// listMeters asks the switch for all its meters and calls each with them, on
// the connection's reader, under s.mu.
func (s *session) listMeters(ctx context.Context, each func(openflow.MeterConfig)) error {
	if !s.metering {
		return nil
	}
	all := &openflow.MeterConfigRequest{Meter: openflow.MeterAll}
	return s.stream(ctx, openflow.NewMultipartRequest(all), func(body openflow.MultipartReplyBody) error {
		configs, ok := body.(openflow.MeterConfigReply)
		if !ok && body != nil {
			return fmt.Errorf("meters: answered with %T", body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range configs {
			each(c)
		}
		return nil
	})
}

// measureRoom tells the core if meters of others have come or gone.
func (s *session) measureRoom(ctx context.Context) {
	if s.numbers == nil {
		return
	}
	s.mu.Lock()
	room := s.numbers.Room()
	s.mu.Unlock()
	if room != s.room {
		s.room = room
		s.say(ctx, room, 0)
	}
}

// say tells the core for how many meters of ours the switch has room, as the
// session's finding of that number; 0: nothing waits for it.
func (s *session) say(ctx context.Context, meters uint32, found uint64) {
	s.post(ctx, roomy{s, meters, found})
}

// roomy: a switch has been found to have room for so many meters of ours.
type roomy struct {
	s      *session
	meters uint32
	found  uint64 // how many the session has reported by then; 0: not counted
}

func (e roomy) apply(k *core) {
	if k.current(e.s) {
		k.builder.SwitchRoom(e.s.dpid, e.meters, k.now)
		k.noteFound(e.s, e.found)
	}
}

// meterID returns the identifier of the meter that the switch knows by a
// number, or the number if the meter is not ours.
func (s *session) meterID(number openflow.MeterID) openflow.MeterID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ours := s.numbers.ID(number); ours {
		return id
	}
	return number
}

// MeterID returns the identifier of the meter that a switch knows by a number
// now, or the number if the meter is not ours. Any goroutine may call it.
func (c *Controller) MeterID(dpid openflow.DPID, number openflow.MeterID) openflow.MeterID {
	if s := c.live(dpid); s != nil {
		return s.meterID(number)
	}
	return number
}

// noteEnforced notes how far a switch enforces rates.
func (k *core) noteEnforced(dpid openflow.DPID) {
	unmetered, unpoliced := k.wanted.Enforced(dpid)
	k.builder.SetEnforced(dpid, unmetered, unpoliced, k.now)
}
