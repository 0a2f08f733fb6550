package connections

import (
	"slices"

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
	a, b    path.Prefix
}

func pairOf(project string, k path.FlowKey) pair {
	k = oriented(k)
	return pair{project, k.Src, k.Dst}
}

// everywhere returns what stands for all pairs of hosts of which a project has
// reported connections.
func everywhere(project string) pair { return pair{project: project} }

// rangeOf returns the pair of hosts among whose connections those of a flow
// are, or everywhere if it has a prefix.
func rangeOf(f Flow) pair {
	if !f.Key.Hosts() {
		return everywhere(f.Project)
	}
	return pairOf(f.Project, f.Key)
}

// oriented returns the key as seen from its lower address: a flow and the flow
// back become the same.
func oriented(k path.FlowKey) path.FlowKey {
	if k.Dst.Less(k.Src) {
		return k.Reverse()
	}
	return k
}

// A shape says which of protocol and ports an oriented key names, and how long
// its prefixes are.
type shape struct {
	proto, src, dst  bool
	srcBits, dstBits int
}

func shapeOf(k path.FlowKey) shape {
	return shape{k.Proto != path.ProtoAny, !k.SrcPort.Any(), !k.DstPort.Any(), k.Src.Bits(), k.Dst.Bits()}
}

// of returns k without what the shape does not name, and with its prefixes as
// wide. A connection's oriented key is covered by a wider one if, in the wider
// one's shape, they are equal: the two sides of a key have no host in common,
// so that the lower one has the connection's lower address.
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
	if s.srcBits < k.Src.Bits() {
		k.Src = k.Src.Widen(s.srcBits)
	}
	if s.dstBits < k.Dst.Bits() {
		k.Dst = k.Dst.Widen(s.dstBits)
	}
	return k
}

// tally counts connections for several keys at once. It looks at each
// connection once for each shape, of which there are eight at most between two
// hosts, and not once for each key, but for those that have several ports.
type tally struct {
	shapes  []shape
	several map[path.FlowKey][]path.FlowKey // those that have several ports, by the key of any between their hosts
	lengths []shape                         // of the keys that several is by
	count   map[path.FlowKey]int
}

func newTally() *tally {
	return &tally{several: map[path.FlowKey][]path.FlowKey{}, count: map[path.FlowKey]int{}}
}

// want makes the connections of an oriented key count.
func (t *tally) want(k path.FlowKey) {
	if _, known := t.count[k]; known {
		return
	}
	t.count[k] = 0
	_, one := k.SrcPort.One()
	if _, other := k.DstPort.One(); !one || !other {
		all := path.FlowKey{Src: k.Src, Dst: k.Dst}
		t.several[all] = append(t.several[all], k)
		t.lengths = appendNew(t.lengths, shapeOf(all))
		return
	}
	t.shapes = appendNew(t.shapes, shapeOf(k))
}

// appendNew appends a shape that is not there yet.
func appendNew(list []shape, s shape) []shape {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// add counts a connection by its oriented key.
func (t *tally) add(k path.FlowKey) {
	for _, s := range t.shapes {
		masked := s.of(k)
		if n, wanted := t.count[masked]; wanted {
			t.count[masked] = n + 1
		}
	}
	for _, s := range t.lengths {
		for _, wide := range t.several[s.of(k)] {
			if wide.Covers(k) {
				t.count[wide]++
			}
		}
	}
}
