package controller

import (
	"context"
	"math"
	"slices"
	"time"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// A switch takes an entry that puts packets into a queue and may send them by
// another: Open vSwitch's userspace datapath does, and counts no loss there. So
// what the queue of a port has sent is held against what the entries of
// allocations have sent by that port.
const (
	// queuesEvery is how often that is looked at until every queue that
	// allocations use has been seen to send, and queuesSeldom how often after
	// that.
	queuesEvery  = 5 * time.Second
	queuesSeldom = time.Minute

	// queuePackets is how many packets of entries show that a queue that has
	// sent none is not used. Until the next look it may be behind.
	queuePackets = 100
)

// queueUse is whether a port uses the queue that entries name.
type queueUse uint8

const (
	useUnknown queueUse = iota
	used
	unused
)

// A queueWatch finds out whether a port uses a queue.
type queueWatch struct {
	use           queueUse
	begun, due    bool
	entries, sent uint64 // packets, when the watch began anew
}

// look takes in how many packets the entries that name the queue, and the
// queue, have sent by now.
func (w *queueWatch) look(entries, sent uint64) {
	switch {
	case !w.begun || entries < w.entries || sent < w.sent: // entries have gone, or counts begun anew
		*w = queueWatch{use: w.use, begun: true, entries: entries, sent: sent}
	case sent > w.sent:
		*w = queueWatch{use: used, begun: true, entries: entries, sent: sent}
	case w.due:
		w.use = unused
	default:
		w.due = entries-w.entries >= queuePackets
	}
}

// queuesUsed: what has been found out about a switch's use of the queue for
// allocated traffic.
type queuesUsed struct {
	s      *session
	unused []openflow.PortNo // by which it sends what is for the queue otherwise
	silent bool              // it does not say what the queue sends
}

func (e queuesUsed) apply(k *core) {
	if k.current(e.s) {
		k.builder.SetQueuesUnused(e.s.dpid, e.unused, e.silent, k.now)
	}
}

// urgeReports has the sessions of switches report what these cannot do, where
// that follows from what is new in a snapshot.
func (k *core) urgeReports(old, now *topology.Snapshot) {
	for _, dpid := range now.Delta.Switches {
		a, b := old.Switches[dpid], now.Switches[dpid]
		same := a.Unmetered == b.Unmetered && a.Unpoliced == b.Unpoliced && a.QueuesSilent == b.QueuesSilent
		for no, p := range b.Ports {
			same = same && a.Ports[no].Unqueued == p.Unqueued
		}
		if p := k.peers[dpid]; p != nil && !same {
			p.session.mail.signal()
		}
	}
}

// watchQueues looks until the connection ends whether the switch uses the queue
// for allocated traffic at these ports.
func (s *session) watchQueues(ctx context.Context, ports []openflow.PortNo) {
	watches := make([]queueWatch, len(ports))
	questions := queueQuestions(*s.cfg.Priority.Queue, ports)
	told := queuesUsed{s: s}
	again := time.NewTimer(0) // what is there is where the watch begins
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-s.conn.Done():
			return
		case <-ctx.Done():
			return
		}
		now := queuesUsed{s: s, silent: !s.lookAtQueues(ctx, questions, ports, watches)}
		known := true
		for i, w := range watches {
			if known = known && w.use == used; w.use == unused {
				now.unused = append(now.unused, ports[i])
			}
		}
		if now.silent != told.silent || !slices.Equal(now.unused, told.unused) {
			s.post(ctx, now)
			told = now
		}
		if again.Reset(queuesEvery); known {
			again.Reset(queuesSeldom)
		}
	}
}

// queueQuestions returns what a switch is asked: what a queue has sent by all
// ports, and what the entries of allocations have by each.
func queueQuestions(queue uint32, ports []openflow.PortNo) []*openflow.MultipartRequest {
	questions := []*openflow.MultipartRequest{openflow.NewMultipartRequest(&openflow.QueueStatsRequest{Port: openflow.PortAny, Queue: queue})}
	for _, no := range ports {
		q := openflow.AggregateStatsRequest(*openflow.AllFlows())
		q.Cookie, q.CookieMask = purpose.MakeCookie(purpose.Allocation, 0), purpose.CookieMask|purpose.KindMask
		q.OutPort = no
		questions = append(questions, openflow.NewMultipartRequest(&q))
	}
	return questions
}

// lookAtQueues asks the switch and has the watches of the ports take in the
// answers. It reports whether the switch says what its queues send; one that
// does not answer in time may yet.
func (s *session) lookAtQueues(ctx context.Context, questions []*openflow.MultipartRequest, ports []openflow.PortNo, watches []queueWatch) (says bool) {
	ctx, cancel := context.WithTimeout(ctx, min(answerTime, s.cfg.Patience))
	defer cancel()
	bodies, err := s.questions(ctx, questions...)
	if err != nil {
		return true
	}
	queues, ok := bodies[0].(openflow.QueueStatsReply)
	if !ok {
		return false
	}
	sent := map[openflow.PortNo]uint64{}
	for _, q := range queues {
		if sent[q.Port] = q.TxPackets; q.TxPackets == math.MaxUint64 { // a counter that is not kept (section 7.3.5)
			return false
		}
	}
	for i, no := range ports {
		n, there := sent[no]
		if sum, ok := bodies[i+1].(*openflow.AggregateStatsReply); ok && there && sum.PacketCount != math.MaxUint64 {
			watches[i].look(sum.PacketCount, n)
		}
	}
	return true
}
