package connections

import (
	"net/netip"

	"conga/controller/path"
)

// A Flow is the traffic of an allocation of a project.
type Flow struct {
	Project string
	Key     path.FlowKey
}

// A pair is two hosts of which a project has reported connections, the lower
// address first.
type pair struct {
	project string
	a, b    netip.Addr
}

func pairOf(project string, k path.FlowKey) pair {
	k = oriented(k)
	return pair{project, k.Src, k.Dst}
}

// oriented returns the key as seen from its lower address: a flow and the flow
// back become the same.
func oriented(k path.FlowKey) path.FlowKey {
	if k.Dst.Less(k.Src) {
		return k.Reverse()
	}
	return k
}

// A shape says which of protocol and ports an oriented key names.
type shape struct{ proto, src, dst bool }

func shapeOf(k path.FlowKey) shape {
	return shape{k.Proto != path.ProtoAny, !k.SrcPort.Any(), !k.DstPort.Any()}
}

// of returns k without what the shape does not name. A connection's oriented
// key is covered by a wider one if, in the wider one's shape, they are equal.
func (s shape) of(k path.FlowKey) path.FlowKey {
	if !s.proto {
		k.Proto = path.ProtoAny
	}
	if !s.src {
		k.SrcPort = path.Ports{}
	}
	if !s.dst {
		k.DstPort = path.Ports{}
	}
	return k
}

// tally counts connections between two hosts for several keys at once. It looks
// at each connection once for each shape, of which there are eight at most, and
// not once for each key, but for those that have several ports.
type tally struct {
	shapes  []shape
	several []path.FlowKey
	count   map[path.FlowKey]int
}

func newTally() *tally { return &tally{count: map[path.FlowKey]int{}} }

// want makes the connections of an oriented key count.
func (t *tally) want(k path.FlowKey) {
	if _, known := t.count[k]; known {
		return
	}
	t.count[k] = 0
	_, one := k.SrcPort.One()
	if _, other := k.DstPort.One(); !one || !other {
		t.several = append(t.several, k)
		return
	}
	s := shapeOf(k)
	for _, known := range t.shapes {
		if known == s {
			return
		}
	}
	t.shapes = append(t.shapes, s)
}

// add counts a connection by its oriented key.
func (t *tally) add(k path.FlowKey) {
	for _, s := range t.shapes {
		masked := s.of(k)
		if n, wanted := t.count[masked]; wanted {
			t.count[masked] = n + 1
		}
	}
	for _, wide := range t.several {
		if wide.Covers(k) {
			t.count[wide]++
		}
	}
}
