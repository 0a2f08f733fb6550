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
	var all []holding
	c := e.record()
	if e.exists && !e.gone {
		all = append(all, c.hold())
	}
	if e.next != nil {
		all = append(all, e.next.hold())
	}
	for _, n := range e.network {
		if sameCircuit(n.circuit, c.Circuit()) && c.Window != (Window{}) {
			n.window = c.Window // it may have moved since the circuit was handed out
		}
		left := holding{links: linkClaims(n.circuit.Path, n.window, n.circuit.Rate)}
		if !e.gone {
			left.key = []claim[path.FlowKey]{{canonical(n.circuit.Key), n.window, 1}}
		}
		all = append(all, left)
	}
	if len(all) == 1 {
		return all[0], e.exists && !e.gone
	}
	for _, x := range all {
		h.links = hull(h.links, x.links)
		h.project = hull(h.project, x.project)
		h.key = hull(h.key, x.key)
		for _, p := range x.projects {
			if !slices.Contains(h.projects, p) {
				h.projects = append(h.projects, p)
			}
		}
	}
	return h, e.exists && !e.gone && same(h, all[0])
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
	of := make(map[K][]claim[K], len(a))
	var order []K
	for _, x := range slices.Concat(a, b) {
		if of[x.on] == nil {
			order = append(order, x.on)
		}
		of[x.on] = append(of[x.on], x)
	}
	var out []claim[K]
	for _, on := range order {
		out = appendOutline(out, of[on])
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

func (b *books) enter(h holding) {
	for _, x := range h.links {
		b.links.add(x)
	}
	for _, x := range h.project {
		b.projects.add(x)
	}
	for _, p := range h.projects {
		b.places[p]++
	}
	for _, x := range h.key {
		b.keys.add(x)
	}
}

// strike undoes enter.
func (b *books) strike(h holding) {
	for _, x := range h.links {
		b.links.remove(x)
	}
	for _, x := range h.project {
		b.projects.remove(x)
	}
	for _, p := range h.projects {
		if b.places[p]--; b.places[p] == 0 {
			delete(b.places, p)
		}
	}
	for _, x := range h.key {
		b.keys.remove(x)
	}
}

// rivals are the claimed keys that conflict with k.
func (b *books) rivals(k path.FlowKey) []path.FlowKey { return b.keys.rivals(k) }

func hostsOf(canonical path.FlowKey) hosts { return hosts{canonical.Src, canonical.Dst} }
