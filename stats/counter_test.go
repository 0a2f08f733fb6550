package stats

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSince(t *testing.T) {
	for _, c := range []struct {
		name              string
		now, before, want Volume
	}{
		{"nothing", Volume{5, 500}, Volume{5, 500}, Volume{}},
		{"more", Volume{7, 700}, Volume{5, 500}, Volume{2, 200}},
		{"began anew", Volume{2, 200}, Volume{5, 500}, Volume{2, 200}},
		{"began anew with larger packets", Volume{2, 900}, Volume{5, 500}, Volume{2, 900}},
		{"began anew and shows nothing", Volume{}, Volume{5, 500}, Volume{}},
		{"first", Volume{5, 500}, Volume{}, Volume{5, 500}},
	} {
		if got := c.now.since(c.before); got != c.want {
			t.Errorf("%s: %+v since %+v is %+v, want %+v", c.name, c.now, c.before, got, c.want)
		}
	}
}

// Whatever a counter shows, no rate is negative, infinite, or more than the
// counter itself over the time.
func TestRatesAreNeverAbsurd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		volume := rapid.Custom(func(t *rapid.T) Volume {
			return Volume{rapid.Uint64().Draw(t, "packets"), rapid.Uint64().Draw(t, "bytes")}
		})
		now, before := volume.Draw(t, "now"), volume.Draw(t, "before")
		d := now.since(before)
		if d.Packets > now.Packets || d.Bytes > now.Bytes {
			t.Fatalf("%+v since %+v is %+v", now, before, d)
		}
		span := time.Duration(rapid.Int64Range(-10, int64(time.Hour)).Draw(t, "span"))
		r := d.rate(span)
		if (r == nil) != (span <= 0) {
			t.Fatalf("over %v the rate is %v", span, r)
		}
		if r != nil && (r.Packets < 0 || r.Packets > float64(d.Packets)/span.Seconds()*1.000001) {
			t.Fatalf("%+v over %v is %+v", d, span, r)
		}
	})
}

func TestUnkeptCountersHaveNoRate(t *testing.T) {
	if r := counted(Volume{Unkept, Unkept}, Volume{1, 1}, time.Second); r != nil {
		t.Errorf("a counter that is not kept has the rate %+v", r)
	}
	if r := counted(Volume{9, 9}, Volume{Unkept, 1}, time.Second); r != nil {
		t.Errorf("a counter that was not kept has the rate %+v", r)
	}
}
