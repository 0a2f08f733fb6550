package allocator

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// TestVolumeAlternatives takes refusals of volumes at their word: what is
// offered is admitted, also some seconds later where there is such a one; the
// first deadline and the greatest volume are among it, and where nothing is
// offered not a byte passes, at any rate and time.
func TestVolumeAlternatives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		b := drawBook(rt, w)
		for range rapid.IntRange(1, 6).Draw(rt, "requests") {
			r := drawRequest(rt, w)
			if rapid.Bool().Draw(rt, "volume") {
				r = drawVolume(rt, w, r)
				if r.Volume *= 3; rapid.IntRange(0, 3).Draw(rt, "one rate") == 0 {
					r.Bandwidth = bitrate.Rate(rapid.IntRange(1, 6).Draw(rt, "rate"))
					r.MinBandwidth, r.MaxBandwidth = 0, 0
				}
			}
			v, err := w.a.Create(bg, r)
			if err == nil && v.Window != (Window{}) {
				b.enter(v)
			}
			if e, ok := errors.AsType[*Error](err); ok && r.Volume != 0 && e.Kind != Invalid {
				b.checkVolumeAlternatives(rt, r, e)
			}
		}
	})
}

func (b *book) checkVolumeAlternatives(t *rapid.T, r Request, e *Error) {
	if e.Offer.Slower != 0 || len(e.Alternatives) > maxAlternatives {
		t.Fatalf("%+v: %v offers %+v, %d alternatives", r, e, e.Offer, len(e.Alternatives))
	}
	for _, alt := range e.Alternatives {
		v, err := b.w.a.Create(bg, alt)
		if err != nil {
			t.Fatalf("%+v: %+v is offered and refused: %v; %v", r, alt, err, e)
		}
		if err := b.w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	const horizon = 160
	from, to, _, _ := locate(b.w.snap, r.Key)
	if len(everyPath(b.w.snap, from, to)) == 0 {
		return // it waits for a path with less
	}
	later := r
	later.Earliest = max(r.Earliest, b.w.now+startSlack)
	byHand := func(r Request) (Seconds, bool) {
		if r.Bandwidth != 0 {
			r.MinBandwidth, r.MaxBandwidth, r.Bandwidth = r.Bandwidth, r.Bandwidth, 0
		}
		end := Seconds(horizon)
		if r.Deadline != 0 {
			end = b.rel(Window{r.Deadline, 0}).Start
		}
		return b.quickestByHand(r, end)
	}
	if r.Deadline != 0 {
		open := later
		open.Deadline = 0
		want := r
		if end, ok := byHand(open); ok && !slices.ContainsFunc(e.Alternatives, func(alt Request) bool {
			want.Deadline = 1_000_000 + end
			return alt.Deadline == want.Deadline && alt.Volume == r.Volume
		}) {
			t.Fatalf("%+v: it passes by %d, which is not offered: %+v; %v", r, end, e.Alternatives, e)
		}
	}
	refuses := r.Bandwidth != 0 && r.Deadline == 0 && b.limit != nil // the limit does, and does not put it off
	for less := later; !refuses && less.Volume > (r.Volume-1)/shortest+1; {
		less.Volume--
		if _, ok := byHand(less); ok {
			if !slices.ContainsFunc(e.Alternatives, func(alt Request) bool { return alt.Volume == less.Volume }) {
				t.Fatalf("%+v: %d bytes pass, which is not offered: %+v; %v", r, less.Volume, e.Alternatives, e)
			}
			break
		}
	}
	if len(e.Alternatives) == 0 {
		byte1 := r.freed()
		byte1.Volume, byte1.Deadline = 1, 0
		if end, ok := byHand(byte1); ok {
			t.Fatalf("%+v: nothing is offered, and a byte passes by %d; %v", r, end, e)
		}
	}
}

// TestVolumeAlternativesToChanges does the same for changes of what waits and
// of what runs.
func TestVolumeAlternativesToChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.limit(drawLimits(rt, 9))
		var made []string
		for range rapid.IntRange(2, 15).Draw(rt, "steps") {
			w.pass(secondsRange(0, 3).Draw(rt, "passes"))
			r := drawVolume(rt, w, drawRequest(rt, w))
			if len(made) == 0 || rapid.Bool().Draw(rt, "new") {
				if v, err := w.a.Create(bg, r); err == nil {
					made = append(made, v.ID)
				}
				continue
			}
			v := w.get(rapid.SampledFrom(made).Draw(rt, "changed"))
			if r.Volume *= 4; v.Started {
				r.Earliest = v.Earliest
			}
			_, err := w.a.Update(bg, v.ID, 0, changeTo(r))
			e, _ := errors.AsType[*Error](err)
			if err == nil || e.Kind == Invalid || v.State == Complete {
				continue
			}
			if len(e.Alternatives) == 0 {
				least := r.freed()
				least.Deadline = 0
				for least.Volume = v.Volume + 1; least.Volume < r.Volume; least.Volume++ { // with less it keeps what it has
					if _, err := w.a.Update(bg, v.ID, 0, changeTo(least)); err == nil {
						rt.Fatalf("%v: nothing is offered, and %+v is admitted: %+v", e, least, v)
					}
				}
				continue
			}
			alt := rapid.SampledFrom(e.Alternatives).Draw(rt, "instead")
			if _, err := w.a.Update(bg, v.ID, 0, changeTo(alt)); err != nil {
				rt.Fatalf("%v: %+v is offered and refused: %v; %+v", e, alt, err, v)
			}
		}
	})
}

// changeTo returns the change that makes an allocation with a volume a request.
func changeTo(r Request) Change {
	return Change{
		Key: &r.Key, Bandwidth: &r.Bandwidth, Reverse: &r.Reverse, Earliest: &r.Earliest, Deadline: &r.Deadline,
		Volume: &r.Volume, MinBandwidth: &r.MinBandwidth, MaxBandwidth: &r.MaxBandwidth,
	}
}

// TestInsteadOfAVolumeThatRuns: what has started goes on with the rest of its
// volume now, so that a change which does not pass in time is offered the first
// deadline by which it does, and the most that does, also in some seconds.
func TestInsteadOfAVolumeThatRuns(t *testing.T) {
	w, _ := pair(t)
	r := bulk(1, 100, 0, 100)
	r.MaxBandwidth = 10
	id := w.create(r).ID
	w.work()
	w.pass(20)
	w.expect(id, Active, span(0, 80))
	r.Volume = 250 // 200 s at 10 bit/s
	_, err := w.a.Update(bg, id, 0, Change{Volume: &r.Volume})
	w.offers(r, refused(t, err, Conflict, "bandwidth").Alternatives, deadline(201), func(r *Request) { r.Volume = 124 })
	w.update(id, Change{Volume: &r.Volume, Deadline: new(Seconds(1_000_200))})
	w.expect(id, Active, span(0, 200))
}

// TestRateThatLasts: of two rates with which a volume passes in time the one
// that is admitted some seconds later, too, is offered.
func TestRateThatLasts(t *testing.T) {
	w, _ := pair(t)
	w.other(3, 6, 30, 200)
	r := bulk(1, 35, 0, 100)
	r.Bandwidth = 12
	list := w.instead(r)
	if !slices.ContainsFunc(list, func(alt Request) bool { return alt.Volume == 35 && alt.Bandwidth == 4 }) {
		t.Errorf("%+v", list)
	}
	for _, alt := range list {
		if alt.Volume == 35 && alt.Bandwidth == 10 && alt.Deadline == r.Deadline {
			t.Errorf("a rate is offered that is gone in a moment: %+v", alt)
		}
	}
}
