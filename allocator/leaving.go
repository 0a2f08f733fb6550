package allocator

import (
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// leaving is the index of what the network holds past its time. A circuit that
// ends at a moment is still there when its successor is due at that moment, and
// longer if the removal is slow.
type leaving struct {
	links map[topology.LinkID]*exit      // circuits with a rate, by cable
	pairs map[hosts]map[path.FlowKey]int // by the traffic that they are for
	queue map[hosts][]*item              // whose installation waits for such traffic to go
	most  int                            // circuits that one item has had here at once
}

// exit is a cable that circuits with a rate are leaving.
type exit struct {
	circuits int
	queue    []*item // whose installation waits for them
}

func newLeaving() leaving {
	return leaving{links: map[topology.LinkID]*exit{}, pairs: map[hosts]map[path.FlowKey]int{}, queue: map[hosts][]*item{}}
}

// departLocked sets which circuits of an item are leaving. What has waited for
// one that has left is tried again.
func (a *Allocator) departLocked(it *item, circuits []installed) {
	if len(circuits) == 0 && len(it.leaving) == 0 {
		return
	}
	before := it.leaving
	it.own().leaving = circuits
	a.leaving.most = max(a.leaving.most, len(circuits))
	for _, n := range circuits {
		a.leaving.add(n.circuit)
	}
	for _, n := range before {
		for _, waits := range a.leaving.remove(n.circuit) {
			if waits.parked {
				waits.parked = false
				a.rescheduleLocked(waits)
				a.signal()
			}
		}
	}
}

func (l *leaving) add(c path.Circuit) {
	for _, id := range ratedLinks(c) {
		x := l.links[id]
		if x == nil {
			x = &exit{}
			l.links[id] = x
		}
		x.circuits++
	}
	k := canonical(c.Key)
	pair := hostsOf(k)
	if l.pairs[pair] == nil {
		l.pairs[pair] = map[path.FlowKey]int{}
	}
	l.pairs[pair][k]++
}

// remove undoes add and returns the items that waited for the circuit and need
// not wait for another like it. None waits for its own.
func (l *leaving) remove(c path.Circuit) (woken []*item) {
	for _, id := range ratedLinks(c) {
		x := l.links[id]
		x.circuits--
		var free []*item
		free, x.queue = l.waking(x.queue, x.circuits, func(c path.Circuit) bool { return slices.Contains(ratedLinks(c), id) })
		if woken = append(woken, free...); x.circuits == 0 {
			delete(l.links, id)
		}
	}
	k := canonical(c.Key)
	pair := hostsOf(k)
	keys := l.pairs[pair]
	keys[k]--
	free, queue := l.waking(l.queue[pair], keys[k], func(c path.Circuit) bool { return canonical(c.Key) == k })
	if woken = append(woken, free...); len(queue) > 0 {
		l.queue[pair] = queue
	} else {
		delete(l.queue, pair)
	}
	if keys[k] > 0 {
		return woken
	}
	if delete(keys, k); len(keys) == 0 {
		delete(l.pairs, pair)
	}
	return woken
}

// waking returns which of a queue are free to go, and which stay, while so many
// circuits of a kind are leaving. A waiter does not wait for its own circuits.
func (l *leaving) waking(queue []*item, left int, kind func(path.Circuit) bool) (free, stay []*item) {
	if left > l.most { // no item owns as many
		return nil, queue
	}
	for _, it := range queue {
		own := 0
		if left > 0 && left <= len(it.leaving) {
			for _, n := range it.leaving {
				if kind(n.circuit) {
					own++
				}
			}
		}
		if own >= left {
			free = append(free, it)
		} else {
			stay = append(stay, it)
		}
	}
	return free, stay
}

// ratedLinks returns the cables on which a circuit holds a rate.
func ratedLinks(c path.Circuit) []topology.LinkID {
	if c.Rate == 0 {
		return nil
	}
	links := c.Links()
	for i, id := range links {
		links[i] = cableOf(id)
	}
	return links
}

// hasAsMuch reports whether the switches have the circuit already, at its rate
// or a higher one.
func (it *item) hasAsMuch(c path.Circuit) bool {
	for _, n := range it.network {
		if alike(n.circuit, c) && n.circuit.Rate >= c.Rate {
			return true
		}
	}
	return false
}

// blocks reports whether a circuit that is leaving has the same traffic, so
// that removing it could remove the item's entries with it, or a rate on the
// item's path. The item then waits for that.
func (l *leaving) blocks(it *item, c path.Circuit) bool {
	pair := hostsOf(canonical(c.Key))
	for k := range l.pairs[pair] {
		if k.Conflicts(c.Key) {
			l.queue[pair] = append(l.queue[pair], it)
			return true
		}
	}
	if c.Rate == 0 || len(l.links) == 0 || it.hasAsMuch(c) {
		return false
	}
	for _, id := range ratedLinks(c) {
		if x := l.links[id]; x != nil {
			x.queue = append(x.queue, it)
			return true
		}
	}
	return false
}
