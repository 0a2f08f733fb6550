package path

import (
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/topology"
)

// A Query asks for one path.
type Query struct {
	From, To topology.PortID // edge ports of source and destination
	Rate     bitrate.Rate    // bit/s needed on every link from From to To; 0: any link will do
	Reverse  Reverse         // the same for the links back
	// Free returns what a directed link has free for the whole window, in
	// bit/s, trunk and access links alike. nil: the link's whole capacity.
	Free func(topology.Link) bitrate.Rate
	// FreeAt is used instead of Free if it is not nil. number is the link's in
	// the graph, see [Graph.Number], so that a table can answer without a
	// look-up by name; it is -1 for an access link, which has none.
	FreeAt func(number int32, l topology.Link) bitrate.Rate
	// Refused, if not nil, is called with every directed link that a search
	// rejects for lack of rate. When the search finds nothing, a path can exist
	// only once one of these has more free.
	Refused func(topology.Link)
	// Constraints say which paths will do; nil: all.
	Constraints *Constraints
}

func (q *Query) free(number int32, l *topology.Link) bitrate.Rate {
	switch {
	case q.FreeAt != nil:
		return q.FreeAt(number, *l)
	case q.Free != nil:
		return q.Free(*l)
	}
	return l.Capacity
}

// offers returns what a link has free; ok is false if that is less than a rate.
func (q *Query) offers(number int32, l *topology.Link, rate bitrate.Rate) (free bitrate.Rate, ok bool) {
	free = q.free(number, l)
	if free >= rate {
		return free, true
	}
	if q.Refused != nil {
		q.Refused(*l)
	}
	return free, false
}

// offersEdge returns what offers does, for both directions of a cable.
func (q *Query) offersEdge(e *edge) (width bitrate.Rate, ok bool) {
	forth, okForth := q.offers(e.forthNo, &e.forth, q.Rate)
	back, okBack := q.offers(e.backNo, &e.back, q.Reverse.Of(q.Rate))
	return q.width(forth, back), okForth && okBack
}

// width returns what of two links, there and back, counts as free: the lesser,
// or that of the one from the source if the rate back is another.
func (q *Query) width(forth, back bitrate.Rate) bitrate.Rate {
	if q.Reverse.Apart {
		return forth
	}
	return min(forth, back)
}

// Find does as [Graph.Find] over a graph made for this one search.
func Find(s *topology.Snapshot, q Query) (Path, bool) { return NewGraph(s).Find(q) }

// Find returns the best path between two edge ports: among those on which every
// link, access links included, has Rate free and the rate of Reverse back, the
// one with the least sum of metrics; among those, one whose narrowest link has
// most free, where only links from the source count if Reverse is apart. The
// same snapshot and query always give the same path. ok is false if no path has
// the rates, if the ends are not edge ports that are up, or if both ends are
// the same port, since no switch then carries the traffic.
func (g *Graph) Find(q Query) (p Path, ok bool) {
	p, _, ok = g.find(q, false)
	return p, ok
}

// Widest returns the path whose narrowest link has most free, at any cost in
// hops, and that link's free rate in bit/s. If Reverse is apart, the path has
// that rate back, and only links from the source count.
func (g *Graph) Widest(q Query) (p Path, width bitrate.Rate, ok bool) {
	q.Refused = nil
	if q.Constraints != nil && q.Constraints.Protected {
		return g.widestPair(q)
	}
	q.Rate = 0
	return g.find(q, true)
}

// widestPair does what Widest does for a path and its backup: the rate that it
// returns is what the links of both have free.
func (g *Graph) widestPair(q Query) (p Path, width bitrate.Rate, ok bool) {
	q.Rate = 0
	if p, ok = g.Find(q); !ok {
		return nil, 0, false
	}
	single, free := *q.Constraints, q
	single.Protected, free.Constraints = false, &single
	_, high, _ := g.Widest(free) // no pair has more
	for low := bitrate.Rate(0); low < high; {
		q.Rate = high - (high-low)/2
		if better, ok := g.Find(q); ok {
			p, low = better, q.Rate
		} else {
			high = q.Rate - 1
		}
		width = low
	}
	return p, width, true
}

