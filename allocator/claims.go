package allocator

import (
	"math"
	"math/bits"
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// share is the part of a link's capacity that allocations may hold, in
// millionths: a fraction such as 0.29 is not exact in binary, this is.
type share uint64

const wholeShare share = 1e6

func shareOf(reservable float64) share { return share(math.Round(reservable * float64(wholeShare))) }

// of is the most that allocations may hold of a capacity, rounded down. It is
// less than 2^62, so that sums of admitted rates stay far from overflowing.
func (s share) of(capacity topology.BitRate) topology.BitRate {
	hi, lo := bits.Mul64(uint64(capacity), uint64(s))
	q, _ := bits.Div64(hi, lo, uint64(wholeShare))
	return topology.BitRate(min(q, 1<<62-1))
}

// holding is all that one allocation keeps others from: capacity on links, its
// part of the project's limit, the use of its key, a place among the project's
// allocations.
type holding struct {
	links    []claim[topology.LinkID] // by cable: both directions of each
	project  []claim[string]
	key      []claim[path.FlowKey]
	projects []string // one place in each
}

// installed is a circuit that the network may hold, and the window for which it
// was handed out.
type installed struct {
	circuit path.Circuit
	window  Window
}

// hold is what a record keeps from others.
func (r *record) hold() (h holding) {
	if r.State == Complete {
		return h
	}
	h.projects = []string{r.ProjectID}
	if r.Window == (Window{}) {
		return h
	}
	h.links = linkClaims(r.Path, r.Window, r.Bandwidth)
	h.key = []claim[path.FlowKey]{{canonical(r.Key), r.Window, 1}}
	if r.Bandwidth > 0 {
		h.project = []claim[string]{{r.ProjectID, r.Window, r.Bandwidth}}
	}
	return h
}

// holds is what the books have of the entry.
func (e *entry) holds() holding {
	if e.held != nil {
		return *e.held
	}
	if !e.exists || e.gone {
		return holding{}
	}
	return e.record().hold()
}

// holdings is what an allocation keeps from others: what its committed state,
// its next state and the entries in the network take, each moment the most
// of them, since whichever of them comes true must fit. plain is true if that is
// what the committed state takes.
func (e *entry) holdings() (h holding, plain bool) {
	c := e.record()
	stands := e.exists && !e.gone
	var alone holding
	if stands {
		alone = c.hold()
		h = alone
	}
	if next := e.next; next != nil && !(stands && holdsSame(c, next)) {
		h = h.hull(next.hold())
	}
	current := c.Circuit()
	for _, n := range e.network {
		if sameCircuit(n.circuit, current) && c.Window != (Window{}) {
			if stands && c.State != Complete {
				continue // it is counted already
			}
			n.window = c.Window // it may have moved since the circuit was handed out
		}
		left := holding{links: linkClaims(n.circuit.Path, n.window, n.circuit.Rate)}
		if !e.gone {
			left.key = []claim[path.FlowKey]{{canonical(n.circuit.Key), n.window, 1}}
		}
		h = h.hull(left)
	}
	return h, stands && same(h, alone)
}

// holdsSame reports whether two states keep the same from others.
func holdsSame(a, b *record) bool {
	return a.State != Complete && b.State != Complete && a.ProjectID == b.ProjectID && a.Window == b.Window &&
		a.Bandwidth == b.Bandwidth && a.Key == b.Key && a.Path.Equal(b.Path)
}

// hull is the least holding that takes as much as both at every moment.
func (h holding) hull(o holding) holding {
	h.links, h.project, h.key = hull(h.links, o.links), hull(h.project, o.project), hull(h.key, o.key)
	for _, p := range o.projects {
		if !slices.Contains(h.projects, p) {
			h.projects = append(slices.Clip(h.projects), p)
		}
	}
	return h
}

func linkClaims(p path.Path, w Window, rate topology.BitRate) []claim[topology.LinkID] {
	if rate == 0 || w.Start >= w.End || len(p) == 0 {
		return nil
	}
	links := p.Links()
	claims := make([]claim[topology.LinkID], len(links))
	for i, l := range links {
		claims[i] = claim[topology.LinkID]{cableOf(l), w, rate}
	}
	return claims
}

// hull is the least set of claims that holds, at every moment, as much as a and
// as much as b. Neither of them claims anything twice at the same moment.
func hull[K comparable](a, b []claim[K]) []claim[K] {
	if len(a) == 0 || slices.Equal(a, b) {
		return b
	}
	if len(b) == 0 {
		return a
	}
	var order []K
	for _, x := range a {
		if !slices.Contains(order, x.on) {
			order = append(order, x.on)
		}
	}
	for _, x := range b {
		if !slices.Contains(order, x.on) {
			order = append(order, x.on)
		}
	}
	out := make([]claim[K], 0, len(order))
	var claims []claim[K]
	for _, on := range order {
		claims = appendOn(appendOn(claims[:0], a, on), b, on)
		if len(claims) == 1 || len(claims) == 2 && claims[0] == claims[1] {
			out = append(out, claims[0])
		} else {
			out = appendOutline(out, claims)
		}
	}
	return out
}

// appendOn appends the claims on one thing.
func appendOn[K comparable](out, claims []claim[K], on K) []claim[K] {
	for _, x := range claims {
		if x.on == on {
			out = append(out, x)
		}
	}
	return out
}

// appendOutline appends the pointwise greatest of claims on one thing.
func appendOutline[K comparable](out, claims []claim[K]) []claim[K] {
	var cuts []int64
	for _, x := range claims {
		cuts = append(cuts, x.window.Start, x.window.End)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	first := len(out)
	for i := 1; i < len(cuts); i++ {
		piece := claim[K]{claims[0].on, Window{cuts[i-1], cuts[i]}, 0}
		for _, x := range claims {
			if x.window.Contains(piece.window.Start) {
				piece.rate = max(piece.rate, x.rate)
			}
		}
		switch last := len(out) - 1; {
		case piece.rate == 0:
		case last >= first && out[last].rate == piece.rate && out[last].window.End == piece.window.Start:
			out[last].window.End = piece.window.End
		default:
			out = append(out, piece)
		}
	}
	return out
}

// canonical is the same for a key and its reverse, which match the same packets.
func canonical(k path.FlowKey) path.FlowKey {
	if k.Dst.Less(k.Src) {
		return k.Reverse()
	}
	return k
}

// books are the calendars of everything that is held. The allocator's lock
// guards them.
type books struct {
	links    cableBook
	projects calendar[string]
	keys     keyBook
	places   map[string]int // per project: allocations that are not complete
}

// hosts are two addresses, the lower one first.
type hosts [2]netip.Addr

func newBooks() books {
	return books{
		links: cableBook{calendar[topology.LinkID]{}}, projects: calendar[string]{}, keys: newKeyBook(),
		places: map[string]int{},
	}
}

func (b *books) enter(h holding) { b.replace(holding{}, h) }

// strike undoes enter.
func (b *books) strike(h holding) { b.replace(h, holding{}) }

// replace strikes one holding and enters another, of which only the difference costs.
func (b *books) replace(old, now holding) {
	replace(old.links, now.links, b.links.remove, b.links.add)
	replace(old.project, now.project, b.projects.remove, b.projects.add)
	replace(old.key, now.key, b.keys.remove, b.keys.add)
	if slices.Equal(old.projects, now.projects) {
		return
	}
	for _, p := range old.projects {
		if b.places[p]--; b.places[p] == 0 {
			delete(b.places, p)
		}
	}
	for _, p := range now.projects {
		b.places[p]++
	}
}

func replace[K comparable](old, now []claim[K], remove, add func(claim[K])) {
	if slices.Equal(old, now) {
		return
	}
	for _, x := range old {
		if !slices.Contains(now, x) {
			remove(x)
		}
	}
	for _, x := range now {
		if !slices.Contains(old, x) {
			add(x)
		}
	}
}

// rivals are the claimed keys that conflict with k.
func (b *books) rivals(k path.FlowKey) []path.FlowKey { return b.keys.rivals(k) }

func hostsOf(canonical path.FlowKey) hosts { return hosts{canonical.Src, canonical.Dst} }
