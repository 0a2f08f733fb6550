package allocator

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// instead returns what is offered in place of a request that is refused.
func (w *world) instead(r Request) []Request {
	w.Helper()
	_, err := w.a.Create(bg, r)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		w.Fatalf("%+v is not refused: %v", r, err)
	}
	return e.Alternatives
}

// offers compares what is offered with what should be, each of which is the
// request but for some of its attributes.
func (w *world) offers(r Request, list []Request, want ...func(*Request)) {
	w.Helper()
	var all []Request
	for _, change := range want {
		other := r
		change(&other)
		all = append(all, other)
	}
	if !slices.Equal(list, all) {
		w.Fatalf("instead of %+v\n%+v are offered, want\n%+v", r, list, all)
	}
}

func rate(b bitrate.Rate) func(*Request) { return func(r *Request) { r.Bandwidth = b } }

func start(s Seconds) func(*Request) { return func(r *Request) { r.StartTime = 1_000_000 + s } }

func lasts(d Seconds) func(*Request) { return func(r *Request) { r.Duration = d } }

func deadline(s Seconds) func(*Request) { return func(r *Request) { r.Deadline = 1_000_000 + s } }

func both(a, b func(*Request)) func(*Request) { return func(r *Request) { a(r); b(r) } }

// other reserves a rate between other hosts, or the same, in a fixed window,
// for another project.
func (w *world) other(host int, b bitrate.Rate, from, to Seconds) string {
	w.Helper()
	r := ask(1, host, 2, host, b, to-from)
	r.ProjectID, r.StartTime = "q", 1_000_000+from
	return w.create(r).ID
}

// What cannot meet its deadline is offered the first deadline that it can meet,
// the highest rate with which it meets its own, and none.
func TestInsteadOfADeadline(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 6, 20, 120)
	r := flexible(ask(1, 1, 2, 1, 6, 50), 0, 100)
	w.offers(r, w.instead(r), deadline(170), rate(4), rate(0))
	r.Bandwidth = 5 // the rate below is enough
	w.offers(r, w.instead(r), deadline(170), rate(4), rate(0))
	r.Bandwidth = 12 // more than there ever is
	w.offers(r, w.instead(r), rate(4), rate(0))
	w.other(2, 4, 10, 140)
	r = flexible(ask(1, 1, 2, 1, 6, 50), 0, 100)
	w.offers(r, w.instead(r), deadline(170), rate(0)) // no rate is there in time
}

// Where neither rate nor deadline alone would help, both are changed.
func TestInsteadOfADeadlineAndARate(t *testing.T) {
	w, _ := pair(t)
	w.other(1, 1, 0, 100) // the same traffic
	r := flexible(ask(1, 1, 2, 1, 12, 50), 0, 90)
	w.offers(r, w.instead(r), both(rate(10), deadline(150)), both(rate(0), deadline(150)))
	r.Bandwidth = 10
	w.offers(r, w.instead(r), deadline(150))
}

// A rate that there never is becomes the one that there is at some time; what
// the project may not hold while it holds others comes later.
func TestInsteadOfARate(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 6, 0, 100)
	r := ask(1, 1, 2, 1, 12, 50)
	w.offers(r, w.instead(r), rate(10), rate(0))
	w.limit(Limits{Bandwidth: new(bitrate.Rate(8))})
	held := ask(1, 2, 2, 2, 3, 200)
	held.StartTime = w.now
	w.create(held)
	r.Bandwidth = 9 // and 8 when the other one has ended
	w.offers(r, w.instead(r), rate(8), rate(0))
	r.StartTime = w.now + 100
	w.offers(r, w.instead(r), rate(5), rate(0))
	r.Bandwidth = 7
	w.offers(r, w.instead(r), start(200), rate(5), rate(0))
}

// What starts at once and could be carried in part is offered a part that it
// will get some seconds later, too, or the part that is left at the end.
func TestInsteadOfAWholeWindow(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 10, 40, 90)
	r := ask(1, 1, 2, 1, 4, 100)
	r.StartTime = w.now
	w.offers(r, w.instead(r), start(90), lasts(35), both(start(90), lasts(10)))
	r.StartTime = w.now + 5
	w.offers(r, w.instead(r), start(90), lasts(35), both(start(90), lasts(15)))
	r.Duration = 84 // a tenth is not left at the end
	w.offers(r, w.instead(r), start(90), lasts(35), rate(0))
	r.StartTime, r.Duration = w.now+33, 80 // nor at the start
	w.offers(r, w.instead(r), start(90), both(start(90), lasts(23)), rate(0))
	r.StartTime, r.Duration = w.now+45, 46
	w.offers(r, w.instead(r), start(90), rate(0))
	r.StartTime, r.Duration = w.now+50, 20
	w.offers(r, w.instead(r), start(90), start(20), rate(0))
	r.StartTime, r.Duration = w.now+50, 38 // it would have to start before now
	w.offers(r, w.instead(r), start(90), start(2), rate(0))
	r.Duration = 42
	w.offers(r, w.instead(r), start(90), rate(0))
}

