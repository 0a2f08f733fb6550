package allocator

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/topology"
)

// book is a sheet with what a project may hold, and does.
type book struct {
	*sheet
	limit *bitrate.Rate
	held  plain
}

// drawBook opens a world whose project may have a limit.
func drawBook(rt *rapid.T, w *world) *book {
	b := &book{sheet: newSheet(w)}
	if rapid.Bool().Draw(rt, "limited") {
		b.limit = new(bitrate.Rate(rapid.IntRange(1, 6).Draw(rt, "limit")))
		w.limit(Limits{Bandwidth: b.limit})
	} else {
		w.open()
	}
	return b
}

func (b *book) enter(v Allocation) {
	b.sheet.enter(v)
	for _, s := range v.Steps() {
		b.held.add(b.rel(s.Window), uint64(max(s.Rate, v.Reverse.Of(s.Rate))))
	}
}

// allows reports whether the limit allows a rate in a window.
func (b *book) allows(rate bitrate.Rate, win Window) bool {
	return b.limit == nil || rate == 0 || b.held.peak(win)+uint64(rate) <= uint64(*b.limit)
}

// bookEnd is later than anything that is reserved by the tests.
const bookEnd = 200

// takes reports whether a request would be admitted, by hand.
func (b *book) takes(r Request) bool {
	if from, to, _, _ := locate(b.w.snap, r.Key); len(everyPath(b.w.snap, from, to)) == 0 {
		return b.limit == nil || r.held() <= *b.limit // it waits for a path
	}
	if r.StartTime != 0 {
		win := b.rel(Window{r.StartTime, r.StartTime + r.Duration})
		return b.admits(r, win) && b.allows(r.held(), win)
	}
	for at := Seconds(0); at < bookEnd; at++ {
		if win := (Window{at, at + r.Duration}); b.admits(r, win) {
			return b.allows(r.held(), win)
		}
	}
	return false
}

// first returns when the request could start first with a rate, from a moment
// on, and last before another; -1 is never.
func (b *book) first(r Request, rate bitrate.Rate, from Seconds) Seconds {
	for r = r.withRate(rate); from < bookEnd; from++ {
		if r.StartTime = 1_000_000 + from; b.takes(r) {
			return from
		}
	}
	return -1
}

func (b *book) last(r Request, from, before Seconds) Seconds {
	for before--; before >= from; before-- {
		if r.StartTime = 1_000_000 + before; b.takes(r) {
			return before
		}
	}
	return -1
}

// TestAlternatives takes refusals at their word, in networks and calendars of
// any kind: what is offered is admitted, the earliest and the fastest there is
// are among it, and where nothing is offered nothing is admitted.
func TestAlternatives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		b := drawBook(rt, w)
		for range rapid.IntRange(1, 12).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			if rapid.IntRange(0, 3).Draw(rt, "fast") == 0 {
				r.Bandwidth += 4
			}
			v, err := w.a.Create(bg, r)
			if err == nil {
				if v.Window != (Window{}) {
					b.enter(v)
				}
				continue
			}
			e, _ := errors.AsType[*Error](err)
			b.checkAlternatives(rt, r, e.Alternatives, err)
			b.checkOffer(rt, r, e)
			b.checkBothRates(rt, r, e)
			if b.w.a.calendars.active["p"] != len(b.w.list("")) {
				rt.Fatal("what was tried is left")
			}
		}
	})
}

