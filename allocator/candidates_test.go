package allocator

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
)

// levelsByHand returns what a path has free for a request in each second up to
// its deadline.
func (b *book) levelsByHand(r Request, p path.Path) (levels []Step) {
	for at := r.Earliest; at < r.Deadline; at++ {
		win := b.rel(Window{at, at + 1})
		rate := bitrate.Rate(0)
		for try := bitrate.Rate(1); try <= 8; try++ {
			r.Bandwidth = try
			if b.fits(p, win, r) && b.allows(r.held(), win) && !b.takenByHand(r, win) {
				rate = try
			}
		}
		levels = append(levels, Step{Window{at, at + 1}, rate})
	}
	return levels
}

func (b *book) takenByHand(r Request, win Window) bool {
	for k, page := range b.keys {
		if k.Conflicts(r.Key) && page.peak(win) > 0 {
			return true
		}
	}
	return false
}

// judgeSteps holds the answer to a volume that passes in time at no constant
// rate against the profiles that there are on each path. It reports whether one
// passes.
func (b *book) judgeSteps(t *rapid.T, r Request, v Allocation, err error) bool {
	end, fewest := Seconds(0), 0
	most := bitrate.Rate(8)
	if r.MaxBandwidth != 0 {
		most = r.MaxBandwidth
	}
	from, to, _, _ := locate(b.w.snap, r.Key)
	var levels []Step
	for _, p := range everyPath(b.w.snap, from, to) {
		on := b.levelsByHand(r, p)
		if p.Equal(v.Path) {
			levels = on
		}
		e, n := shapeByHand(on, r.Volume, r.MinBandwidth, most, MaxProfile, false)
		if n > 0 && (end == 0 || e < end || e == end && n < fewest) {
			end, fewest = e, n
		}
	}
	if fewest == 0 || r.Protected || r.Deadline == 0 {
		if len(v.Profile) > 0 {
			t.Fatalf("%+v: got %v, and by hand no profile passes", r, v.Profile)
		}
		return false
	}
	if err != nil || len(v.Profile) != fewest || v.Window.End != end || v.Bandwidth != v.Profile[0].Rate || v.Duration != end-v.Window.Start {
		t.Fatalf("%+v: got %+v, %v; by hand it passes in %d steps by %d", r, v, err, fewest, end)
	}
	if v.Profile[0].Start != v.Window.Start || v.Profile[fewest-1].End != end {
		t.Fatalf("%v in %v", v.Profile, v.Window)
	}
	checkShape(t, v.Profile, levels, r.Volume, r.MinBandwidth, most)
	return true
}

// drawBusy returns a network with one to some dozens of ways from the first
// switch to the second.
func drawBusy(t *rapid.T) *world {
	w := newWorld(t, 4, bitrate.Rate(rapid.IntRange(4, 8).Draw(t, "edge")))
	for _, pair := range [][2]openflow.DPID{{1, 2}, {1, 3}, {3, 2}, {1, 2}, {1, 3}, {3, 4}, {4, 2}, {1, 4}, {3, 2}}[:rapid.IntRange(1, 9).Draw(t, "cables")] {
		w.cable(pair[0], pair[1], bitrate.Rate(rapid.IntRange(2, 6).Draw(t, "capacity")))
	}
	return w
}

// drawPiece returns a request that takes a part of these for a while.
func drawPiece(t *rapid.T, w *world, n int) Request {
	r := ask(1, rapid.IntRange(1, 3).Draw(t, "from"), 2, rapid.IntRange(1, 3).Draw(t, "to"), bitrate.Rate(rapid.IntRange(1, 4).Draw(t, "rate")), secondsRange(1, 9).Draw(t, "duration"))
	r.StartTime = w.now + secondsRange(0, 15).Draw(t, "start")
	r.Reverse = drawReverse(t, r.Bandwidth)
	if rapid.IntRange(0, 4).Draw(t, "any port") > 0 {
		r.Key.Proto, r.Key.SrcPort = path.ProtoTCP, path.Port(uint16(n))
	}
	return r
}

// drawTight makes it one for about as many bytes as may pass in time.
func drawTight(t *rapid.T, w *world, r Request) Request {
	r = drawVolume(t, w, r)
	r.Deadline = r.Earliest + secondsRange(3, 20).Draw(t, "in time")
	r.Volume = max(1, uint64(r.Deadline-r.Earliest)*uint64(rapid.IntRange(2, 14).Draw(t, "rate of it"))/32)
	return r
}

// drawFilling makes it one for about as many bytes as one of its ways has left
// in time.
func (b *book) drawFilling(t *rapid.T, r Request) Request {
	r = drawVolume(t, b.w, r)
	r.Deadline = r.Earliest + secondsRange(3, 20).Draw(t, "in time")
	bits := uint64(0)
	if from, to, _, _ := locate(b.w.snap, r.Key); from != to {
		if ways := everyPath(b.w.snap, from, to); len(ways) > 0 {
			for _, s := range b.levelsByHand(r, rapid.SampledFrom(ways).Draw(t, "way")) {
				bits += uint64(s.Rate)
			}
		}
	}
	r.Volume = max(1, bits*uint64(rapid.IntRange(20, 36).Draw(t, "part of it"))/32/8)
	return r
}

// TestSteppedVolumeIsExact has volumes that are about as large as what is left
// beside others: one that passes at no constant rate in time passes as early,
// and in as few steps, as it does on any path; or not at all.
func TestSteppedVolumeIsExact(t *testing.T) {
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawBusy(rt)
		b := drawBook(rt, w)
		for n := range rapid.IntRange(4, 12).Draw(rt, "requests") {
			r := drawPiece(rt, w, n+1)
			if n > 2 {
				r = b.drawFilling(rt, r)
			}
			v, err := w.a.Create(bg, r)
			if r.Volume != 0 {
				b.judgeVolume(rt, r, v, err)
			}
			if len(v.Profile) > 0 {
				found++
			}
			if err == nil && v.Window != (Window{}) {
				b.enter(v)
			}
			w.checkCalendars()
		}
		w.checkLoads()
	})
	if found == 0 && !testing.Short() {
		t.Error("no volume passed in steps: this compared nothing")
	}
	t.Logf("%d profiles", found)
}

// TestWithout: levels have nothing in any second of windows, and otherwise what
// they had.
func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := drawLevels(t, 12)
		var taken []Window
		for range rapid.IntRange(0, 8).Draw(t, "windows") {
			start := secondsRange(-3, 40).Draw(t, "start")
			taken = append(taken, Window{start, start + secondsRange(1, 12).Draw(t, "length")})
		}
		at := func(levels []Step, now Seconds) (rate bitrate.Rate, ok bool) {
			for _, l := range levels {
				if l.Start <= now && now < l.End {
					return l.Rate, true
				}
			}
			return 0, false
		}
		got := without(levels, slices.Clone(taken))
		for now := Seconds(-5); now < 100; now++ {
			want, ok := at(levels, now)
			for _, w := range taken {
				if w.Start <= now && now < w.End {
					want = 0
				}
			}
			if rate, has := at(got, now); rate != want || has != ok {
				t.Fatalf("%v without %v is %v", levels, taken, got)
			}
		}
		for i := range got {
			if got[i].empty() || i > 0 && (got[i].Start != got[i-1].End || got[i].Rate == got[i-1].Rate) {
				t.Fatalf("%v without %v is %v", levels, taken, got)
			}
		}
	})
}