// A change of what runs that is refused is offered the rate that is there to
// its new end, and as much time as there is.
func TestInsteadOfAChange(t *testing.T) {
	w, _ := pair(t)
	id := w.create(ask(1, 1, 2, 1, 6, 100)).ID
	w.work()
	w.other(3, 6, 150, 200)
	w.pass(20)
	instead := func(c Change) (Request, []Request) {
		t.Helper()
		_, err := w.a.Update(bg, id, 0, c)
		r, _ := w.get(id).Request.with(c, w.now)
		return r, refused(t, err, Conflict, "bandwidth").Alternatives
	}
	r, list := instead(Change{Duration: new(Seconds(300))})
	w.offers(r, list, rate(4), lasts(150), rate(0))
	w.other(2, 4, 90, 160)
	r, list = instead(Change{Bandwidth: new(bitrate.Rate(9))})
	w.offers(r, list, lasts(90), rate(0))
	w.pass(66)
	r, list = instead(Change{Bandwidth: new(bitrate.Rate(9))}) // it would end in a moment
	w.offers(r, list, rate(0))
}

// What runs and would end after its deadline is offered the deadline that it
// then meets, though that is sooner than what has just been asked for could.
func TestInsteadOfALateEnd(t *testing.T) {
	w, _ := pair(t)
	r := flexible(ask(1, 1, 2, 1, 6, 100), 0, 100)
	id := w.create(r).ID
	w.work()
	w.pass(60)
	r.Duration = 150
	_, err := w.a.Update(bg, id, 0, Change{Duration: &r.Duration})
	w.offers(r, refused(t, err, Conflict, "deadline").Alternatives, deadline(150))
	w.update(id, Change{Duration: &r.Duration, Deadline: new(Seconds(1_000_150))})
	w.expect(id, Active, span(0, 150))
}

// What runs since a start that was asked for may keep that in what is offered,
// though it is long ago.
func TestInsteadOfAChangeOfAFixedStart(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 6, 100)
	r.StartTime = w.now
	id := w.create(r).ID
	w.work()
	w.other(3, 6, 150, 200)
	w.pass(60)
	_, err := w.a.Update(bg, id, 0, Change{Duration: new(Seconds(300))})
	asked := r
	asked.Duration = 300
	w.offers(asked, refused(t, err, Conflict, "bandwidth").Alternatives, rate(4), lasts(150), rate(0))
	for _, alt := range refused(t, err, Conflict, "bandwidth").Alternatives {
		w.update(id, Change{Bandwidth: &alt.Bandwidth, Duration: &alt.Duration, StartTime: &alt.StartTime})
	}
}

// A change of what waits for its start is offered what a request would be, but
// not what it is already.
func TestInsteadOfAChangeOfWhatWaits(t *testing.T) {
	w, _ := pair(t)
	r := ask(1, 1, 2, 1, 4, 50)
	r.StartTime = w.now + 20
	id := w.create(r).ID
	w.other(3, 6, 0, 100)
	_, err := w.a.Update(bg, id, 0, Change{Bandwidth: new(bitrate.Rate(6))})
	asked := r
	asked.Bandwidth = 6
	w.offers(asked, refused(t, err, Conflict, "bandwidth").Alternatives, start(100), rate(0))
	w.now += 10
	_, err = w.a.Update(bg, id, 0, Change{Duration: new(Seconds(90)), Bandwidth: new(bitrate.Rate(5))})
	asked.Duration, asked.Bandwidth = 90, 5
	w.offers(asked, refused(t, err, Conflict, "bandwidth").Alternatives, start(100), rate(4), both(start(100), lasts(10)))
}

