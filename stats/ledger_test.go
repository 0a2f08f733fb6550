package stats

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

var (
	srcAddr = netip.MustParseAddr("10.0.0.1")
	dstAddr = netip.MustParseAddr("10.0.0.2")
)

// circuitOver returns the circuit of allocation "a" with handle 7 over these
// switches; traffic comes in by port 1 and goes out by port 2 of each.
func circuitOver(dpids ...openflow.DPID) path.Circuit {
	c := path.Circuit{ID: "a", Handle: 7, Rate: 1e6, Key: path.FlowKey{Src: path.Host(srcAddr), Dst: path.Host(dstAddr)}}
	for _, d := range dpids {
		c.Path = append(c.Path, path.Hop{DPID: d, In: 1, Out: 2})
	}
	return c
}

var plainReader = reader{most: time.Minute, meterID: Config{}.withDefaults().MeterID}

// fabric is what switches hold of one allocation, and a ledger that looks at
// it.
type fabric struct {
	ledger  *ledger
	now     time.Time
	held    map[openflow.DPID]map[openflow.PortNo]*openflow.FlowStats // by port of entry
	born    map[*openflow.FlowStats]time.Time
	dropped map[openflow.DPID]*Volume // by the policer of what is carried from the source
	fallen  map[openflow.DPID]*Volume // by that of what is carried back
	samples map[openflow.DPID]*Sample
}

func newFabric() *fabric {
	return &fabric{
		ledger: newLedger(), now: time.Unix(1_000_000, 0),
		held:    map[openflow.DPID]map[openflow.PortNo]*openflow.FlowStats{},
		born:    map[*openflow.FlowStats]time.Time{},
		dropped: map[openflow.DPID]*Volume{}, fallen: map[openflow.DPID]*Volume{}, samples: map[openflow.DPID]*Sample{},
	}
}

// add installs the entry of one direction, as a switch does: one that is there
// keeps its counters.
func (f *fabric) add(dpid openflow.DPID, in openflow.PortNo, direction int) {
	src, dst := srcAddr, dstAddr
	if direction == reverse {
		src, dst = dst, src
	}
	if f.held[dpid] == nil {
		f.held[dpid] = map[openflow.PortNo]*openflow.FlowStats{}
	}
	if f.held[dpid][in] != nil {
		return
	}
	fs := &openflow.FlowStats{Cookie: purpose.MakeCookie(purpose.Allocation, 7), Priority: 20000, Match: openflow.Match{
		openflow.InPort(in), openflow.EthType(0x800), openflow.IPv4Src(src), openflow.IPv4Dst(dst)}}
	f.held[dpid][in] = fs
	f.born[fs] = f.now
}

func (f *fabric) install(c path.Circuit) {
	f.ledger.install(c)
	for _, h := range c.Path {
		f.add(h.DPID, h.In, forward)
		f.add(h.DPID, h.Out, reverse)
	}
}

func (f *fabric) send(dpid openflow.DPID, in openflow.PortNo, v Volume) {
	fs := f.held[dpid][in]
	fs.PacketCount, fs.ByteCount = fs.PacketCount+v.Packets, fs.ByteCount+v.Bytes
}

// remove takes an entry out; reported says whether its flow-removed message
// arrives.
func (f *fabric) remove(dpid openflow.DPID, in openflow.PortNo, reported bool) {
	fs := f.held[dpid][in]
	delete(f.held[dpid], in)
	if reported {
		d := f.now.Sub(f.born[fs])
		f.ledger.remove(dpid, 7, &openflow.FlowRemoved{
			Cookie: fs.Cookie, Priority: fs.Priority, Table: fs.Table, Match: fs.Match,
			PacketCount: fs.PacketCount, ByteCount: fs.ByteCount,
			DurationSec: uint32(d / time.Second), DurationNsec: uint32(d % time.Second),
		}, f.now)
	}
}

