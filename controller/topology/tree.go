package topology

import (
	"slices"

	"conga/openflow"
)

// A forest keeps the links over which broadcasts travel, so that every switch
// is reached once. Links of the previous tree stay in it as long as they carry:
// a link that returns changes nothing, and at no moment do two trees form a
// ring. Of the others the cheapest are taken, as by Kruskal's algorithm.
//
// Each cable has whether it is of the tree. The switches that a tree joins
// share a label.
type forest struct {
	label  map[openflow.DPID]int // a switch without one is alone
	size   map[int]int
	next   int
	recall map[LinkID]bool // of the tree of an earlier run; until the first snapshot
}

func newForest() forest {
	return forest{label: map[openflow.DPID]int{}, size: map[int]int{}, recall: map[LinkID]bool{}}
}

// renew takes note of the cables that came to carry traffic and of those that
// ceased to, or that others are to take over from if they can: these carry
// still, and are last. It returns which joined the tree and which left it, and
// names such a cable as both if it stays.
//
// First the cables that came may join trees, then those that went are replaced,
// one by one. A cable that went counts as if it still carried until it is
// replaced, and so every step keeps the forest the cheapest one.
func (f *forest) renew(b *Builder, came, went []*cable) (joined, left []*cable) {
	slices.SortFunc(came, func(x, y *cable) int { return f.compare(x, y) })
	clear(f.recall)
	ghosts := map[openflow.DPID][]*cable{}
	for _, c := range went {
		if c.tree {
			left = append(left, c)
			for _, end := range c.ends {
				ghosts[end.DPID] = append(ghosts[end.DPID], c)
			}
		}
	}
	for _, c := range came {
		if f.merge(b, c, ghosts) {
			c.tree = true
			joined = append(joined, c)
		}
	}
	for _, c := range left {
		c.tree = false
		if r := f.replace(b, c, ghosts); r != nil {
			r.tree = true
			joined = append(joined, r)
		}
	}
	return joined, left
}

// compare orders cables: first those of the tree of an earlier run, then the
// cheaper.
func (f *forest) compare(x, y *cable) int {
	if kx, ky := f.recalled(x), f.recalled(y); kx != ky {
		if kx {
			return -1
		}
		return 1
	}
	return x.compare(y)
}

func (f *forest) recalled(c *cable) bool { return f.recall[c.id(0)] || f.recall[c.id(1)] }

// Joined reports whether links lead from one switch to the other.
func (b *Builder) Joined(x, y openflow.DPID) bool {
	return x == y || b.forest.labelOf(x) == b.forest.labelOf(y)
}

func (f *forest) labelOf(dpid openflow.DPID) int {
	l, ok := f.label[dpid]
	if !ok {
		l = f.next
		f.next++
		f.label[dpid], f.size[l] = l, 1
	}
	return l
}

// merge reports whether c joins two trees, and gives the smaller one the label
// of the other.
func (f *forest) merge(b *Builder, c *cable, ghosts map[openflow.DPID][]*cable) bool {
	from := c.ends[0].DPID
	old, label := f.labelOf(from), f.labelOf(c.ends[1].DPID)
	if old == label {
		return false
	}
	if f.size[old] > f.size[label] {
		from, old, label = c.ends[1].DPID, label, old
	}
	f.size[label] += f.size[old]
	delete(f.size, old)
	seen := map[openflow.DPID]bool{from: true}
	for reach := []openflow.DPID{from}; len(reach) > 0; {
		at := reach[len(reach)-1]
		reach = reach[:len(reach)-1]
		f.label[at] = label
		reach = append(reach, neighbours(b, at, ghosts[at], seen)...)
	}
	return true
}

// neighbours returns the switches, not in seen, that the tree joins to a
// switch, and adds them to seen. ghosts are cables of the tree that are no
// longer kept.
func neighbours(b *Builder, at openflow.DPID, ghosts []*cable, seen map[openflow.DPID]bool) (next []openflow.DPID) {
	visit := func(c *cable) {
		far := c.ends[0].DPID
		if far == at {
			far = c.ends[1].DPID
		}
		if c.tree && !seen[far] {
			seen[far] = true
			next = append(next, far)
		}
	}
	for _, c := range b.cables[at] {
		visit(c)
	}
	for _, c := range ghosts {
		visit(c)
	}
	return next
}

// replace returns the cheapest cable that joins again what lost joined, nil if
// there is none, and lost itself if it carries and no better one does.
func (f *forest) replace(b *Builder, lost *cable, ghosts map[openflow.DPID][]*cable) (best *cable) {
	side := smallerSide(b, lost, ghosts)
	for dpid := range side {
		for _, c := range b.cables[dpid] {
			if c.carries && !c.tree && side[c.ends[0].DPID] != side[c.ends[1].DPID] && (best == nil || c.compare(best) < 0) {
				best = c
			}
		}
	}
	if lost.carries && (best == nil || best.late) {
		return lost
	}
	if best != nil {
		return best
	}
	old, label := f.label[lost.ends[0].DPID], f.next
	f.next++
	f.size[old] -= len(side)
	f.size[label] = len(side)
	for dpid := range side {
		f.label[dpid] = label
	}
	return nil
}

// smallerSide returns the switches on one side of a cable that has left the
// tree. It walks both sides in step, and ends with the one that ends first.
func smallerSide(b *Builder, lost *cable, ghosts map[openflow.DPID][]*cable) map[openflow.DPID]bool {
	var seen [2]map[openflow.DPID]bool
	var reach [2][]openflow.DPID
	for i, end := range lost.ends {
		seen[i] = map[openflow.DPID]bool{end.DPID: true}
		reach[i] = []openflow.DPID{end.DPID}
	}
	for i := 0; ; i = 1 - i {
		n := len(reach[i])
		if n == 0 {
			return seen[i]
		}
		at := reach[i][n-1]
		reach[i] = append(reach[i][:n-1], neighbours(b, at, ghosts[at], seen[i])...)
	}
}
