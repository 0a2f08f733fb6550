package allocator

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// planner decides admission: it is a pure function of the snapshot, the share
// and the calendars. A caller that asks on behalf of an allocation has taken
// that allocation's own reservations out of the calendars first.
type planner struct {
	snapshot  *topology.Snapshot
	graph     *path.Graph // of the snapshot's switches and links
	share     share
	calendars *calendars
	own       []reservation[lane]         // in the calendars, but not to be counted by free
	obstacles *obstacles                  // if not nil, takes down what stands in the way
	strict    bool                        // no rate is promised where it is not enforced
	least     bitrate.Rate                // that may be picked
	longest   Seconds                     // that a window may last for which the rate is picked; 0: MaxDuration
	terse     bool                        // refusals have neither words nor offers
	pathsOf   func(id string) []path.Path // of another allocation
	spared    []path.Path                 // of which no link is to be used: those of allocations that are to be disjoint
	allowance *bitrate.Rate               // of the project, which a refusal has in mind; nil: any
	readings  *readings                   // if not nil, what has been read, which stays so
	constant  bool                        // no profile is looked for
	after     []Step                      // what is asked for after the window, where closures do not count; see stageFinder
}

// errRefused is the cause of a terse planner's refusals.
var errRefused = errors.New("it does not fit")

// plannerLocked returns the planner for the network and the calendars as they
// are now.
func (a *Allocator) plannerLocked() planner {
	a.observeLocked()
	a.graph = a.graph.For(a.seen)
	return planner{snapshot: a.seen, graph: a.graph, share: a.share, calendars: &a.calendars, strict: a.cfg.RequireMeters, least: a.cfg.Least, pathsOf: a.pathsOfLocked}
}

// demand is a request whose ends have been located.
type demand struct {
	Request
	from, to    topology.PortID
	conflicting []ownedKey
	limit       *bitrate.Rate // of what the project may hold at a time; nil: any, or not to be looked at
	steps       []Step        // that it is to have, of which Bandwidth is the highest; nil: that, all the time
}

// need is a link, and the rate that a demand needs of it.
type need struct {
	id   topology.LinkID
	rate bitrate.Rate
}

// accesses returns the access links of both ends.
func (d *demand) accesses() [4]need {
	back := d.back()
	return [4]need{
		{topology.LinkID{To: d.from}, d.Bandwidth}, {topology.LinkID{From: d.from}, back},
		{topology.LinkID{To: d.to}, back}, {topology.LinkID{From: d.to}, d.Bandwidth},
	}
}

// free returns what allocations may still take of a link throughout a window,
// in bit/s, and of what is asked for after it.
func (pl planner) free(l topology.Link, w Window) bitrate.Rate {
	rate := pl.freeIn(&pl.calendars.room, l, w)
	for _, s := range pl.after {
		rate = min(rate, pl.freeIn(pl.calendars.links, l, s.Window))
	}
	return rate
}

// peaks tells what is taken of links, at most, throughout a window.
type peaks interface {
	peak(id topology.LinkID, w Window) bitrate.Rate
}

// freeIn returns what a link has free throughout a window by a calendar, in
// bit/s.
func (pl planner) freeIn(c peaks, l topology.Link, w Window) bitrate.Rate {
	limit, peak := pl.limitOf(l), c.peak(l.ID, w)
	for _, x := range pl.own {
		if x.on.covers(l.ID) && x.window.Overlaps(w) {
			peak = pl.others(c, l.ID, w)
			break
		}
	}
	return limit - min(limit, peak)
}

// freeAfter reports whether a link has free what is asked for after the window.
func (pl planner) freeAfter(l topology.Link) bool {
	return !slices.ContainsFunc(pl.after, func(s Step) bool { return pl.freeIn(pl.calendars.links, l, s.Window) < s.Rate })
}

// freeOfOthers returns what free does, as if nothing were closed.
func (pl planner) freeOfOthers(l topology.Link, w Window) bitrate.Rate {
	limit := pl.limitOf(l)
	return limit - min(limit, pl.calendars.links.peak(l.ID, w))
}

// others returns the peak on a link of what a calendar has besides pl.own, in
// bit/s.
func (pl planner) others(c peaks, id topology.LinkID, w Window) (peak bitrate.Rate) {
	for w.Start < w.End {
		piece, own := w, bitrate.Rate(0)
		for _, x := range pl.own {
			switch {
			case !x.on.covers(id) || x.window.End <= w.Start || x.window.Start >= piece.End:
			case x.window.Start > w.Start:
				piece.End = x.window.Start
			default:
				piece.End, own = min(piece.End, x.window.End), x.rate
			}
		}
		if p := c.peak(id, piece); p > own {
			peak = max(peak, p-own)
		}
		w.Start = piece.End
	}
	return peak
}