// answer returns what a switch answers now.
func (f *fabric) answer(dpid openflow.DPID) *answers {
	a := &answers{dpid: dpid, asked: f.now, at: f.now}
	for _, fs := range f.held[dpid] {
		one, d := *fs, f.now.Sub(f.born[fs])
		one.DurationSec, one.DurationNsec = uint32(d/time.Second), uint32(d%time.Second)
		a.flows = append(a.flows, one)
	}
	for id, v := range map[openflow.MeterID]*Volume{purpose.PolicerID(7): f.dropped[dpid], purpose.BackPolicerID(7): f.fallen[dpid]} {
		if v == nil {
			continue
		}
		m := openflow.MeterCounters{Meter: id, Bands: []openflow.BandCounter{{PacketCount: v.Packets, ByteCount: v.Bytes}}}
		for i := range a.flows {
			src, _ := a.flows[i].Match.Get(openflow.FieldIPv4Src)
			if (src.Addr() == srcAddr) == (id == purpose.PolicerID(7)) {
				m.PacketInCount, m.ByteInCount = m.PacketInCount+a.flows[i].PacketCount, m.ByteInCount+a.flows[i].ByteCount
			}
		}
		a.meters = append(a.meters, m)
	}
	return a
}

func (f *fabric) take(a *answers) {
	before := f.samples[a.dpid]
	s := plainReader.read(before, a)
	f.ledger.take(s, readTallies(a.flows, f.ledger.counted(a.dpid)), f.ledger.awaits(a.dpid), a.asked, plainReader.span(before, s.At))
	f.samples[a.dpid] = s
}

func (f *fabric) poll() {
	f.now = f.now.Add(5 * time.Second)
	for dpid := range f.held {
		f.take(f.answer(dpid))
	}
}

// save returns the records that would be saved of the ledger.
func (f *fabric) save() []Record {
	return f.ledger.pick(f.now.Add(time.Hour), f.now, 1000).records()
}

// restore reads what save has kept of an account.
func (f *fabric) restore(t interface{ Fatal(...any) }, records []Record) {
	r, err := parse("a", records[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	f.ledger.restore("a", r)
}

func (f *fabric) view(t interface{ Fatal(...any) }) Allocation {
	a, ok := f.ledger.allocation("a", func(openflow.DPID) (time.Time, bool) { return f.now, false })
	if !ok {
		t.Fatal("there is no account")
	}
	return a
}

// Entrance and exit are counted once each, whatever is between.
func TestEachDirectionIsCountedOnceAtBothEnds(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2, 3))
	f.poll()
	for _, d := range []openflow.DPID{1, 2, 3} {
		f.send(d, 1, Volume{10, 1000})
		f.send(d, 2, Volume{4, 250})
	}
	f.poll()
	a := f.view(t)
	if v := (Volume{10, 1000}); a.Forward.Entered != v || a.Forward.Delivered != v {
		t.Errorf("forward: %+v", a.Forward)
	}
	if v := (Volume{4, 250}); a.Reverse.Entered != v || a.Reverse.Delivered != v {
		t.Errorf("reverse: %+v", a.Reverse)
	}
	if r := a.Forward.EnteredRate; r == nil || r.Bits != 1600 || r.Packets != 2 {
		t.Errorf("1,000 bytes in 5 s are %+v", r)
	}
	list := readFlows(nil, f.answer(2).flows, 0)
	if f.ledger.name(list); list[0].Allocation != "a" {
		t.Error("the entry is not named after the allocation")
	}
	if f.ledger.awaits(2) || !f.ledger.awaits(1) || !f.ledger.awaits(3) {
		t.Error("entries are counted at other switches than the ends of the path")
	}
}

// A packet is counted once over moves, with the news of the removal or by the
// poll, and what the removed entry had counted last is not lost.
func TestTotalsSurviveMoves(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2, 4))
	f.send(1, 1, Volume{100, 10000})
	f.send(4, 1, Volume{100, 10000})
	f.poll()
	moved := circuitOver(1, 3, 4)
	moved.Path[2].In = 3 // another way into the last switch
	f.install(moved)
	f.send(4, 1, Volume{1, 100}) // on its way still
	f.send(1, 1, Volume{50, 5000})
	f.send(4, 3, Volume{49, 4900})
	f.now = f.now.Add(time.Second)
	f.remove(4, 1, true)
	f.remove(2, 1, true)
	f.poll()
	f.poll()
	a := f.view(t)
	if want := (Volume{150, 15000}); a.Forward.Entered != want || a.Forward.Delivered != want {
		t.Errorf("entered %+v, delivered %+v, want %+v", a.Forward.Entered, a.Forward.Delivered, want)
	}
}

