package allocator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// widest returns what some path has free at a moment beside a rate back, by
// hand.
func (s *sheet) widest(from, to topology.PortID, back path.Reverse, at Seconds) (most bitrate.Rate) {
	for _, p := range everyPath(s.w.snap, from, to) {
		for s.fits(p, Window{at, at + 1}, Request{Bandwidth: most + 1, Reverse: back}) {
			most++
		}
	}
	return most
}

// TestAvailability compares what is told with what is there at each second, and
// what a request is told with what it gets.
func TestAvailability(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt)
		w.open()
		s := newSheet(w)
		for range rapid.IntRange(0, 12).Draw(rt, "requests") {
			if v, err := w.a.Create(bg, drawRequest(rt, w)); err == nil && v.Window != (Window{}) {
				s.enter(v)
			}
		}
		r := drawRequest(rt, w)
		horizon := secondsRange(1, 60).Draw(rt, "horizon")
		got, err := w.a.Availability(r, horizon)
		if err != nil {
			rt.Fatal(err)
		}
		from, to, _, _ := locate(w.snap, r.Key)
		start := max(w.now, r.StartTime)
		switch there := len(everyPath(w.snap, from, to)) > 0; {
		case got.From != from || got.To != to || got.Horizon != (Window{start, start + horizon}) || got.Until != start+horizon:
			rt.Fatalf("%+v", got)
		case there != (len(got.Free) > 0):
			rt.Fatalf("a path is there: %v; %+v", there, got.Free)
		}
		at := start
		for i, step := range got.Free {
			if step.Start != at || step.End <= step.Start || i > 0 && got.Free[i-1].Rate == step.Rate {
				rt.Fatalf("%+v", got.Free)
			}
			for ; at < step.End; at++ {
				if want := s.widest(from, to, r.Reverse, at-1_000_000); want != step.Rate {
					rt.Fatalf("%d free at %d, by hand %d: %+v", step.Rate, at-1_000_000, want, got.Free)
				}
			}
		}
		if len(got.Free) > 0 && at != got.Until {
			rt.Fatalf("%+v ends at %d", got.Free, at)
		}
		for _, alt := range got.Alternatives {
			if now, err := w.a.Validate(alt); err != nil || got.Refused == nil && (now.Window.Start > w.now || alt.Bandwidth >= r.Bandwidth) {
				rt.Fatalf("%+v is offered: %+v, %v", alt, now, err)
			}
		}
		dry, err1 := w.a.Validate(r)
		v, err2 := w.a.Create(bg, r)
		if (got.Refused == nil) != (err2 == nil) || fmt.Sprint(err1) != fmt.Sprint(err2) || err2 == nil && (!got.Planned.Path.Equal(v.Path) || got.Planned.Window != v.Window) {
			rt.Fatalf("%+v, got %+v %v, %v", got, v, err2, err1)
		}
		if v.Reason = dry.Reason; err2 == nil && (dry.ID != "" || dry.Window != v.Window || !dry.Path.Equal(v.Path) || dry.LeaseEnd != v.LeaseEnd || dry.State != Pending) {
			rt.Fatalf("%+v, got %+v", dry, v)
		}
	})
}

