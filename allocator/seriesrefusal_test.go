package allocator

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
)

// offeredSeries returns what a refusal offers, as words.
func offeredSeries(e *Error) (words []string) {
	for _, r := range e.Alternatives {
		words = append(words, fmt.Sprint(uint64(r.Bandwidth), " ", r.StartTime-1_000_000, " ", r.Recurrence.Rule))
	}
	return words
}

// TestManyOccurrencesRefused: all that do not fit are counted, and as many told
// of as a refusal tells of; what fits among them is not.
func TestManyOccurrencesRefused(t *testing.T) {
	for _, blocked := range []int{maxRefused, maxRefused + 1, 38, 40} {
		w := newWorld(t, 2, bitrate.Tbps)
		w.cable(1, 2, 100)
		w.open()
		w.createSeries(again(ask(1, 2, 2, 2, 70, 3600), 0, fmt.Sprintf("FREQ=DAILY;COUNT=%d", blocked)))
		_, err := w.a.CreateSeries(bg, again(ask(1, 1, 2, 1, 40, 3600), 0, "FREQ=DAILY;COUNT=40"))
		e := refused(t, err, Conflict, "bandwidth")
		if want := fmt.Sprintf("%d of the 40 occurrences do not fit", blocked); !strings.HasPrefix(e.Err.Error(), want) || len(e.Occurrences) != maxRefused {
			t.Errorf("%v, with %d occurrences; want %s", e, len(e.Occurrences), want)
		}
		for i, o := range e.Occurrences {
			if at := Seconds(i) * oneDay; o.Window != span(at, at+3600) || o.Err.Kind != Conflict || o.Err.Offer != (Offer{}) {
				t.Errorf("occurrence %d is %+v, %+v", i, o.Window, o.Err)
			}
		}
		want := []string{"30 0 FREQ=DAILY;COUNT=40", "40 3600 FREQ=DAILY;COUNT=40", "0 0 FREQ=DAILY;COUNT=40"}
		if got := offeredSeries(e); !slices.Equal(got, want) {
			t.Errorf("offered are %q", got)
		}
	}
}

// TestInsteadOfASeries: a refused series has in its place one with the rate
// that is there for all, one later on the day, the first of its occurrences, or
// one without a rate, as far as they are admitted.
func TestInsteadOfASeries(t *testing.T) {
	type other struct {
		rate     bitrate.Rate
		from, to Seconds
	}
	for name, c := range map[string]struct {
		others []other
		ask    func(*Request)
		want   []string
	}{
		"the rate of the last": {
			[]other{{70, oneDay, oneDay + 600}, {80, 2 * oneDay, 2*oneDay + 900}}, func(*Request) {},
			[]string{"20 0 FREQ=DAILY;COUNT=3", "40 900 FREQ=DAILY;COUNT=3", "40 0 FREQ=DAILY;COUNT=1"},
		},
		"in two steps": { // the first delay runs into another one
			[]other{{70, oneDay, oneDay + 600}, {70, 700, 800}}, func(*Request) {},
			[]string{"30 0 FREQ=DAILY;COUNT=3", "40 800 FREQ=DAILY;COUNT=3", "40 0 FREQ=DAILY;COUNT=1"},
		},
		"never on the day": {
			[]other{{70, 2 * oneDay, 3*oneDay - 599}}, func(*Request) {},
			[]string{"30 0 FREQ=DAILY;COUNT=3", "40 0 FREQ=DAILY;COUNT=2", "0 0 FREQ=DAILY;COUNT=3"},
		},
		"just on the day": {
			[]other{{70, 2 * oneDay, 3*oneDay - 600}}, func(*Request) {},
			[]string{"30 0 FREQ=DAILY;COUNT=3", "40 85800 FREQ=DAILY;COUNT=3", "40 0 FREQ=DAILY;COUNT=2"},
		},
		"no rate is left": {
			[]other{{100, 0, 600}, {100, oneDay, oneDay + 600}}, func(*Request) {},
			[]string{"40 600 FREQ=DAILY;COUNT=3", "0 0 FREQ=DAILY;COUNT=3"},
		},
		"times of its own": {
			[]other{{70, oneDay, oneDay + 600}}, func(r *Request) { r.Recurrence.Rule = "FREQ=DAILY;BYHOUR=13,18;COUNT=6" },
			[]string{"30 0 FREQ=DAILY;BYHOUR=13,18;COUNT=6", "40 0 FREQ=DAILY;BYHOUR=13,18;COUNT=2", "0 0 FREQ=DAILY;BYHOUR=13,18;COUNT=6"},
		},
		"without a rate": {
			[]other{{100, 0, 600}}, func(r *Request) { r.Bandwidth = 101 },
			[]string{"0 0 FREQ=DAILY;COUNT=3"},
		},
	} {
		w := newWorld(t, 2, bitrate.Tbps)
		w.cable(1, 2, 100)
		w.open()
		for _, o := range c.others {
			w.create(fixed(w, 2, o.rate, o.from, o.to))
		}
		r := again(ask(1, 1, 2, 1, 40, 600), 0, "FREQ=DAILY;COUNT=3")
		c.ask(&r)
		_, err := w.a.CreateSeries(bg, r)
		e := refused(t, err, Conflict, "bandwidth")
		if got := offeredSeries(e); !slices.Equal(got, c.want) {
			t.Errorf("%s: offered are %q, want %q", name, got, c.want)
		}
		for _, alt := range e.Alternatives {
			if _, err := w.a.ValidateSeries(alt); err != nil {
				t.Errorf("%s: %+v is offered: %v", name, alt, err)
			}
		}
	}
}