func (g *Graph) find(q Query, wide bool) (p Path, width bitrate.Rate, ok bool) {
	first, last, width, ok := g.ends(&q)
	if !ok {
		return nil, 0, false
	}
	if q.Constraints != nil {
		s, at := g.findConfined(q.Constraints, first, last, wide, width, q.offersEdge)
		if at < 0 {
			return nil, 0, false
		}
		return s.path(at, q.From, q.To), s.ways[at].width, true
	}
	var bounds []uint32
	if !wide {
		if bounds = g.towards(last); bounds[first] == unreachable {
			return nil, 0, false
		}
	}
	s := newSearch(g, wide)
	defer s.release()
	if bounds != nil {
		s.total = uint64(bounds[first])
	}
	if !s.run(q, first, last, width, bounds) {
		return nil, 0, false
	}
	return s.walk(q, last), s.visits[last].width, true
}

// A Bottleneck is the directed link that lacks most of the rate that it is to
// have, on the path, or its backup, that would be taken if rates did not
// matter.
type Bottleneck struct {
	Link topology.Link
	Free bitrate.Rate // what it has free
	Back bool         // it is on the way back
}

// Bottleneck explains why there is no path with the query's rates. ok is false
// if there is no path at all.
func (g *Graph) Bottleneck(q Query) (b Bottleneck, ok bool) {
	rates := [2]bitrate.Rate{q.Rate, q.Reverse.Of(q.Rate)}
	q.Rate, q.Reverse, q.Refused = 0, Reverse{}, nil
	p, ok := g.Find(q)
	if !ok {
		return b, false
	}
	links := p.BothWays()
	if q.Constraints != nil && q.Constraints.Protected {
		backup, _ := g.Backup(q, p)
		links = slices.Concat(links, backup.BothWays())
	}
	least := int64(math.MaxInt64)
	for i, id := range links {
		l, _ := g.snapshot.Link(id)
		number := int32(-1)
		if id.From != topology.External && id.To != topology.External {
			number = g.Number(id)
		}
		free := q.free(number, &l)
		if left := int64(min(free, math.MaxInt64)) - int64(min(rates[i%2], math.MaxInt64)); i == 0 || left < least {
			least, b = left, Bottleneck{Link: l, Free: free, Back: i%2 == 1}
		}
	}
	return b, true
}

// ends returns the switches of both ends and what their access links have free.
func (g *Graph) ends(q *Query) (first, last int32, width bitrate.Rate, ok bool) {
	first, last, links, ok := g.accesses(q.From, q.To)
	if !ok {
		return 0, 0, 0, false
	}
	var free [4]bitrate.Rate
	enough, back := true, q.Reverse.Of(q.Rate)
	for i, rate := range [4]bitrate.Rate{q.Rate, back, back, q.Rate} {
		free[i], ok = q.offers(-1, &links[i], rate)
		enough = enough && ok
	}
	return first, last, min(q.width(free[0], free[1]), q.width(free[3], free[2])), enough
}

// accesses returns the switches of both ends and their access links: the first
// and the last one are those of traffic from the source. ok is false if they
// are not two edge ports that are up.
func (g *Graph) accesses(from, to topology.PortID) (first, last int32, links [4]topology.Link, ok bool) {
	first, okFirst := g.index[from.DPID]
	last, okLast := g.index[to.DPID]
	if !okFirst || !okLast || from == to {
		return 0, 0, links, false
	}
	for i, id := range [4]topology.LinkID{{To: from}, {From: from}, {To: to}, {From: to}} {
		if links[i], ok = g.snapshot.Link(id); !ok {
			return 0, 0, links, false
		}
	}
	return first, last, links, true
}
