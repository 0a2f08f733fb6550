package allocator

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

const (
	million = 1_000_000
	side    = 10 // switches in a row of the torus
	behind  = 10 // hosts at a switch
)

// hundred returns a network of a hundred switches and a thousand hosts.
func hundred(b *testing.B) *world {
	w := newWorld(b, 0, 0)
	w.now = 1_800_000_000
	dpid := func(x, y int) openflow.DPID { return openflow.DPID(1 + (x+side)%side + (y+side)%side*side) }
	for d := 1; d <= side*side; d++ {
		w.snap.Switches[openflow.DPID(d)] = topology.Switch{DPID: openflow.DPID(d), Connected: true, Ports: map[openflow.PortNo]topology.Port{}}
		for h := 1; h <= behind; h++ {
			at := topology.PortID{DPID: openflow.DPID(d), Port: openflow.PortNo(h)}
			w.setPort(at, topology.Edge, 100*bitrate.Gbps)
			w.snap.Addrs = w.snap.Addrs.With(host(d, h), topology.Attachment{Prefix: netip.PrefixFrom(host(d, h), 32), At: at})
		}
	}
	for x := range side {
		for y := range side {
			w.cable(dpid(x, y), dpid(x+1, y), 100*bitrate.Gbps)
			w.cable(dpid(x, y), dpid(x, y+1), 100*bitrate.Gbps)
		}
	}
	w.cfg.Reservable, w.cfg.NewID = 0.8, uuid.NewString
	return w
}

// wanted returns a request of a random pair of hosts for some hours within two
// years.
func wanted(r *rand.Rand, w *world) Request {
	s := r.IntN(side * side)
	d := (s + 1 + r.IntN(side*side-1)) % (side * side)
	q := ask(s+1, 1+r.IntN(behind), d+1, 1+r.IntN(behind), bitrate.Rate(1+r.IntN(20))*bitrate.Gbps, Seconds(3600*(1+r.Int64N(5))))
	q.UserID, q.ProjectID = "user"+string(rune('a'+r.IntN(26))), "project"+string(rune('a'+r.IntN(26)))
	q.Key.Proto, q.Key.SrcPort, q.Key.DstPort = path.ProtoTCP, path.Port(uint16(1+r.IntN(60000))), path.Port(uint16(1+r.IntN(60000)))
	q.StartTime = w.now + 60 + Seconds(r.Int64N(MaxAhead-100))
	return q
}

// booked is what reservations hold of each link, by the hour.
type booked map[topology.LinkID][]bitrate.Rate

// during returns what is held of a link in the hours of a window, from a moment
// on.
func (k booked) during(l topology.LinkID, w Window, since Seconds) []bitrate.Rate {
	if k[l] == nil {
		k[l] = make([]bitrate.Rate, MaxAhead/3600+24)
	}
	return k[l][(w.Start-since)/3600 : (w.End-1-since)/3600+1]
}

