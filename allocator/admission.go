package allocator

import (
	"fmt"
	"math"
	"time"

	"conga/controller/path"
	"conga/controller/topology"
)

// desk is where admission is decided: a pure function of the graph, the share
// and the books. Whoever asks on behalf of an allocation has struck that
// allocation's own holding from the books first.
type desk struct {
	snapshot *topology.Snapshot
	graph    *path.Graph // of the snapshot's switches and links
	share    share
	books    *books
	own      []claim[topology.LinkID] // in the books, but not to be counted by free
	block    *obstacles               // if not nil, takes down what stands in the way
}

// desk is where requests are placed now.
func (a *Allocator) desk() desk {
	a.observe()
	a.graph = a.graph.For(a.seen)
	return desk{snapshot: a.seen, graph: a.graph, share: a.share, books: &a.books}
}

// errand is what is to be placed.
type errand struct {
	Request
	from, to topology.PortID
	rivals   []path.FlowKey
	limit    topology.BitRate // of what the project may hold at a time; 0: none, or not to be looked at
}

// free is what allocations may still take of a link throughout a window.
func (d desk) free(l topology.Link, w Window) topology.BitRate {
	limit, peak := d.share.of(l.Capacity), d.books.links.peak(l.ID, w)
	for _, x := range d.own {
		if x.on == cableOf(l.ID) && x.window.Overlaps(w) {
			peak = d.others(l.ID, w)
			break
		}
	}
	return limit - min(limit, peak)
}

// others is the peak on a link of what is claimed besides our own.
func (d desk) others(id topology.LinkID, w Window) (peak topology.BitRate) {
	for w.Start < w.End {
		piece, own := w, topology.BitRate(0)
		for _, x := range d.own {
			switch {
			case x.on != cableOf(id) || x.window.End <= w.Start || x.window.Start >= piece.End:
			case x.window.Start > w.Start:
				piece.End = x.window.Start
			default:
				piece.End, own = min(piece.End, x.window.End), x.rate
			}
		}
		if p := d.books.links.peak(id, piece); p > own {
			peak = max(peak, p-own)
		}
		w.Start = piece.End
	}
	return peak
}

// fit is when the rate fits on a link for a window as long as w, at w or later.
func (d desk) fit(l topology.Link, w Window, rate topology.BitRate) int64 {
	limit := d.share.of(l.Capacity)
	switch {
	case rate == 0:
		return w.Start
	case limit < rate:
		return never
	}
	return d.books.links.fit(l.ID, w, limit-rate)
}

func (d desk) query(e errand, w Window) path.Query {
	return path.Query{From: e.from, To: e.to, Rate: e.Bandwidth, Free: func(l topology.Link) topology.BitRate { return d.free(l, w) }}
}

// find is the path on which the errand fits in exactly this window.
func (d desk) find(e errand, w Window) (path.Path, bool) {
	q := d.query(e, w)
	if d.block != nil {
		q.Refused = func(l topology.Link) { d.block.link(l.ID) }
	}
	return d.graph.Find(q)
}

// fits reports whether the errand fits on this path in exactly this window.
func (d desk) fits(e errand, p path.Path, w Window) bool {
	for _, id := range p.BothWays() {
		l, ok := d.snapshot.Link(id)
		if !ok || d.free(l, w) < e.Bandwidth {
			return false
		}
	}
	return true
}

// rivalled reports whether another allocation for the same traffic has part of
// the window.
func (d desk) rivalled(e errand, w Window) bool {
	for _, k := range e.rivals {
		if d.books.keys.taken(k, w) {
			d.block.key(k)
			return true
		}
	}
	return false
}

// locate finds both ends of a key. If it cannot, reason says which address is
// not known, and field is its API name.
func locate(s *topology.Snapshot, k path.FlowKey) (from, to topology.PortID, field, reason string) {
	from, okFrom := s.Locate(k.Src)
	to, okTo := s.Locate(k.Dst)
	const unknown = "has not been seen yet and no attachment covers it"
	switch {
	case !okFrom && !okTo:
		return from, to, "src_ip", fmt.Sprintf("%s %s, nor has %s", k.Src, unknown, k.Dst)
	case !okFrom:
		return from, to, "src_ip", fmt.Sprintf("%s %s", k.Src, unknown)
	case !okTo:
		return from, to, "dst_ip", fmt.Sprintf("%s %s", k.Dst, unknown)
	}
	return from, to, "", ""
}

