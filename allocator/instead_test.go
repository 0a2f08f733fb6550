package allocator

import (
	"errors"
	"slices"
	"testing"

	"conga/bitrate"
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
