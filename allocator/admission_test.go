package allocator

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// sheet is admission as one would do it by hand: for each directed link and
// second what is reserved, with every loop-free path tried.
type sheet struct {
	w      *world
	second map[topology.LinkID]*plain
	keys   map[path.FlowKey]*plain
	only   func(path.Path) bool                  // the paths that will do; nil: all
	pair   func(Request, path.Path, Window) bool // those that have a backup, if they must
}

func newSheet(w *world) *sheet {
	return &sheet{w: w, second: map[topology.LinkID]*plain{}, keys: map[path.FlowKey]*plain{}}
}

func (s *sheet) rel(win Window) Window { return Window{win.Start - 1_000_000, win.End - 1_000_000} }

func (s *sheet) enter(v Allocation) {
	win := s.rel(v.Window)
	for _, link := range path.LinksOf(v.Path, v.Backup) {
		for _, x := range v.Steps() {
			for id, rate := range map[topology.LinkID]bitrate.Rate{link: x.Rate, link.Reverse(): v.Reverse.Of(x.Rate)} {
				if s.second[id] == nil {
					s.second[id] = &plain{}
				}
				s.second[id].add(s.rel(x.Window), uint64(rate))
			}
		}
	}
	k := canonical(v.Key)
	if s.keys[k] == nil {
		s.keys[k] = &plain{}
	}
	s.keys[k].add(win, 1)
}

// fits reports whether a request's rates fit on a path in one window, given
// from the start of the test.
func (s *sheet) fits(p path.Path, win Window, r Request) bool {
	for _, link := range p.Links() {
		for id, rate := range map[topology.LinkID]bitrate.Rate{link: r.Bandwidth, link.Reverse(): r.back()} {
			l, ok := s.w.snap.Link(id)
			if !ok {
				return false
			}
			used := uint64(0)
			if page := s.second[id]; page != nil {
				used = page.peak(win)
			}
			if rate > 0 && used+uint64(rate) > uint64(shareOf(s.w.cfg.Reservable).of(l.Capacity)) {
				return false
			}
		}
	}
	return true
}

func (s *sheet) admits(r Request, win Window) bool {
	for k, page := range s.keys {
		if k.Conflicts(r.Key) && page.peak(win) > 0 {
			return false
		}
	}
	from, _ := path.Home(s.w.snap, r.Key.Src)
	to, _ := path.Home(s.w.snap, r.Key.Dst)
	for _, p := range everyPath(s.w.snap, from, to) {
		if (s.only == nil || s.only(p)) && s.fits(p, win, r) && (s.pair == nil || s.pair(r, p, win)) {
			return true
		}
	}
	return false
}

// everyPath returns all loop-free paths between two edge ports.
func everyPath(s *topology.Snapshot, from, to topology.PortID) (all []path.Path) {
	var walk func(at path.Path)
	walk = func(at path.Path) {
		last := &at[len(at)-1]
		if last.DPID == to.DPID {
			p := append(path.Path(nil), at...)
			p[len(p)-1].Out = to.Port
			all = append(all, p)
			return
		}
	links:
		for port, l := range s.Links {
			if port.DPID != last.DPID {
				continue
			}
			for _, h := range at {
				if h.DPID == l.ID.To.DPID {
					continue links
				}
			}
			next := append(path.Path(nil), at...)
			next[len(next)-1].Out = port.Port
			walk(append(next, path.Hop{DPID: l.ID.To.DPID, In: l.ID.To.Port}))
		}
	}
	walk(path.Path{{DPID: from.DPID, In: from.Port}})
	return all
}

func drawWorld(t *rapid.T) *world {
	n := rapid.IntRange(1, 4).Draw(t, "switches")
	w := newWorld(t, n, bitrate.Rate(rapid.IntRange(2, 8).Draw(t, "edge")))
	w.cfg.Reservable = rapid.SampledFrom([]float64{1, 0.5}).Draw(t, "reservable")
	for range rapid.IntRange(0, 6).Draw(t, "cables") {
		a, b := rapid.IntRange(1, n).Draw(t, "a"), rapid.IntRange(1, n).Draw(t, "b")
		if a != b {
			w.cable(openflow.DPID(a), openflow.DPID(b), bitrate.Rate(rapid.IntRange(1, 6).Draw(t, "capacity")))
		}
	}
	return w
}