// What runs gives up rate both ways only where nothing else would do.
func TestInsteadOfAChangeBothWays(t *testing.T) {
	for _, tc := range []struct {
		from Seconds // when others take what is there both ways
		want []func(*Request)
	}{
		{150, []func(*Request){lasts(150), unrated}},
		{0, []func(*Request){both(rate(4), back(1)), unrated}},
	} {
		w, _ := pair(t)
		r := ask(1, 1, 2, 1, 2, 100)
		r.Reverse.Apart, r.Reverse.Rate = true, 1
		id := w.create(r).ID
		w.work()
		other := ask(1, 3, 2, 3, 6, 500)
		other.Reverse.Apart, other.Reverse.Rate = true, 9
		other.ProjectID, other.StartTime = "q", w.now+tc.from
		w.create(other)
		r.Bandwidth, r.Duration, r.Reverse.Rate = 6, 300, 4
		_, err := w.a.Update(bg, id, 0, Change{Bandwidth: &r.Bandwidth, Duration: &r.Duration, Reverse: &r.Reverse})
		e, _ := errors.AsType[*Error](err)
		if e == nil {
			t.Fatalf("from %d it is not refused", tc.from)
		}
		w.offers(r, e.Alternatives, tc.want...)
	}
}

func unrated(r *Request) { *r = r.withRate(0) }

func back(b bitrate.Rate) func(*Request) { return func(r *Request) { r.Reverse.Rate = b } }

// Where no rate will ever do, priority without one is offered for when the same
// traffic is free.
func TestInsteadOfAnyRate(t *testing.T) {
	w, _ := pair(t)
	for from := Seconds(0); from <= MaxAhead; from += MaxDuration {
		w.other(3, 10, from, from+MaxDuration)
	}
	same := ask(1, 1, 2, 1, 0, 100)
	same.ProjectID, same.StartTime = "q", w.now
	w.create(same)
	r := ask(1, 1, 2, 1, 4, 50)
	r.StartTime = w.now + 20
	w.offers(r, w.instead(r), both(rate(0), start(100)))
}

// The sentence of a refusal speaks of nothing that the project's limits refuse,
// and neither does its offer.
func TestSentencesOfferWhatIsAdmitted(t *testing.T) {
	for _, tc := range []struct {
		limits Limits
		ask    Request
		says   []string
		not    []string
		offer  Offer
	}{
		{Limits{}, flexible(ask(1, 1, 2, 1, 6, 50), 0, 100), []string{"; ask for at most 4; or ask for a deadline of 1970-01-12T13:49:30Z or later"}, nil, Offer{Slower: 4, Deadline: 1_000_170}},
		{Limits{Horizon: new(Seconds(60))}, flexible(ask(1, 1, 2, 1, 6, 50), 0, 100), []string{"; ask for at most 4"}, []string{"deadline"}, Offer{Slower: 4}},
		{Limits{}, at(ask(1, 1, 2, 1, 6, 50), 30), []string{"; ask for at most 4; or start at 1970-01-12T13:48:40Z"}, nil, Offer{Slower: 4, Later: 1_000_120}},
		{Limits{Horizon: new(Seconds(60))}, at(ask(1, 1, 2, 1, 6, 50), 30), []string{"; ask for at most 4"}, []string{"or start"}, Offer{Slower: 4}},
		{Limits{Pending: new(0)}, at(ask(1, 1, 2, 1, 6, 50), 30), []string{"until 1970-01-12T13:48:40Z"}, []string{"ask for", "or start"}, Offer{}},
		{Limits{}, bulk(1, 50, 0, 50), []string{"; or ask for a deadline of 1970-01-12T13:48:20Z or later"}, nil, Offer{Deadline: 1_000_100}},
		{Limits{Duration: new(Seconds(60))}, bulk(1, 80, 0, 50), []string{"do not pass by"}, []string{"deadline"}, Offer{}},
	} {
		w, _ := pair(t)
		w.cfg.Limits = func(project string) Limits { return map[string]Limits{"p": tc.limits}[project] }
		w.open()
		w.other(3, 6, 20, 120)
		_, err := w.a.Create(bg, tc.ask)
		e, _ := errors.AsType[*Error](err)
		if e == nil {
			t.Errorf("%+v: %+v is not refused", tc.limits, tc.ask)
			continue
		}
		if e.Offer != tc.offer {
			t.Errorf("%+v: %v: offers %+v, want %+v", tc.limits, err, e.Offer, tc.offer)
		}
		for _, text := range tc.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%+v: %v; it does not say %q", tc.limits, err, text)
			}
		}
		for _, text := range tc.not {
			if strings.Contains(err.Error(), text) {
				t.Errorf("%+v: %v; it says %q", tc.limits, err, text)
			}
		}
	}
}

// What the limit of the project cuts short is offered as far as it goes.
func TestInsteadOfAWindowThatTheLimitCuts(t *testing.T) {
	w, _ := pair(t)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(8))})
	held := ask(1, 3, 2, 3, 6, 20)
	held.StartTime = w.now + 57
	w.create(held)
	r := ask(1, 1, 2, 1, 4, 100)
	r.StartTime = w.now + 20
	list := w.instead(r)
	if short := r; !slices.ContainsFunc(list, func(alt Request) bool { short.Duration = 37; return alt == short }) {
		t.Errorf("%+v", list)
	}
}

