package allocator

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
)

// What is divided is never more than there is, and no portion can be larger
// unless one is smaller that is no larger for its weight.
func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		things := make([]float64, rapid.IntRange(1, 4).Draw(t, "things"))
		for i := range things {
			things[i] = float64(rapid.IntRange(0, 100).Draw(t, "there"))
		}
		var portions []*portion
		for range rapid.IntRange(1, 6).Draw(t, "portions") {
			portions = append(portions, &portion{
				of:     rapid.SliceOfNDistinct(rapid.IntRange(0, len(things)-1), 1, len(things), rapid.ID[int]).Draw(t, "of"),
				weight: float64(rapid.IntRange(1, 5).Draw(t, "weight")) / float64(rapid.IntRange(1, 3).Draw(t, "share")),
				room:   float64(rapid.IntRange(0, 60).Draw(t, "room")),
			})
		}
		divide(portions, append([]float64(nil), things...))
		left := append([]float64(nil), things...)
		for _, p := range portions {
			for _, i := range p.of {
				left[i] -= p.rate
			}
		}
		const slack = 1e-6
		for _, p := range portions {
			bound := p.rate >= p.room-slack
			for _, i := range p.of {
				most := 0.0 // of what others that want this have for their weights
				for _, o := range portions {
					for _, k := range o.of {
						if k == i {
							most = max(most, o.rate/o.weight)
						}
					}
				}
				bound = bound || left[i] < slack && p.rate/p.weight >= most-slack
			}
			if !bound || p.rate > p.room+slack || p.rate < 0 {
				t.Fatalf("%+v could have more, or has too much; left is %v", p, left)
			}
		}
		for i, n := range left {
			if n < -slack {
				t.Fatalf("of thing %d %v is missing", i, n)
			}
		}
	})
}

// A project of weight 3 has three times as much of what is spare as one of
// weight 1, however many scavengers each has, beside each one's least rate.
func TestWeights(t *testing.T) {
	w := newWorld(t, 2, 1_000_000_000)
	w.cable(1, 2, 400_000_000)
	w.cfg.Limits = func(project string) Limits { return Limits{Weight: map[string]int{"p": 3}[project]} }
	w.open()
	var ids []string
	for i, project := range []string{"p", "q", "q", "q"} {
		r := scavenger(1, 1+i%3, 2, 1+(i+1)%3, 0, 0, 1000)
		if r.ProjectID = project; i == 3 {
			r.Key = key(host(1, 1), host(2, 1))
		}
		ids = append(ids, w.create(r).ID)
	}
	w.pass(10)
	for i, want := range []bitrate.Rate{300_000_000, 33_333_000, 33_333_000, 33_333_000} {
		v := w.get(ids[i])
		if v.State != Active || v.Bandwidth < want-1000 || v.Bandwidth > want+1000 {
			t.Errorf("scavenger %d is %s at %s, want %s", i, v.State, v.Bandwidth, want)
		}
	}
}

// What a scavenger cannot have is refused by its name, and so is another class.
func TestScavengerIsRefused(t *testing.T) {
	w := newWorld(t, 2, 40)
	w.cable(1, 2, 40)
	w.open()
	for field, change := range map[string]func(*Request){
		"bandwidth":     func(r *Request) { r.Bandwidth = 1 },
		"volume":        func(r *Request) { r.Volume, r.Duration = 1, 0 },
		"start_time":    func(r *Request) { r.StartTime = w.now + 1 },
		"earliest":      func(r *Request) { r.Earliest = w.now + 1 },
		"deadline":      func(r *Request) { r.Deadline = w.now + 2000 },
		"hold":          func(r *Request) { r.Hold = 1 },
		"protection":    func(r *Request) { r.Protected = true },
		"min_bandwidth": func(r *Request) { r.MinBandwidth, r.MaxBandwidth = 3, 2 },
	} {
		r := scavenger(1, 1, 2, 1, 0, 0, 1000)
		change(&r)
		_, err := w.a.Create(bg, r)
		refused(t, err, Invalid, field)
	}
	_, err := w.a.Create(bg, scavenger(1, 1, 2, 1, 41, 0, 1000))
	refused(t, err, Conflict, "min_bandwidth")
	id := w.create(scavenger(1, 1, 2, 1, 0, 0, 1000)).ID
	_, err = w.a.Update(bg, id, 0, Change{Class: new(Normal)})
	refused(t, err, Invalid, "class")
	_, err = w.a.Update(bg, id, 0, Change{Bandwidth: new(bitrate.Rate(7))})
	refused(t, err, Invalid, "bandwidth")
	if _, err := w.a.Update(bg, id, 0, Change{MaxBandwidth: new(bitrate.Rate(7))}); err != nil {
		t.Error(err)
	}
	w.pass(2)
	w.expectRate(id, Active, 7, "")
}