func (pl planner) query(d demand, w Window) path.Query {
	if len(d.steps) > 0 {
		return pl.over(d, pl.freeFor(d))
	}
	if d.Bandwidth == 0 && pl.calendars.room.some() {
		return pl.queryOpen(d, w)
	}
	if pl.readings != nil {
		return pl.readings.query(pl, d, w)
	}
	return pl.over(d, func(l topology.Link) bitrate.Rate { return pl.free(l, w) })
}

// queryOpen returns the query for a path of links that are not closed in a
// window, for a demand that asks for no rate: each of them has one bit/s.
func (pl planner) queryOpen(d demand, w Window) path.Query {
	q := pl.over(d, func(l topology.Link) bitrate.Rate {
		if pl.calendars.room.closed(l.ID, w) {
			return 0
		}
		return max(1, pl.free(l, w))
	})
	q.Rate = 1
	return q
}

// has reports whether a link has a rate left throughout a window, and is not
// closed in it.
func (pl planner) has(l topology.Link, w Window, rate bitrate.Rate) bool {
	return pl.free(l, w) >= rate && (rate > 0 || !pl.calendars.room.closed(l.ID, w))
}

// over returns the query for a path with the demand's rates where links have as
// much free.
func (pl planner) over(d demand, free func(topology.Link) bitrate.Rate) path.Query {
	return path.Query{From: d.from, To: d.to, Rate: d.Bandwidth, Reverse: d.Reverse, Free: free, Constraints: pl.confines(&d.Request)}
}

// find returns the path on which the demand fits in exactly this window; ok is
// false if there is none.
func (pl planner) find(d demand, w Window) (path.Path, bool) {
	return pl.graph.Find(pl.noting(pl.query(d, w)))
}

// noting returns a query that takes down the links that refuse it, if the
// planner does.
func (pl planner) noting(q path.Query) path.Query {
	if pl.obstacles != nil {
		q.Refused = func(l topology.Link) { pl.obstacles.link(l.ID) }
	}
	return q
}

// fits reports whether the demand fits on this path in exactly this window.
func (pl planner) fits(d demand, p path.Path, w Window) bool {
	for _, id := range p.Links() {
		for _, x := range [...]need{{id, d.Bandwidth}, {id.Reverse(), d.back()}} {
			l, ok := pl.snapshot.Link(x.id)
			if !ok || !pl.has(l, w, x.rate) || len(d.steps) > 0 && !pl.freeAfter(l) {
				return false
			}
		}
	}
	c := pl.confines(&d.Request)
	return c == nil || c.Met(pl.snapshot, p)
}

// taken reports whether another allocation for the same traffic has part of
// the window.
func (pl planner) taken(d demand, w Window) bool {
	for _, k := range d.conflicting {
		if pl.calendars.keys.taken(k, w) {
			pl.obstacles.key(k.FlowKey)
			return true
		}
	}
	return false
}

// takenError returns the refusal of a window of which another allocation has
// part for the same traffic.
func (pl planner) takenError(d demand, w Window) *Error {
	if pl.terse {
		return &Error{Kind: Conflict, Err: errRefused}
	}
	pl.obstacles = nil
	end, whose, instead := w.Start, "another allocation for the same traffic", "change that allocation, or say protocol and ports more precisely"
	for _, k := range d.conflicting {
		until := pl.calendars.keys.fit(k, w)
		switch {
		case until <= w.Start:
		case k.by.project.Value() == d.ProjectID:
			if !k.Covers(d.Key) {
				whose = "another allocation for part of this traffic"
			}
		default:
			whose, instead = "an allocation of another project for this traffic, or for more that has it in it,", "or agree with that project"
		}
		end = max(end, until)
	}
	err := &Error{Kind: Conflict, InTheWay: Window{w.Start, end}, Err: fmt.Errorf(
		"%s has part of that window, until %s; start then or later, %s", whose, clock(end), instead)}
	if _, later, ok := pl.earliest(d, w.Start, never); ok {
		err.Offer.Later = later.Start
	}
	return err
}

