package ofswitch

import (
	"container/heap"
	"time"
)

// A happening is something that happens to the network at a time.
type happening struct {
	at  time.Time
	seq uint64
	do  func()
	// A frame's arrival, where do is nil.
	to *side
	f  frame
}

type events []happening

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e events) Less(i, j int) bool {
	if c := e[i].at.Compare(e[j].at); c != 0 {
		return c < 0
	}
	return e[i].seq < e[j].seq
}
func (e *events) Push(x any) { *e = append(*e, x.(happening)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = happening{}
	*e = (*e)[:len(*e)-1]
	return last
}

// A fifo is a queue of events.
type fifo struct {
	list []happening
	head int
}

func (q *fifo) len() int { return len(q.list) - q.head }

func (q *fifo) push(ev happening) {
	if q.head > 64 && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, ev)
}

func (q *fifo) pop() happening {
	ev := q.list[q.head]
	q.list[q.head] = happening{}
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	return ev
}

// pendingLocked returns how many events there are.
func (n *Network) pendingLocked() int { return len(n.events) + n.ready.len() }

// scheduleLocked adds a happening that is due at ev.at.
func (n *Network) scheduleLocked(now time.Time, ev happening) {
	n.seq++
	ev.seq = n.seq
	first := n.ready.len() == 0
	if ev.at.After(now) {
		heap.Push(&n.events, ev)
		first = first && n.events[0].seq == ev.seq
	} else {
		n.ready.push(ev)
	}
	if first && !n.busy { // else run looks again before it sleeps
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// nextLocked takes the next happening that is due. If there is none, it returns
// how long it is until one is.
func (n *Network) nextLocked() (ev happening, wait time.Duration, ok bool) {
	if n.closed {
		return happening{}, time.Hour, false
	}
	if len(n.events) > 0 {
		first := n.events[0].at
		if n.ready.len() == 0 {
			if wait := time.Until(first); wait > 0 {
				return happening{}, wait, false
			}
		}
		if n.ready.len() == 0 || first.Before(n.ready.list[n.ready.head].at) {
			return heap.Pop(&n.events).(happening), 0, true
		}
	}
	if n.ready.len() == 0 {
		return happening{}, time.Hour, false
	}
	return n.ready.pop(), 0, true
}

// run carries frames until the network is closed.
func (n *Network) run() {
	defer n.wg.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := n.deliverDue()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-n.wake:
		case <-n.done:
			return
		}
	}
}

// burst is the number of frames after which the switches send the controllers
// what the frames have caused.
const burst = 512

// deliverDue does what is due and returns how long it is until the next
// happening.
func (n *Network) deliverDue() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	var talkers []*Switch // have something to send to a controller
	for done := 0; ; done++ {
		ev, wait, ok := n.nextLocked()
		if (!ok || done%burst == burst-1) && len(talkers) > 0 {
			n.busy = true
			n.mu.Unlock()
			for _, s := range talkers {
				s.mu.Lock()
				s.unlockAndFlush()
			}
			talkers = talkers[:0]
			n.mu.Lock()
			n.busy = false
			if !ok {
				continue // something may have come meanwhile
			}
		}
		if !ok {
			n.settledLocked()
			return wait
		}
		n.busy = true
		n.mu.Unlock()
		if ev.do != nil {
			ev.do()
		} else if s := ev.to.arrive(ev.f); s != nil {
			talkers = append(talkers, s)
		}
		n.mu.Lock()
		n.busy = false
	}
}

// settledLocked wakes the callers of Settle if no frame is on its way.
func (n *Network) settledLocked() {
	if n.idle != nil && (n.closed || n.pendingLocked() == 0) {
		close(n.idle)
		n.idle = nil
	}
}