// The news of a removal may come before the answer that still lists the entry.
func TestAnswersOlderThanTheNewsCountNothing(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1))
	f.send(1, 1, Volume{10, 1000})
	late := f.answer(1)
	f.now = f.now.Add(time.Second)
	f.remove(1, 1, true)
	late.at = f.now.Add(time.Second)
	f.take(late)
	f.poll()
	if a := f.view(t); a.Forward.Entered != (Volume{10, 1000}) {
		t.Errorf("entered %+v", a.Forward.Entered)
	}
}

// The news of a removal may come after the successor has been looked at.
func TestNewsOfAPredecessorCountsNothing(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1))
	f.send(1, 1, Volume{1000, 100000})
	f.poll()
	old := f.held[1][1]
	f.now = f.now.Add(10 * time.Second)
	f.remove(1, 1, false)
	f.add(1, 1, forward)
	f.send(1, 1, Volume{5, 500})
	f.poll()
	f.ledger.remove(1, 7, &openflow.FlowRemoved{Priority: 20000, Match: old.Match, PacketCount: 1001, ByteCount: 100100, DurationSec: 15}, f.now)
	if a := f.view(t); a.Forward.Entered != (Volume{1005, 100500}) {
		t.Errorf("entered %+v, want 1,005 packets: the tail of the first is lost, nothing is counted twice", a.Forward.Entered)
	}
}

// What a policer drops entered, and was not delivered.
func TestDropsAreNotDelivered(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2)) // the exit counts what the policer left
	f.dropped[1] = &Volume{}
	f.poll()
	f.send(1, 1, Volume{100, 10000})
	f.send(2, 1, Volume{70, 7000})
	*f.dropped[1] = Volume{30, 3000}
	f.poll()
	a := f.view(t)
	if a.Forward.Dropped != (Volume{30, 3000}) || a.Forward.Delivered != (Volume{70, 7000}) || a.Reverse.Dropped != (Volume{}) {
		t.Errorf("%+v", a)
	}

	f = newFabric()
	f.install(circuitOver(1)) // one entry counts for both ends, before the policer
	f.dropped[1], f.fallen[1] = &Volume{}, &Volume{}
	f.poll()
	f.send(1, 1, Volume{90, 9000})
	f.send(1, 2, Volume{10, 1000})
	*f.dropped[1], *f.fallen[1] = Volume{18, 1800}, Volume{2, 200}
	f.poll()
	a = f.view(t)
	if a.Forward.Dropped != (Volume{18, 1800}) || a.Reverse.Dropped != (Volume{2, 200}) {
		t.Errorf("dropped %+v and %+v", a.Forward.Dropped, a.Reverse.Dropped)
	}
	if a.Forward.Delivered != (Volume{72, 7200}) || a.Reverse.Delivered != (Volume{8, 800}) {
		t.Errorf("delivered %+v and %+v", a.Forward.Delivered, a.Reverse.Delivered)
	}
	if a.Forward.DeliveredRate.Bits != 11520 || a.Forward.DroppedRate.Bits != 2880 {
		t.Errorf("rates %+v, %+v", a.Forward.DeliveredRate, a.Forward.DroppedRate)
	}
	*f.dropped[1], *f.fallen[1] = Volume{1, 100}, Volume{0, 0} // the meters were modified, and began anew
	f.poll()
	if a = f.view(t); a.Forward.Dropped.Packets != 19 || a.Reverse.Dropped.Packets != 2 {
		t.Errorf("after the meter began anew %+v and %+v", a.Forward.Dropped, a.Reverse.Dropped)
	}
}

