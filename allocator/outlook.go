package allocator

import (
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// Room is what a directed link has for allocations throughout a window.
type Room struct {
	Link     topology.LinkID
	Capacity bitrate.Rate // of the link
	Limit    bitrate.Rate // the share of it that allocations may hold
	Held     bitrate.Rate // the most that they hold at any moment of the window
}

// Free returns what allocations may still take, in bit/s.
func (r Room) Free() bitrate.Rate { return r.Limit - min(r.Limit, r.Held) }

// Outlook is what a request would get if it were made now.
type Outlook struct {
	From, To topology.PortID // where source and destination are; zero: not known
	Window   Window          // now, for the duration asked for
	Fits     bool            // there is a path with the rate in the window
	Path     path.Path       // the one that would be chosen; if none fits, the one that is best at any rate; empty: there is none
	Rooms    []Room          // the links of Path, each cable with the direction that has less free
	Reason   string          // why it does not fit, in words for the user
	Offer    Offer           // what would fit instead
}

// Bottleneck returns the link of the path that has least free; ok is false if
// there is no path.
func (o Outlook) Bottleneck() (least Room, ok bool) {
	for i, r := range o.Rooms {
		if i == 0 || r.Free() < least.Free() {
			least = r
		}
	}
	return least, len(o.Rooms) > 0
}

// Outlook returns which path a request with this key, rate and duration in
// seconds would have now, by the same reckoning that admits one. Limits of
// projects and other allocations of the same traffic are not considered. The
// error is an *[Error] of kind Invalid.
func (a *Allocator) Outlook(key path.FlowKey, rate bitrate.Rate, duration Seconds) (Outlook, error) {
	const op = "outlook"
	if err := normaliseKey(&key); err != nil {
		return Outlook{}, err.in(op)
	}
	if err := checkDuration(duration); err != nil {
		return Outlook{}, err.in(op)
	}
	now := a.now()
	out := Outlook{Window: Window{now, now + duration}}
	a.mu.Lock()
	defer a.mu.Unlock()
	pl := a.plannerLocked()
	from, to, _, reason := locate(pl.snapshot, key)
	out.From, out.To, out.Reason = from, to, reason
	if reason != "" {
		return out, nil
	}
	d := demand{Request: Request{Key: key, Bandwidth: rate, Duration: duration}, from: from, to: to}
	full := pl.checkEnforced(d)
	if out.Path, out.Fits = pl.find(d, out.Window); full != nil || !out.Fits {
		out.Fits = false
		got, err := pl.refuse(d, out.Window)
		if full != nil {
			err = full
		}
		if out.Reason = got.reason; err != nil {
			out.Reason, out.Offer = err.Err.Error(), err.Offer
		}
		d.Request = d.withRate(0)
		out.Path, _ = pl.find(d, out.Window)
	}
	out.Rooms = pl.rooms(out.Path, out.Window)
	return out, nil
}

// rooms returns what the cables of a path have, each by the direction that has
// less free.
func (pl planner) rooms(p path.Path, w Window) (rooms []Room) {
	for _, id := range p.Links() {
		r := pl.room(id, w)
		if back := pl.room(id.Reverse(), w); back.Free() < r.Free() {
			r = back
		}
		rooms = append(rooms, r)
	}
	return rooms
}

func (pl planner) room(id topology.LinkID, w Window) Room {
	l, _ := pl.snapshot.Link(id)
	return Room{Link: id, Capacity: l.Capacity, Limit: pl.limitOf(l), Held: pl.calendars.links.peak(id, w)}
}