func drawRequest(t *rapid.T, w *world) Request {
	n := len(w.snap.Switches)
	one := func(max int, label string) int { return rapid.IntRange(1, max).Draw(t, label) }
	r := ask(one(n, "src"), one(2, "src host"), one(n, "dst"), 3, bitrate.Rate(rapid.IntRange(0, 4).Draw(t, "rate")), Seconds(one(8, "duration")))
	r.Reverse = drawReverse(t, r.Bandwidth)
	switch rapid.IntRange(0, 3).Draw(t, "shape") {
	case 0:
		r.Key.SrcPort = drawFewPorts(t, "src port")
	case 1:
		r.Key.DstPort = drawFewPorts(t, "dst port")
	case 2:
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = path.ProtoTCP, drawFewPorts(t, "src port"), drawFewPorts(t, "dst port")
	}
	r.Key.Src = drawWider(t, r.Key.Src)
	if rapid.Bool().Draw(t, "reversed") {
		r.Key = r.Key.Reverse()
	}
	if rapid.Bool().Draw(t, "start asked") {
		r.StartTime = w.now + secondsRange(0, 20).Draw(t, "start")
	}
	return r
}

// drawWider draws, in place of a switch's first host, now and then a prefix in
// which there is no other.
func drawWider(t *rapid.T, host path.Prefix) path.Prefix {
	if host.Addr().As4()[3] != 1 || rapid.IntRange(0, 3).Draw(t, "wider") > 0 {
		return host
	}
	return host.Widen(31)
}

// drawReverse draws what a request with a rate says of the way back.
func drawReverse(t *rapid.T, rate bitrate.Rate) path.Reverse {
	if rate == 0 || rapid.Bool().Draw(t, "both ways the same") {
		return path.Reverse{}
	}
	return path.Reverse{Apart: true, Rate: bitrate.Rate(rapid.IntRange(0, 4).Draw(t, "rate back"))}
}

// TestAdmissionIsExact checks promise 2: nothing is over-admitted, nothing that
// fits is refused, and a request without a start gets the earliest there is.
func TestAdmissionIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		a, s := w.open(), newSheet(w)
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			v, err := a.Create(context.Background(), r)
			s.judge(rt, r, v, err)
			if err == nil && v.Window != (Window{}) {
				s.enter(v)
			}
		}
	})
}

func (s *sheet) judge(t *rapid.T, r Request, v Allocation, err error) {
	const horizon = 200 // no queue of requests that are drawn gets as long
	start := r.StartTime - 1_000_000
	if r.StartTime != 0 {
		win := Window{start, start + r.Duration}
		if got, want := err == nil && v.Window != (Window{}), s.admits(r, win); got != want {
			t.Fatalf("%+v: admitted %v (%v), by hand %v", r, got, err, want)
		}
		if err != nil {
			s.checkOffer(t, r, win, err)
			return
		}
	}
	if err == nil && v.Window != (Window{}) {
		win := s.rel(v.Window)
		if !s.fits(v.Path, win, r) || win.End-win.Start != r.Duration {
			t.Fatalf("%+v: over-admitted in %v on %v", r, win, v.Path)
		}
	}
	if r.StartTime != 0 {
		return
	}
	for at := Seconds(0); at < horizon; at++ {
		if s.admits(r, Window{at, at + r.Duration}) {
			if err != nil || s.rel(v.Window).Start != at {
				t.Fatalf("%+v: got %v %v, by hand it fits at %d", r, s.rel(v.Window), err, at)
			}
			return
		}
	}
	if v.Window != (Window{}) {
		t.Fatalf("%+v: got %v, by hand it never fits", r, s.rel(v.Window))
	}
}

// checkOffer takes a refusal at its word: what it offers must be admitted, and
// nothing better may be.
func (s *sheet) checkOffer(t *rapid.T, r Request, win Window, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Conflict || e.Err.Error() == "" {
		t.Fatalf("%+v: error %#v", r, err)
	}
	if slower := e.Offer.Slower; slower > 0 {
		r := r
		if r.Bandwidth = slower; !s.admits(r, win) {
			t.Fatalf("%+v: %s is offered but does not fit: %v", r, slower, err)
		}
		if r.Bandwidth = slower + 1; s.admits(r, win) {
			t.Fatalf("%+v: %s is offered but more fits: %v", r, slower, err)
		}
	}
	if e.Offer.Later == 0 {
		return
	}
	for at := win.Start; ; at++ {
		if fits := s.admits(r, Window{at, at + r.Duration}); fits || at == e.Offer.Later-1_000_000 {
			if !fits || at != e.Offer.Later-1_000_000 {
				t.Fatalf("%+v: %d is offered, by hand it fits at %d: %v", r, e.Offer.Later-1_000_000, at, fits)
			}
			return
		}
	}
}