// refuse returns the error that says why there is no path with the rate in w.
// If there is no path at any rate the request has to wait: the placement has a
// reason, and the error is nil.
func (pl planner) refuse(d demand, w Window) (placement, *Error) {
	pl.obstacles = nil // what is offered is no obstacle
	if pl.readings == nil {
		pl.readings = &readings{}
	}
	if d.from == d.to {
		return placement{}, &Error{Kind: Conflict, Field: "dst_ip", Err: fmt.Errorf(
			"%s and %s are both behind port %s, so no switch carries the traffic between them", d.Key.Src, d.Key.Dst, d.from)}
	}
	if err := pl.confinedError(d); err != nil {
		return placement{}, err
	}
	empty := pl.over(d, pl.limitOf)
	if err := pl.unenforcedError(d); err != nil {
		return placement{}, err
	}
	narrow, ok := pl.graph.Bottleneck(empty)
	if ok && pl.terse {
		return placement{}, &Error{Kind: Conflict, Err: errRefused}
	}
	if !ok {
		return placement{reason: fmt.Sprintf("no path leads from %s at %s to %s at %s now", d.Key.Src, d.from, d.Key.Dst, d.to)}, nil
	}
	err := &Error{Kind: Conflict, Field: "bandwidth", Bottleneck: &narrow.Link.ID, readings: pl.readings}
	if _, wide, ok := pl.graph.Widest(pl.query(d, w)); ok && wide < d.Bandwidth {
		err.Offer.Slower = wide
	}
	if _, ok := pl.graph.Find(empty); !ok {
		err.Field, err.Err = d.fieldOf(narrow), pl.neverError(d, narrow)
		return placement{}, pl.alsoConfined(d, w, err)
	}
	narrow, _ = pl.graph.Bottleneck(pl.query(d, w))
	link := narrow.Link
	rate, what := d.rateOf(narrow)
	limit := pl.limitOf(link)
	room := limit - min(rate, limit)
	until := pl.calendars.room.fit(link.ID, w, room)
	err.Field, err.InTheWay = d.fieldOf(narrow), pl.calendars.room.above(link.ID, w, room)
	why := fmt.Sprintf("link %s has %s of %s left, until %s", link.ID, narrow.Free, limit, clock(until))
	if text := pl.calendars.room.why([]topology.LinkID{link.ID}, w); text != "" {
		err.Field, why = "", text
	}
	err.Err = fmt.Errorf("%s does not fit from %s to %s: %s%s", what, clock(w.Start), clock(w.End), why, pl.offer(d, w, &err.Offer))
	return placement{}, pl.alsoConfined(d, w, err)
}

// neverError returns, in words, that no path has the demand's rates even if
// nothing is reserved.
func (pl planner) neverError(d demand, narrow path.Bottleneck) error {
	_, what := d.rateOf(narrow)
	_, widest, ok := pl.graph.Widest(pl.over(d, pl.limitOf))
	most := fmt.Sprintf("the most that any path carries is %s", widest)
	if d.Reverse.Apart {
		_, back, okBack := pl.graph.Widest(pl.over(d.backward(), pl.limitOf))
		most = fmt.Sprintf("the most that any path carries is %s, or %s back", widest, back)
		if !ok || !okBack {
			most = "no path carries both rates"
		}
	}
	return fmt.Errorf("%s never fits: link %s carries %s for allocations; %s", what, narrow.Link.ID, narrow.Free, most)
}

// backward returns the demand with source and destination exchanged.
func (d demand) backward() demand {
	d.from, d.to = d.to, d.from
	d.Bandwidth, d.Reverse.Rate = d.Reverse.Rate, d.Bandwidth
	return d
}

// rateOf returns the rate that the demand needs of a link that does not have
// it, also in words.
func (d *demand) rateOf(narrow path.Bottleneck) (rate bitrate.Rate, what string) {
	if narrow.Back && d.Reverse.Apart {
		return d.Reverse.Rate, fmt.Sprintf("%s back", d.Reverse.Rate)
	}
	if d.Bandwidth == 0 {
		return 0, "it"
	}
	return d.Bandwidth, d.Bandwidth.String()
}

// fieldOf returns the attribute with that rate.
func (d *demand) fieldOf(narrow path.Bottleneck) string {
	if narrow.Back && d.Reverse.Apart {
		return "reverse_bandwidth"
	}
	return "bandwidth"
}

// offer looks for what would be admitted instead, puts it into o and returns it
// in words.
func (pl planner) offer(d demand, w Window, o *Offer) (text string) {
	if d.Volume != 0 {
		*o = Offer{} // at another rate it has another window
		return ""
	}
	left := bitrate.Rate(math.MaxUint64) // of what the project may hold
	if pl.allowance != nil {
		d.limit = pl.allowance
		left = *d.limit - min(*d.limit, pl.calendars.projects.peak(d.ProjectID, w))
	}
	if o.Slower = min(o.Slower, left); d.back() > left && d.Reverse.Apart || pl.taken(d, w) {
		o.Slower = 0
	}
	if o.Slower > 0 {
		text = o.slower()
	}
	if d.Reverse.Apart {
		if _, wide, ok := pl.graph.Widest(pl.query(d.backward(), w)); ok && min(wide, left) < d.Reverse.Rate && d.Bandwidth <= left {
			wide = min(wide, left)
			text += fmt.Sprintf("; or ask for at most %s back", wide)
		}
	}
	if d.Leeway != (Leeway{}) {
		return text // see inTime
	}
	if later, ok := pl.firstFit(d, w.Start, never); ok && later > w.Start {
		o.Later = later
		text += o.later()
	}
	return text
}

// clock returns a moment as people read it.
func clock(t Seconds) string {
	if t > math.MaxInt32*1000 {
		return "the end of time"
	}
	return t.Time().UTC().Format(time.RFC3339)
}
