//go:build linux

package main

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A recorder counts what reaches the emulated switches.
type recorder struct {
	seed  maphash.Seed
	last  atomic.Int64  // UNIX nanoseconds of the last change of a switch
	open  atomic.Int64  // switches that were changed and not asked for a barrier since
	acked chan struct{} // capacity 1: no switch is open any more
	marks map[openflow.DPID]*mark
}

// A mark is what has reached one switch since the last reset.
type mark struct {
	mu   sync.Mutex
	open bool // see recorder.open
	counts
}

type counts struct {
	flows   int // flow mods
	meters  int
	outs    int             // packet-outs
	again   int             // flow mods that had come before, to the byte
	asked   bool            // for its flow entries
	polls   int             // questions for what its ports have counted
	seen    map[uint64]bool // nil: repetitions are not looked for
	scratch []byte
}

// A tally adds up what has reached all switches.
type tally struct {
	flows, meters, outs, again int
	polls                      int
	written                    map[openflow.DPID]int // flow and meter mods of those switches that got any
}

// record has a recorder listen at all switches of a network.
func record(n *ofswitch.Network) *recorder {
	r := &recorder{seed: maphash.MakeSeed(), acked: make(chan struct{}, 1), marks: map[openflow.DPID]*mark{}}
	for _, s := range n.Switches() {
		m := &mark{}
		r.marks[s.DPID()] = m
		s.OnMessage(func(msg openflow.Message) { r.hear(m, msg) })
	}
	return r
}

func (r *recorder) hear(m *mark, msg openflow.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch msg := msg.(type) {
	case *openflow.FlowMod:
		m.flows++
		if m.seen != nil {
			m.scratch, _ = openflow.Append(m.scratch[:0], 0, msg)
			h := maphash.Bytes(r.seed, m.scratch)
			if m.seen[h] {
				m.again++
			}
			m.seen[h] = true
		}
	case *openflow.MeterMod:
		m.meters++
	case *openflow.PacketOut:
		m.outs++
		return
	case *openflow.BarrierRequest:
		if m.open {
			m.open = false
			if r.open.Add(-1) == 0 {
				select {
				case r.acked <- struct{}{}:
				default:
				}
			}
		}
		return
	case *openflow.MultipartRequest:
		m.asked = m.asked || msg.MPType == openflow.MultipartFlow
		if msg.MPType == openflow.MultipartPortStats {
			m.polls++
		}
		return
	default:
		return
	}
	r.last.Store(time.Now().UnixNano())
	if !m.open {
		m.open = true
		r.open.Add(1)
	}
}

// reset starts the counts anew. With repeats, flow mods that come twice are
// counted.
func (r *recorder) reset(repeats bool) {
	for _, m := range r.marks {
		m.mu.Lock()
		m.counts = counts{scratch: m.scratch}
		if repeats {
			m.seen = map[uint64]bool{}
		}
		m.mu.Unlock()
	}
}

// sum returns what has come since the last reset.
func (r *recorder) sum() tally {
	t := tally{written: map[openflow.DPID]int{}}
	for d, m := range r.marks {
		m.mu.Lock()
		t.flows, t.meters, t.outs, t.again = t.flows+m.flows, t.meters+m.meters, t.outs+m.outs, t.again+m.again
		t.polls += m.polls
		if n := m.flows + m.meters; n > 0 {
			t.written[d] = n
		}
		m.mu.Unlock()
	}
	return t
}

// lastChange returns when a flow or meter mod came last; the zero time if none
// has.
func (r *recorder) lastChange() time.Time {
	if n := r.last.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// asked returns how many switches have been asked for their flow entries since
// the last reset.
func (r *recorder) asked() (n int) {
	for _, m := range r.marks {
		m.mu.Lock()
		if m.asked {
			n++
		}
		m.mu.Unlock()
	}
	return n
}