// TestInsteadKeepsTheLeastRate: no rate is offered that is too small to be
// asked for.
func TestInsteadKeepsTheLeastRate(t *testing.T) {
	for left, want := range map[bitrate.Rate]bool{4: false, 5: true} {
		w, _ := pair(t)
		w.cfg.Least = 5
		w.open()
		w.other(3, 10-left, 0, 100)
		r := ask(1, 1, 2, 1, 8, 50)
		r.StartTime = w.now
		list := w.instead(r)
		if slices.ContainsFunc(list, func(r Request) bool { return r.Bandwidth == left }) != want || slices.ContainsFunc(list, func(r Request) bool { return r.Bandwidth > 0 && r.Bandwidth < 5 }) {
			t.Errorf("%d are left, and %+v is offered", left, list)
		}
	}
}

// TestInsteadOfARateBack: where the way back is what is too narrow, less of
// that is offered: at a start, by a deadline and of what runs.
func TestInsteadOfARateBack(t *testing.T) {
	back := func(b bitrate.Rate) func(*Request) { return func(r *Request) { r.Reverse.Rate = b } }
	w, _ := pair(t)
	w.create(reversed(fixed(w, 3, 1, 0, 100), 7))
	r := reversed(fixed(w, 1, 5, 0, 50), 6)
	none := func(r *Request) { *r = r.withRate(0) }
	w.offers(r, w.instead(r), start(100), back(3), none)
	r = reversed(flexible(ask(1, 1, 2, 1, 5, 50), 0, 80), 6)
	w.offers(r, w.instead(r), deadline(150), back(3), none)
	id := w.create(reversed(ask(1, 1, 2, 1, 5, 50), 1)).ID
	w.work()
	_, err := w.a.Update(bg, id, 0, Change{Reverse: &path.Reverse{Apart: true, Rate: 6}})
	e := refused(t, err, Conflict, "reverse_bandwidth")
	r = reversed(ask(1, 1, 2, 1, 5, 50), 6)
	w.offers(r, e.Alternatives, back(3), none)
}

// TestInsteadOfBothRatesAtTheLimit: what fits at once is refused by the limit
// of the project, and a higher rate fits when the project holds less; that is
// offered.
func TestInsteadOfBothRatesAtTheLimit(t *testing.T) {
	w, _ := pair(t)
	w.limit(Limits{Bandwidth: new(bitrate.Rate(20))})
	w.other(3, 5, 0, 100)
	held := ask(1, 2, 1, 3, 20, 100)
	held.StartTime = w.now
	w.create(held)
	r := reversed(ask(1, 1, 2, 1, 11, 50), 11)
	w.offers(r, w.instead(r), both(start(100), both(rate(10), back(10))), unrated)
}

// TestInsteadOfARateAtTheLimit: of any request that fits at once in part, what
// will be there beside what others hold is offered for when the limit allows
// it, with all of a rate back that fits.
func TestInsteadOfARateAtTheLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		ask  func(r Request) Request
		want func(*Request)
	}{
		"the same both ways":       {func(r Request) Request { return r }, rate(5)},
		"none back":                {func(r Request) Request { return reversed(r, 0) }, rate(5)},
		"the least back":           {func(r Request) Request { return reversed(r, 1) }, rate(5)},
		"what fits back":           {func(r Request) Request { return reversed(r, 6) }, rate(5)},
		"more than ever fits back": {func(r Request) Request { return reversed(r, 11) }, both(rate(5), back(10))},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := pair(t)
			limits := Limits{Bandwidth: new(bitrate.Rate(20)), Horizon: new(Seconds(1000))}
			w.cfg.Limits = func(project string) Limits { return map[string]Limits{"p": limits}[project] }
			w.open()
			other := reversed(ask(1, 3, 2, 3, 5, 5000), 0)
			other.ProjectID, other.StartTime = "q", w.now
			w.create(other)
			held := ask(1, 2, 1, 3, 20, 100)
			held.StartTime = w.now
			w.create(held)
			r := tc.ask(ask(1, 1, 2, 1, 11, 50))
			w.offers(r, w.instead(r), both(start(100), tc.want), unrated)
		})
	}
}

// TestInsteadOfMoreThanThereEverIs: less is offered before the start as well.
func TestInsteadOfMoreThanThereEverIs(t *testing.T) {
	w, _ := pair(t)
	w.other(1, 1, 100, 200)
	r := ask(1, 1, 2, 1, 12, 50)
	r.StartTime = w.now + 120
	w.offers(r, w.instead(r), both(start(200), rate(10)), both(start(50), rate(10)))
}