// fill writes n reservations into a store, each on one of the shortest paths,
// that with most room. As in a store that an allocator has written, no link is
// promised more than it carries: what does not fit gives way to another one.
func fill(b *testing.B, w *world, s store.Store, n int) {
	graph, r := path.NewGraph(w.snap), rand.New(rand.NewPCG(7, 8))
	limit := bitrate.Rate(w.cfg.Reservable * float64(100*bitrate.Gbps))
	var ops []store.Op
	held := booked{}
	for i := 0; i < n; {
		q := wanted(r, w)
		from, to, _, _ := locate(w.snap, q.Key)
		window := Window{q.StartTime, q.StartTime + q.Duration}
		query := path.Query{From: from, To: to, Rate: q.Bandwidth, Free: func(l topology.Link) bitrate.Rate {
			return limit - slices.Max(held.during(l.ID, window, w.now))
		}}
		p, ok := graph.Find(query)
		if !ok {
			continue
		}
		for _, l := range path.LinksOf(p, nil) {
			for _, way := range [...]topology.LinkID{l, l.Reverse()} {
				hours := held.during(way, window, w.now)
				for i := range hours {
					hours[i] += q.Bandwidth
				}
			}
		}
		rec := record{Version: recordVersion, Seq: uint64(i + 1), Allocation: Allocation{
			ID: uuid.NewString(), Handle: uint32(i + 1), Revision: uint64(i + 1), Created: w.now - 1000, Request: q, State: Pending,
			Window: window, Path: p,
		}}
		value, err := rec.encode()
		if err != nil {
			b.Fatal(err)
		}
		ops = append(ops, store.Op{Bucket: store.Allocations, Key: rec.ID, Value: value})
		if i++; len(ops) == 20_000 || i == n {
			slices.SortFunc(ops, func(x, y store.Op) int { return strings.Compare(x.Key, y.Key) })
			if err := s.Commit(context.Background(), ops...); err != nil {
				b.Fatal(err)
			}
			ops = ops[:0]
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// free is a store that costs nothing: what is measured is the allocator.
type free struct{ store.Store }

func (free) Commit(context.Context, ...store.Op) error { return nil }

// BenchmarkMillionLive opens a store with a million reservations that have a
// window and a path, over two years and a hundred switches, and admits more
// beside them.
func BenchmarkMillionLive(b *testing.B) {
	benchmarkLive(b, million)
}

func benchmarkLive(b *testing.B, n int) {
	w := hundred(b)
	s, err := store.OpenBolt(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, w, s, n)
	w.cfg.Store = free{s}
	before := heapInUse()
	start := time.Now()
	a, err := Open(context.Background(), w.cfg)
	if err != nil {
		b.Fatal(err)
	}
	opened := time.Since(start)
	used := heapInUse() - before
	b.ReportMetric(float64(used)/float64(n), "bytes/reservation")
	b.ReportMetric(opened.Seconds(), "open-s")
	w.a = a
	a.Settled()
	r := rand.New(rand.NewPCG(1, 2))
	measure := func(name string, n int, request func() Request) {
		var admitted, refused []time.Duration
		for range n {
			q := request()
			start := time.Now()
			if _, err := a.Create(context.Background(), q); err != nil {
				refused = append(refused, time.Since(start))
			} else {
				admitted = append(admitted, time.Since(start))
			}
		}
		report := func(name string, took []time.Duration) {
			if len(took) == 0 {
				return
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2])/1e6, name+"-p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100])/1e6, name+"-p99-ms")
		}
		report(name, admitted)
		report(name+"-refusal", refused)
		b.ReportMetric(100*float64(len(refused))/float64(n), name+"-refused-%")
	}
	measure("admission", 2000, func() Request { return wanted(r, w) })
	measure("earliest", 1000, func() Request {
		q := wanted(r, w)
		q.StartTime, q.Bandwidth, q.Duration = 0, 40*bitrate.Gbps, 6*3600
		return q
	})
	runtime.KeepAlive(a)
}

func BenchmarkHundredThousandLive(b *testing.B) { benchmarkLive(b, 100_000) }

// BenchmarkMillionComplete opens a store with a few live allocations and many
// complete ones, and one without those, and reads a page far down the list.
func BenchmarkMillionComplete(b *testing.B) { benchmarkComplete(b, million) }

func BenchmarkHundredThousandComplete(b *testing.B) { benchmarkComplete(b, 100_000) }

func benchmarkComplete(b *testing.B, n int) {
	const live = 10_000
	measure := func(n int) (time.Duration, uint64, *Allocator) {
		w := hundred(b)
		file := filepath.Join(b.TempDir(), "db")
		s, err := store.OpenBolt(file)
		if err != nil {
			b.Fatal(err)
		}
		fill(b, w, s, live)
		archiveMany(b, s, n)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		before, start := heapInUse(), time.Now()
		if s, err = store.OpenBolt(file); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		w.cfg.Store = s
		a, err := Open(context.Background(), w.cfg)
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		return took, heapInUse() - before, a
	}
	time0, bytes0, _ := measure(0)
	time1, bytes1, a := measure(n)
	start := time.Now()
	page, total, err := a.Page(context.Background(), Filter{}, n/2, 100)
	if err != nil || len(page) != 100 || total != n+live {
		b.Fatal(len(page), total, err)
	}
	b.ReportMetric(float64(time.Since(start))/1e6, "page-ms")
	b.ReportMetric(float64(time1)/float64(time0), "open-ratio")
	b.ReportMetric(float64(bytes1)/float64(bytes0), "memory-ratio")
	runtime.KeepAlive(a)
}

// archiveMany writes complete allocations of some projects into the history.
func archiveMany(b *testing.B, s store.Store, n int) {
	var ops []store.Op
	for i := range n {
		r := record{Seq: uint64(million + i), Done: Seconds(1_700_000_000 + i), Allocation: Allocation{
			ID: uuid.NewString(), Handle: uint32(million + i), Revision: 1, Created: 1, State: Complete, Window: Window{2, 3},
			Request: Request{UserID: "u", ProjectID: "project" + string(rune('a'+i%26)), Key: key(host(1, 1), host(2, 1)), Duration: 1},
		}}
		archive, err := r.intoHistory()
		if err != nil {
			b.Fatal(err)
		}
		if ops = append(ops, archive...); len(ops) > 100_000 || i == n-1 {
			slices.SortStableFunc(ops, func(x, y store.Op) int { return strings.Compare(x.Key, y.Key) })
			if err := s.Commit(context.Background(), ops...); err != nil {
				b.Fatal(err)
			}
			ops = ops[:0]
		}
	}
}
