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
	Fits     bool            // there is a path with the rate in the window, and nothing has the traffic then
	Path     path.Path       // the one that would be chosen; if none fits, the one that is best at any rate; empty: there is none
	Backup   path.Path       // of a protected request; empty: there is none
	Rooms    []Room          // the links of both, each cable with the direction that has less free, or that from the source if the way back has a rate of its own
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

// Outlook returns which path a request would have now, by the same reckoning
// that admits one. What counts of it are its key, its rates, its duration in
// seconds, its constraints and its protection. Limits of projects are not
// considered, nor are other allocations of the same traffic unless the project
// is given. Then the allocation that the path is to be disjoint from must be
// one of its own.
// The error is an *[Error] of kind Invalid.
func (a *Allocator) Outlook(r Request) (Outlook, error) {
	const op = "outlook"
	if err := normaliseKey(&r.Key); err != nil {
		return Outlook{}, err.in(op)
	}
	if err := checkDuration(r.Duration); err != nil {
		return Outlook{}, err.in(op)
	}
	for _, err := range [...]*Error{r.Constraints.check(), r.checkReverse()} {
		if err != nil {
			return Outlook{}, err.in(op)
		}
	}
	now, project := a.now(), r.ProjectID
	out := Outlook{Window: Window{now, now + r.Duration}}
	a.mu.Lock()
	defer a.mu.Unlock()
	if other := a.findLocked(r.DisjointFrom); r.ProjectID == "" && other != nil {
		r.ProjectID = other.project()
	}
	if err := a.checkApartLocked(&r, nil); err != nil {
		return Outlook{}, err.in(op)
	}
	pl := a.plannerLocked()
	from, to, _, reason := locate(pl.snapshot, r.Key)
	if out.From, out.To, out.Reason = from, to, reason; reason == "" {
		d := demand{Request: Request{
			ProjectID: project, Key: r.Key, Bandwidth: r.Bandwidth, Reverse: r.Reverse, Duration: r.Duration, Constraints: r.Constraints, Protected: r.Protected,
		}, from: from, to: to}
		if project != "" {
			d.conflicting = pl.calendars.conflicting(d.Request)
		}
		pl.outlook(d, &out)
	}
	return out, nil
}

// outlook puts into out what a demand would have in its window.
func (pl planner) outlook(d demand, out *Outlook) {
	full, oneWay := pl.checkEnforced(d), d.Reverse.Apart
	if full == nil && d.from != d.to && pl.taken(d, out.Window) {
		full = pl.takenError(d, out.Window)
	}
	var room bool
	out.Path, room = pl.find(d, out.Window)
	if out.Fits = room && full == nil; !out.Fits {
		got, err := pl.refuse(d, out.Window)
		if full != nil {
			err = full
		}
		if out.Reason = got.reason; err != nil {
			out.Reason, out.Offer = err.Err.Error(), err.Offer
		}
	}
	if !room {
		d.Bandwidth, d.Reverse.Rate = 0, 0
		out.Path, _ = pl.find(d, out.Window)
	}
	out.Backup = pl.backup(d.Request, out.Path, out.Window)
	out.Rooms = pl.rooms(path.LinksOf(out.Path, out.Backup), out.Window, oneWay)
}

// rooms returns what the cables of links have, each by the direction that has
// less free, or by the link itself if only that counts.
func (pl planner) rooms(links []topology.LinkID, w Window, oneWay bool) (rooms []Room) {
	for _, id := range links {
		r := pl.room(id, w)
		if back := pl.room(id.Reverse(), w); !oneWay && back.Free() < r.Free() {
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