// What is saved and read again goes on where it was, down time included.
func TestTotalsSurviveRestarts(t *testing.T) {
	f := newFabric()
	c := circuitOver(1, 2)
	f.install(c)
	f.send(1, 1, Volume{10, 1000})
	f.send(2, 1, Volume{10, 1000})
	f.dropped[1] = &Volume{3, 300}
	f.poll()
	saved := f.save()
	if len(saved) != 1 || len(f.save()) != 0 {
		t.Fatalf("%d records, then %d", len(saved), len(f.save()))
	}
	f.send(1, 1, Volume{5, 500}) // while no ledger looks
	f.send(2, 1, Volume{5, 500})
	f.ledger, f.samples = newLedger(), map[openflow.DPID]*Sample{}
	f.restore(t, saved)
	f.install(c)
	f.poll()
	a := f.view(t)
	if want := (Volume{15, 1500}); a.Forward.Entered != want || a.Forward.Delivered != want || a.Forward.Dropped != (Volume{3, 300}) {
		t.Errorf("%+v", a.Forward)
	}
	if a.Forward.EnteredRate != nil {
		t.Errorf("the first sample after a restart has the rate %+v", a.Forward.EnteredRate)
	}
	for _, damaged := range []string{"", "{}", `{"v":4}`, "[]"} {
		if _, err := parse("a", []byte(damaged)); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}

// A receipt is final once late news has had its time, and opens again if the
// circuit returns.
func TestReceipt(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1))
	f.poll()
	f.send(1, 1, Volume{10, 1000})
	f.ledger.leave("a", f.now)
	f.remove(1, 1, true)
	f.ledger.settle(f.now.Add(-time.Second), f.now)
	if f.view(t).Final {
		t.Error("final at once")
	}
	f.ledger.settle(f.now.Add(time.Second), f.now)
	a := f.view(t)
	if !a.Final || a.Forward.Entered != (Volume{10, 1000}) || a.Forward.EnteredRate != nil {
		t.Errorf("the receipt is %+v", a)
	}
	f.remove(1, 2, true) // too late
	f.install(circuitOver(1))
	f.send(1, 1, Volume{1, 100})
	f.poll()
	if a := f.view(t); a.Final || a.Forward.Entered != (Volume{11, 1100}) {
		t.Errorf("when it returned %+v", a)
	}
}

// Any history of traffic, samples, moves, removals and restarts: where every
// removal is reported, nothing is lost and nothing counted twice; where it is
// not, nothing is counted twice.
func TestNoHistoryCountsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFabric()
		paths := []path.Circuit{circuitOver(1, 2, 4), circuitOver(1, 3, 4)}
		paths[1].Path[2].In = 3
		current := 0
		f.install(paths[0])
		reported := rapid.Bool().Draw(t, "every removal is reported")
		var entered, left Volume
		send := func() {
			n := rapid.Uint64Range(1, 1000).Draw(t, "packets")
			v := Volume{n, n * 100}
			c := paths[current].Path
			f.send(1, c[0].In, v)
			f.send(4, c[2].In, v)
			entered, left = entered.Plus(v), left.Plus(v)
		}
		steps := map[string]func(*rapid.T){
			"send": func(*rapid.T) { send() },
			"poll": func(*rapid.T) { f.poll() },
			"move": func(*rapid.T) {
				old := paths[current].Path
				current = 1 - current
				f.install(paths[current])
				send()
				f.now = f.now.Add(100 * time.Millisecond)
				f.remove(4, old[2].In, reported)
			},
			"put back": func(t *rapid.T) {
				f.remove(1, 1, reported)
				f.now = f.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "ms")) * time.Millisecond)
				f.add(1, 1, forward)
			},
			"restart": func(t *rapid.T) {
				records := f.save()
				if len(records) == 0 {
					return
				}
				f.ledger, f.samples = newLedger(), map[openflow.DPID]*Sample{}
				f.restore(t, records)
				f.ledger.install(paths[current])
			},
			"": func(t *rapid.T) {
				a := f.view(t)
				if a.Forward.Entered.Packets > entered.Packets || a.Forward.Delivered.Bytes > left.Bytes {
					t.Fatalf("entered %+v of %+v, left %+v of %+v", a.Forward.Entered, entered, a.Forward.Delivered, left)
				}
			},
		}
		t.Repeat(steps)
		f.poll()
		a := f.view(t)
		if reported && (a.Forward.Entered != entered || a.Forward.Delivered != left) {
			t.Fatalf("entered %+v of %+v, left %+v of %+v", a.Forward.Entered, entered, a.Forward.Delivered, left)
		}
	})
}