// spot is where and when an allocation may be. If the window is zero it has to
// wait, and reason says for what.
type spot struct {
	window Window
	path   path.Path
	reason string
	block  *obstacles // what stands in the way of an earlier window; nil if nothing does
}

// place finds a request's window and path: the one asked for, or the earliest one
// that the limits allow. If it has to wait because something is not known or not
// there the spot has a reason; an error refuses it.
func (d desk) place(r Request, now int64, limits Limits) (spot, *Error) {
	from, to, _, reason := locate(d.snapshot, r.Key)
	if reason != "" {
		return spot{reason: reason + "; the allocation is planned as soon as it is known where that is"}, nil
	}
	e := errand{Request: r, from: from, to: to, rivals: d.books.rivals(r.Key), limit: limits.Bandwidth}
	if r.StartTime < now { // none was asked for, or what was asked for has passed
		if p, w, ok := d.earliest(e, now, never); ok {
			return spot{window: w, path: p}, nil
		}
		return d.refuse(e, Window{now, now + r.Duration})
	}
	w := Window{r.StartTime, r.StartTime + r.Duration}
	if d.rivalled(e, w) {
		return spot{}, d.rivalError(e, w)
	}
	if p, ok := d.find(e, w); ok {
		return spot{window: w, path: p}, nil
	}
	return d.refuse(e, w)
}

// rivalError says that the traffic is another allocation's for part of w.
func (d desk) rivalError(e errand, w Window) *Error {
	d.block = nil
	end := w.Start
	for _, k := range e.rivals {
		end = max(end, d.books.keys.fit(k, w))
	}
	err := &Error{Kind: Conflict, Err: fmt.Errorf(
		"another allocation for the same traffic has part of that window, until %s; start then or later, change that allocation, or say protocol and ports more precisely",
		clock(end))}
	if _, later, ok := d.earliest(e, w.Start, never); ok {
		err.Offer.Later = later.Start
	}
	return err
}

// refuse explains why there is no path with the rate in w. If there is no path
// at any rate the request has to wait, and that is not an error.
func (d desk) refuse(e errand, w Window) (spot, *Error) {
	d.block = nil // what is offered is no obstacle
	if e.from == e.to {
		return spot{}, &Error{Kind: Conflict, Field: "dst_ip", Err: fmt.Errorf(
			"%s and %s are both behind port %s, so no switch carries the traffic between them", e.Key.Src, e.Key.Dst, e.from)}
	}
	empty := path.Query{From: e.from, To: e.to, Rate: e.Bandwidth, Free: func(l topology.Link) topology.BitRate { return d.share.of(l.Capacity) }}
	link, most, ok := d.graph.Bottleneck(empty)
	if !ok {
		return spot{reason: fmt.Sprintf("no path leads from %s at %s to %s at %s now", e.Key.Src, e.from, e.Key.Dst, e.to)}, nil
	}
	err := &Error{Kind: Conflict, Field: "bandwidth", Bottleneck: &link.ID}
	if _, wide, ok := d.graph.Widest(d.query(e, w)); ok && wide < e.Bandwidth {
		err.Offer.Slower = wide
	}
	if _, ok := d.graph.Find(empty); !ok {
		_, widest, _ := d.graph.Widest(empty)
		err.Err = fmt.Errorf("%s never fits: link %s carries %s for allocations; the most that any path carries is %s",
			e.Bandwidth, link.ID, most, widest)
		return spot{}, err
	}
	link, left, _ := d.graph.Bottleneck(d.query(e, w))
	err.Err = fmt.Errorf("%s does not fit from %s to %s: link %s has %s of %s left, until %s%s", e.Bandwidth, clock(w.Start), clock(w.End),
		link.ID, left, d.share.of(link.Capacity), clock(d.fit(link, w, min(e.Bandwidth, d.share.of(link.Capacity)))), d.offer(e, w, &err.Offer))
	return spot{}, err
}

// offer looks for what would be admitted instead and says so.
func (d desk) offer(e errand, w Window, o *Offer) (text string) {
	if o.Slower > 0 {
		text = fmt.Sprintf("; ask for at most %s", o.Slower)
	}
	if _, later, ok := d.earliest(e, w.Start, never); ok && later.Start > w.Start {
		o.Later = later.Start
		text += fmt.Sprintf("; or start at %s", clock(o.Later))
	}
	return text
}

// clock prints a moment for people.
func clock(t int64) string {
	if t > math.MaxInt32*1000 {
		return "the end of time"
	}
	return time.Unix(t, 0).UTC().Format(time.RFC3339)
}