// What is divided by weights whose quotient is rounded down is divided at last.
func TestDivideRounded(t *testing.T) {
	for there := 1.0; there <= 100; there++ {
		for n := 1.0; n <= 15; n++ {
			for _, room := range []float64{there, 2 * there} {
				p := &portion{of: []int{0}, weight: n / 3, room: room}
				divide([]*portion{p, {of: []int{0}, weight: 5. / 3, room: room}}, []float64{there})
				if want := there * n / (n + 5); math.Abs(p.rate-want) > 1e-6 {
					t.Fatalf("of %g a weight of %g beside 5 has %g, want %g", there, n, p.rate, want)
				}
			}
		}
	}
}

// TestWhole: rates are rounded down to whole bits a second, and from a megabit
// on to whole kilobits, but for what adding has left short.
func TestWhole(t *testing.T) {
	for rate, want := range map[float64]bitrate.Rate{
		0: 0, 0.9: 0, 1 - 1e-9: 1, 1: 1, 1.9: 1, 999_999: 999_999, 999_999.5: 999_999, 1_000_000 - 1e-8: 1_000_000,
		1_000_999: 1_000_000, 1_001_000: 1_001_000, 100e9 - 1e-3: 100e9, 2_999_999_999.9: 2_999_999_000,
	} {
		if got := whole(rate); got != want {
			t.Errorf("%f is %d, want %d", rate, got, want)
		}
	}
}

// TestDivideByHand: what each has where several share several things.
func TestDivideByHand(t *testing.T) {
	for name, c := range map[string]struct {
		left     []float64
		portions []portion
		want     []float64
	}{
		"one":                     {[]float64{9}, []portion{{of: []int{0}, weight: 1, room: 100}}, []float64{9}},
		"one that may have less":  {[]float64{9}, []portion{{of: []int{0}, weight: 1, room: 4}}, []float64{4}},
		"one that may have none":  {[]float64{9}, []portion{{of: []int{0}, weight: 1}, {of: []int{0}, weight: 1, room: 90}}, []float64{0, 9}},
		"by weight":               {[]float64{9}, []portion{{of: []int{0}, weight: 2, room: 90}, {of: []int{0}, weight: 1, room: 90}}, []float64{6, 3}},
		"what one leaves":         {[]float64{9}, []portion{{of: []int{0}, weight: 2, room: 2}, {of: []int{0}, weight: 1, room: 90}}, []float64{2, 7}},
		"a narrow and a wide one": {[]float64{2, 9}, []portion{{of: []int{0, 1}, weight: 1, room: 90}, {of: []int{1}, weight: 1, room: 90}}, []float64{2, 7}},
		"one of two":              {[]float64{4, 9}, []portion{{of: []int{0}, weight: 1, room: 90}, {of: []int{0, 1}, weight: 3, room: 90}}, []float64{1, 3}},
		"nothing left":            {[]float64{0, 9}, []portion{{of: []int{0}, weight: 1, room: 90}, {of: []int{1}, weight: 1, room: 90}}, []float64{0, 9}},
	} {
		list := make([]*portion, len(c.portions))
		for i := range c.portions {
			list[i] = &c.portions[i]
			list[i].rate = 77 // of the time before
		}
		divide(list, c.left)
		for i, p := range list {
			if math.Abs(p.rate-c.want[i]) > 1e-9 {
				t.Errorf("%s: portion %d is %g, want %g", name, i, p.rate, c.want[i])
			}
		}
	}
}