func (b *book) checkAlternatives(t *rapid.T, r Request, list []Request, err error) {
	if len(list) > maxAlternatives {
		t.Fatalf("%d alternatives", len(list))
	}
	if slices.Contains(list, r) {
		t.Fatalf("%+v is offered instead of itself", r)
	}
	for _, alt := range list {
		if !b.takes(alt) {
			t.Fatalf("%+v: %+v is offered and does not fit: %v", r, alt, err)
		}
		v, err := b.w.a.Create(bg, alt)
		if err != nil {
			t.Fatalf("%+v: %+v is offered and refused: %v", r, alt, err)
		}
		if err := b.w.remove(v.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, alt := range list {
		if r.StartTime < 1_000_000+startSlack || alt.Bandwidth != r.Bandwidth || alt.Duration >= r.Duration {
			continue
		}
		longer := alt
		if longer.Duration++; alt.StartTime > r.StartTime {
			longer.StartTime--
		}
		if longer != r && b.takes(longer) {
			t.Fatalf("%+v: %+v is offered, and more of it fits", r, alt)
		}
	}
	if len(list) == 0 {
		for rate := range r.Bandwidth + 1 {
			if at := b.first(r, rate, 0); at >= 0 {
				t.Fatalf("%+v: nothing is offered, and %d fits at %d: %v", r, rate, at, err)
			}
		}
		return
	}
	has := func(what string, change func(*Request)) {
		alt := r
		if change(&alt); !slices.Contains(list, alt) {
			t.Fatalf("%+v: %s is missing, which is %+v, in %+v: %v", r, what, alt, list, err)
		}
	}
	start := max(0, r.StartTime-1_000_000)
	if at := b.first(r, r.Bandwidth, max(start, startSlack)); at >= 0 {
		has("the next start", func(alt *Request) { alt.StartTime = 1_000_000 + at })
	}
	if r.StartTime == 0 {
		return
	}
	for rate := r.Bandwidth - 1; rate > 0 && rate < r.Bandwidth; rate-- {
		slow := r
		if slow.Bandwidth = rate; b.takes(slow) {
			wider := slow
			if wider.Duration += startSlack; start < startSlack && !b.takes(wider) {
				break // it would not be admitted a moment later
			}
			has("the rate that is there", func(alt *Request) { alt.Bandwidth = rate })
			break
		}
	}
	if at := b.last(r, startSlack, start); at >= 0 {
		has("the start before", func(alt *Request) { alt.StartTime = 1_000_000 + at })
	}
}

// checkOffer takes what the sentence of a refusal says at its word.
func (b *book) checkOffer(t *rapid.T, r Request, e *Error) {
	text := e.Error()
	if e.Offer.Slower == 0 && strings.Contains(strings.ReplaceAll(text, "or ask for at most", ""), "ask for at most") {
		t.Fatalf("%+v: %v; it is not offered", r, e)
	}
	_, back, _ := strings.Cut(text, "or ask for at most ")
	rate, _, said := strings.Cut(back, " back")
	most, _ := bitrate.Parse(rate)
	for what, change := range map[string]func(*Request){
		"so much back": func(r *Request) {
			if said {
				r.Reverse.Rate = most
			}
		},
		"at most so much": func(r *Request) { *r = r.withRate(e.Offer.Slower) },
		"then":            func(r *Request) { r.StartTime = e.Offer.Later },
		"by then":         func(r *Request) { r.Deadline = e.Offer.Deadline },
	} {
		alt := r
		if change(&alt); alt == r || alt.Bandwidth != r.Bandwidth && e.Offer.Slower == 0 || alt.StartTime != r.StartTime && e.Offer.Later == 0 {
			continue
		}
		v, err := b.w.a.Create(bg, alt)
		if err != nil {
			t.Fatalf("%+v: %v; asked for %s it is refused: %v", r, e, what, err)
		}
		if err := b.w.remove(v.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// checkBothRates fails if only what has no rate is offered where less of both
// rates is there at the time that was asked for.
func (b *book) checkBothRates(t *rapid.T, r Request, e *Error) {
	if !r.Reverse.Apart || slices.ContainsFunc(e.Alternatives, func(alt Request) bool { return alt.Bandwidth != 0 }) {
		return
	}
	for r.Bandwidth > 1 {
		r.Bandwidth--
		for _, back := range [...]bitrate.Rate{0, 1, r.Reverse.Rate} {
			less := r
			if less.Reverse.Rate = back; b.takes(less) {
				t.Fatalf("%+v fits and is not offered: %+v; %v", less, e.Alternatives, e)
			}
		}
	}
}

// A request that could be carried in part is offered the longer parts.
func TestShorterAlternatives(t *testing.T) {
	w, _ := pair(t)
	early := ask(1, 2, 2, 2, 10, 50)
	early.StartTime = w.now + 40
	w.create(early)
	late := ask(1, 3, 2, 3, 10, MaxDuration)
	late.StartTime = w.now + 150
	w.create(late)
	r := ask(1, 1, 2, 1, 4, 200)
	r.StartTime = w.now + 20
	_, err := w.a.Create(bg, r)
	e := refused(t, err, Conflict, "bandwidth")
	want := []Request{r, r, r}
	want[0].StartTime = late.StartTime + late.Duration
	want[1].Duration = 20
	want[2].Bandwidth = 0
	if !slices.Equal(e.Alternatives, want) {
		t.Errorf("%+v", e.Alternatives)
	}
	if e.InTheWay != (Window{w.now + 40, w.now + 90}) {
		t.Errorf("in the way: %+v", e.InTheWay)
	}
	r.StartTime, r.Duration = w.now+60, 80
	_, err = w.a.Create(bg, r)
	e = refused(t, err, Conflict, "bandwidth")
	if tail := (Request{UserID: "u", ProjectID: "p", Key: r.Key, Bandwidth: 4, StartTime: w.now + 90, Duration: 50}); !slices.Contains(e.Alternatives, tail) {
		t.Errorf("%+v", e.Alternatives)
	}
}

// What is offered to start now is admitted some seconds later, too.
func TestAlternativesLast(t *testing.T) {
	w, _ := pair(t)
	w.create(ask(1, 2, 2, 2, 7, 50))
	next := ask(1, 3, 2, 3, 9, 50)
	next.StartTime = w.now + 50
	w.create(next)
	r := ask(1, 1, 2, 1, 4, 48)
	r.StartTime = w.now
	_, err := w.a.Create(bg, r)
	e := refused(t, err, Conflict, "bandwidth")
	w.now += startSlack
	for _, alt := range e.Alternatives {
		v, err := w.a.Create(bg, alt)
		if err != nil {
			t.Fatalf("%+v: %v", alt, err)
		}
		if err := w.remove(v.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.Alternatives) != maxAlternatives {
		t.Errorf("%+v", e.Alternatives)
	}
}

// What cannot be helped has no alternatives, and what may hold no rate has one
// without.
func TestNoAlternatives(t *testing.T) {
	w, _ := pair(t)
	for _, tc := range []struct {
		limits Limits
		r      Request
		kind   Kind
		field  string
		want   []Request
	}{
		{Limits{Active: new(0)}, ask(1, 1, 2, 1, 1, 10), Denied, "project_id", nil},
		{Limits{Bandwidth: new(bitrate.Rate(0))}, ask(1, 1, 2, 1, 1, 10), Denied, "bandwidth", []Request{ask(1, 1, 2, 1, 0, 10)}},
		{Limits{Bandwidth: new(bitrate.Rate(3))}, ask(1, 1, 9, 1, 4, 10), Denied, "bandwidth", []Request{ask(1, 1, 9, 1, 3, 10)}},
		{Limits{}, ask(1, 1, 1, 9, 1, 10), Conflict, "dst_ip", nil},
	} {
		w.snap.Attachments = append(w.snap.Attachments, topology.Attachment{
			Prefix: netip.PrefixFrom(host(1, 9), 32), At: topology.PortID{DPID: 1, Port: 1},
		})
		w.limit(tc.limits)
		_, err := w.a.Create(bg, tc.r)
		if e := refused(t, err, tc.kind, tc.field); !slices.Equal(e.Alternatives, tc.want) {
			t.Errorf("%v: %+v, want %+v", err, e.Alternatives, tc.want)
		}
	}
}

// TestAlternativesToChanges has changes refused of what waits and of what runs.
// What is offered instead is taken, and where nothing is offered there is no
// other rate.
func TestAlternativesToChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.limit(drawLimits(rt, 9))
		var made []string
		for range rapid.IntRange(2, 20).Draw(rt, "steps") {
			w.pass(secondsRange(0, 3).Draw(rt, "passes"))
			r := drawRequest(rt, w)
			if len(made) == 0 || rapid.Bool().Draw(rt, "new") {
				if v, err := w.a.Create(bg, r); err == nil {
					made = append(made, v.ID)
				}
				continue
			}
			v := w.get(rapid.SampledFrom(made).Draw(rt, "changed"))
			c := Change{Key: &r.Key, Duration: &r.Duration, Bandwidth: &r.Bandwidth, Reverse: &r.Reverse, StartTime: &v.StartTime}
			if v.State == Pending {
				c.StartTime = &r.StartTime
			}
			_, err := w.a.Update(bg, v.ID, 0, c)
			e, _ := errors.AsType[*Error](err)
			if err == nil || e.Kind == Invalid || v.State == Complete {
				continue
			}
			if len(e.Alternatives) == 0 {
				for rate := range r.Bandwidth {
					slow := r.withRate(rate)
					c.Bandwidth, c.Reverse = &slow.Bandwidth, &slow.Reverse
					if same, _ := v.Request.with(c, w.now); same == v.Request {
						continue // no change
					}
					if _, err := w.a.Update(bg, v.ID, 0, c); err == nil {
						rt.Fatalf("%v: nothing is offered, and %d fits %+v at %d: %+v", e, rate, v, w.now, r)
					}
				}
				continue
			}
			alt := rapid.SampledFrom(e.Alternatives).Draw(rt, "instead")
			if _, err := w.a.Update(bg, v.ID, 0, Change{Key: &alt.Key, Duration: &alt.Duration, Bandwidth: &alt.Bandwidth, Reverse: &alt.Reverse, StartTime: &alt.StartTime}); err != nil {
				rt.Fatalf("%v: %+v is offered and refused: %v", e, alt, err)
			}
		}
	})
}

// TestAlternativesEndOfTime: the last start that may be asked for is offered,
// and none behind it.
func TestAlternativesEndOfTime(t *testing.T) {
	for _, more := range []Seconds{0, 1} {
		w, _ := pair(t)
		w.other(3, 10, 0, MaxDuration)
		w.other(2, 10, MaxDuration, MaxAhead)
		if more > 0 {
			w.other(3, 10, MaxAhead, MaxAhead+more)
		}
		r := ask(1, 1, 2, 1, 4, 50)
		r.StartTime = w.now
		if more == 0 {
			w.offers(r, w.instead(r), start(MaxAhead), rate(0))
		} else {
			w.offers(r, w.instead(r), rate(0))
		}
	}
}

// TestShorterBothWays: the longest part that has both of two rates is offered.
func TestShorterBothWays(t *testing.T) {
	w, _ := pair(t)
	w.create(reversed(fixed(w, 2, 1, 40, 90), 9))
	r := reversed(fixed(w, 1, 4, 20, 220), 2)
	w.offers(r, w.instead(r), start(90), func(r *Request) { r.Reverse.Rate = 1 }, lasts(20))
	r = reversed(fixed(w, 1, 4, 60, 140), 2)
	w.offers(r, w.instead(r), start(90), func(r *Request) { r.Reverse.Rate = 1 }, both(start(90), lasts(50)))
}