func TestAvailabilityOfWhatCannotBe(t *testing.T) {
	w, id := pair(t)
	if got, err := w.a.Availability(Request{Key: key(host(1, 1), host(9, 9))}, 0); err != nil || got.Free != nil || got.Planned.Reason == "" || got.To != (topology.PortID{}) || got.Until != w.now+Horizon {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := w.a.Availability(Request{Key: key(host(1, 1), host(2, 1))}, MaxAhead+1)
	refused(t, err, Invalid, "horizon")
	_, err = w.a.Availability(Request{Key: key(host(1, 1), host(1, 1))}, 1)
	refused(t, err, Invalid, "dst_ip")
	_, err = w.a.Validate(Request{Key: key(host(1, 1), host(2, 1)), Duration: 1})
	refused(t, err, Invalid, "project_id")
	w.change(cut(id))
	if got, err := w.a.Availability(Request{Key: key(host(1, 1), host(2, 1))}, 0); err != nil || got.Free != nil || got.Refused != nil || got.Planned.Window != (Window{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A rate that changes more often than is told is told as far as it goes, and
// the rest by asking from there.
func TestManySteps(t *testing.T) {
	w, _ := pair(t)
	const many = 2*MaxSteps + 10
	for i := range Seconds(many / 2) {
		r := ask(1, 2, 2, 2, 3, 5)
		r.StartTime = w.now + 10*i + 5
		w.create(r)
	}
	r := ask(1, 1, 2, 1, 0, 1)
	n := 0
	for r.StartTime < w.now+5*many {
		got, err := w.a.Availability(r, w.now+5*many-max(w.now, r.StartTime))
		if err != nil || len(got.Free) == 0 || len(got.Free) > MaxSteps || got.Free[len(got.Free)-1].End != got.Until {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, step := range got.Free {
			if want := bitrate.Rate(10 - 3*(n%2)); step.Rate != want || step.Start != w.now+Seconds(5*n) {
				t.Fatalf("step %d is %+v", n, step)
			}
			n++
		}
		r.StartTime = got.Until
	}
	if n != many {
		t.Errorf("%d steps, want %d", n, many)
	}
}

// wide returns a world of n switches in a ring with as many chords, and so many
// reservations within 60 days.
func wide(b *testing.B, n, reservations int) *world {
	b.Helper()
	w := newWorld(b, n, 100*bitrate.Gbps)
	random := rand.New(rand.NewPCG(1, 2))
	for d := range n {
		w.cable(openflow.DPID(d+1), openflow.DPID((d+1)%n+1), 100*bitrate.Gbps)
		if other := random.IntN(n); other != d {
			w.cable(openflow.DPID(d+1), openflow.DPID(other+1), 100*bitrate.Gbps)
		}
	}
	w.open()
	for i := range reservations {
		r := ask(1, 1, 2, 1, bitrate.Rate(1+random.IntN(10))*bitrate.Gbps/bitrate.Rate(1+reservations/20_000), Seconds(600+random.IntN(48*3600)))
		s, d := 1+random.IntN(n), 1+random.IntN(n)
		r.Key.Src, r.Key.Dst = path.Host(host(s, 1+i%2)), path.Host(host(d, 3))
		r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = 6, path.Port(uint16(1+i%60_000)), path.Port(uint16(1+i/60_000))
		r.StartTime = w.now + Seconds(random.IntN(60*24*3600))
		w.a.mu.Lock()
		at, err := w.a.admitLocked(r, w.now)
		if err == nil && at.window != (Window{}) {
			rec := record{Allocation: Allocation{Request: r, State: Pending, Window: at.window, Path: at.path}}
			w.a.calendars.add(rec.reservations())
		}
		w.a.mu.Unlock()
	}
	return w
}

// BenchmarkAvailability asks for 30 days beside so many reservations on 500
// switches, and tells the slowest hundredth, and what one takes of the
// processor.
func BenchmarkAvailability(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("beside=%d", n), func(b *testing.B) {
			w := wide(b, 500, n)
			random := rand.New(rand.NewPCG(3, 4))
			var took []time.Duration
			steps, cut, before := 0, 0, cpu()
			for b.Loop() {
				r := Request{Key: key(host(1+random.IntN(500), 1), host(1+random.IntN(500), 3)), Bandwidth: bitrate.Gbps, Duration: 3600, ProjectID: "q"}
				began := time.Now()
				got, err := w.a.Availability(r, 0)
				took = append(took, time.Since(began))
				if err != nil {
					b.Fatal(err)
				}
				if steps += len(got.Free); got.Until < got.Horizon.End {
					cut++
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(len(took)), "cpu-µs/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100])/1e6, "ms-p99")
			b.ReportMetric(float64(steps)/float64(len(took)), "steps")
			b.ReportMetric(float64(cut)/float64(len(took)), "cut")
		})
	}
}

// TestAvailabilityOfOneWay: what needs nothing back has all that is free
// towards the destination, however full the way back is.
func TestAvailabilityOfOneWay(t *testing.T) {
	for back, want := range map[bitrate.Rate]bitrate.Rate{0: 9, 1: 0} {
		w, _ := pair(t)
		w.create(reversed(fixed(w, 2, 1, 0, 1000), 10))
		got, err := w.a.Availability(reversed(ask(1, 1, 2, 1, 5, 50), back), 100)
		if err != nil || len(got.Free) != 1 || got.Free[0] != (Step{Window{w.now, w.now + 100}, want}) {
			t.Errorf("with %d back: %+v, %v", back, got.Free, err)
		}
	}
}
