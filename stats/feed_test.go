package stats

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/stats/history"
)

// A memoryRecorder keeps all runs.
type memoryRecorder struct{ runs map[string][]history.Run }

func (m *memoryRecorder) Add(inputs []history.Input) {
	if m.runs == nil {
		m.runs = map[string][]history.Run{}
	}
	for _, in := range inputs {
		m.runs[in.Key] = append(m.runs[in.Key], in.Run)
	}
}

func (m *memoryRecorder) Points(key string, from, step int64, count int) []history.Cells {
	var r history.Recent
	for _, run := range m.runs[key] {
		r.Add(run, 1<<20)
	}
	s := history.Sources{Recent: &r, MinutesFrom: from, HoursFrom: from}
	return s.Points(from, step, count)
}

func TestPortsNeverSpike(t *testing.T) {
	const unknown = -1
	port := func(age time.Duration, bytes uint64) Port {
		return Port{No: 1, Age: age, Received: Volume{1, bytes}, Sent: Volume{1, 0}, ReceiveDropped: Unkept}
	}
	const s = time.Second
	for name, c := range map[string]struct {
		before, now Port
		want        float64 // bit/s over 5 s
	}{
		"goes on":                            {port(10*s, 1000), port(15*s, 6000), 8000},
		"idle":                               {port(10*s, 1000), port(15*s, 1000), 0},
		"begins anew":                        {port(10*s, 9000), port(3*s, 700), unknown},
		"begins anew and shows more":         {port(10*s, 9000), port(3*s, 1<<40), unknown},
		"begins anew and tells no age":       {port(0, 9000), port(0, 700), unknown},
		"32 bits wrap":                       {port(10*s, 1<<32-1000), port(15*s, 4000), 8000},
		"32 bits wrap, and tells no age":     {port(0, 1<<32-1000), port(0, 4000), unknown},
		"cleared, at more than half":         {port(10*s, 3<<30), port(15*s, 4000), unknown},
		"cleared long ago":                   {port(10*s, 5000), port(15*s, 4000), unknown},
		"64 bits show less":                  {port(10*s, 1<<33), port(15*s, 4000), unknown},
		"not told":                           {port(10*s, 1000), port(15*s, Unkept), unknown},
		"not told before":                    {port(10*s, Unkept), port(15*s, 1000), unknown},
		"not told by 32 bits":                {port(10*s, 1000), port(15*s, math.MaxUint32), unknown},
		"more than any port carries":         {port(10*s, 1000), port(15*s, 1<<60), unknown},
		"a new port with that number":        {port(99*s, 1000), port(4*s, 2000), unknown},
		"a clock of the switch that is slow": {port(10*s, 1000), port(14*s, 6000), 8000},
	} {
		got := portValues(&c.before, &c.now, 5*s, bitrate.Gbps)
		known := got[portReceived] == got[portReceived]
		if known != (c.want != unknown) || known && float64(got[portReceived]) != c.want {
			t.Errorf("%s: %v bit/s, want %v (-1: not known)", name, got[portReceived], c.want)
		}
		if v := got[portReceiveDropped]; v == v {
			t.Errorf("%s: what was dropped is not told, and is %v", name, v)
		}
	}
	before, now := port(10*s, 0), port(15*s, 0)
	before.SendDropped, now.SendDropped = 1<<32-1, 3
	if v := portValues(&before, &now, 5*s, bitrate.Gbps)[portSendDropped]; v == v {
		t.Errorf("drops that became fewer are %v a second", v)
	}
}

func TestPortsOfTheNetworkHaveAHistory(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	sample := func(at time.Time, bytes uint64) *Sample {
		s := &Sample{DPID: 1, At: at}
		for no := range openflow.PortNo(2000) {
			s.Ports = append(s.Ports, Port{No: no + 1, Received: Volume{1, bytes}, Sent: Volume{1, 2 * bytes}})
		}
		return s
	}
	sw := topology.Switch{DPID: 1, Ports: map[openflow.PortNo]topology.Port{2: {}, 4: {}}}
	got := portRuns(sample(at, 0), sample(at.Add(5*time.Second), 1000), sw, 5*time.Second)
	if len(got) != 2 || got[0].Key != "~port 0000000000000001:2" || got[1].Run.Values[portSent] != 3200 || got[1].Run.To-got[1].Run.From != 5000 {
		t.Errorf("got %+v", got)
	}
	if got := portRuns(sample(at, 0), sample(at.Add(time.Hour), 1000), sw, 0); got != nil {
		t.Errorf("over an absence there are %+v", got)
	}
	for no := range openflow.PortNo(2000) {
		sw.Ports[no+1] = topology.Port{}
	}
	if got := portRuns(sample(at, 0), sample(at.Add(time.Second), 1), sw, time.Second); len(got) != mostPortsKept {
		t.Errorf("%d ports of a switch have a history", len(got))
	}
}

// A fedFabric is a fabric of which the history is kept.
type fedFabric struct {
	*fabric
	memoryRecorder
}

func (f *fedFabric) poll(dpids ...openflow.DPID) {
	f.now = f.now.Add(5 * time.Second)
	for _, dpid := range dpids {
		f.take(f.answer(dpid))
		f.Add(f.ledger.runs(f.samples[dpid], 15*time.Second))
	}
}

func TestEndsOfAnAllocation(t *testing.T) {
	f := &fedFabric{fabric: newFabric()}
	f.install(circuitOver(1, 2))
	f.dropped[1] = &Volume{}
	f.poll(1, 2)
	f.send(1, 1, Volume{100, 100_000})
	f.send(2, 1, Volume{80, 80_000})
	f.send(2, 2, Volume{10, 5_000})
	f.send(1, 2, Volume{10, 5_000})
	f.dropped[1] = &Volume{20, 20_000}
	f.poll(1, 2)
	source, destination := f.runs["allocation a source"], f.runs["allocation a destination"]
	if len(source) != 1 || len(destination) != 1 {
		t.Fatalf("%d runs of the source and %d of the destination, want one each", len(source), len(destination))
	}
	if got, want := source[0].Values, (history.Values{1e6, 160_000, 32_000, 8_000}); got != want {
		t.Errorf("the source has %v, want %v", got, want)
	}
	if got, want := destination[0].Values, (history.Values{1e6, 8_000, 0, 128_000}); got != want {
		t.Errorf("the destination has %v, want %v", got, want)
	}
	p := &Poller{cfg: Config{History: f}}
	h := p.AllocationHistory("a", Steps{From: f.now.Add(-10 * time.Second), Step: 5 * time.Second, Count: 2})
	if got := h.Forward; got.Entered[0].Known != 0 || got.Entered[1].Mean != 160_000 || got.Delivered[1].Mean != 128_000 || got.Dropped[1].Mean != 32_000 || got.Promised[1].Mean != 1e6 {
		t.Errorf("forward there was %+v", got)
	}
	if got := h.Reverse; got.Entered[1].Mean != 8_000 || got.Delivered[1].Mean != 8_000 {
		t.Errorf("back there was %+v", got)
	}
}

// TestNoHistorySpikes has entries and switches do whatever they do: what a
// history shows is never negative, never more than was sent in its time, and a
// time without samples is a gap.
func TestNoHistorySpikes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &fedFabric{fabric: newFabric()}
		f.install(circuitOver(1, 2))
		f.ledger.accounts["a"].began = f.now
		sent := map[[2]int64]uint64{} // by time: most that was sent in 5 s
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			began := f.now
			if rapid.IntRange(0, 5).Draw(t, "away") == 0 {
				f.now = f.now.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "for")) * 10 * time.Second)
			}
			n := uint64(rapid.IntRange(0, 50).Draw(t, "packets"))
			f.send(1, 1, Volume{n, n * 1000})
			f.send(2, 1, Volume{n, n * 1000})
			dpid := openflow.DPID(rapid.IntRange(1, 2).Draw(t, "switch"))
			switch rapid.IntRange(0, 6).Draw(t, "event") {
			case 0: // the switch restarts: its entries come back and count from nothing
				f.remove(dpid, 1, false)
				f.add(dpid, 1, forward)
			case 1: // an entry is replaced
				f.remove(dpid, 1, true)
				f.add(dpid, 1, forward)
			case 2: // it counts nonsense for once
				e := f.held[dpid][1]
				was := *e
				e.PacketCount, e.ByteCount = 1<<50, 1<<60
				f.poll(1, 2)
				sent[[2]int64{began.UnixMilli(), f.now.UnixMilli()}] = n * 1000
				*e, began, n = was, f.now, 0
			case 3: // the daemon restarts
				records := f.save()
				f.ledger = newLedger()
				if len(records) > 0 && records[0].Bucket == Accounts {
					f.restore(t, records)
				}
				f.ledger.install(circuitOver(1, 2))
				f.samples = map[openflow.DPID]*Sample{}
			}
			f.poll(1, 2)
			sent[[2]int64{began.UnixMilli(), f.now.UnixMilli()}] = n * 1000
		}
		for key, runs := range f.runs {
			for _, r := range runs {
				if r.To-r.From > 15_000 {
					t.Fatalf("%s: a run of %d ms", key, r.To-r.From)
				}
				most := uint64(0)
				for span, n := range sent {
					if span[0] < r.To && span[1] > r.From {
						most += n
					}
				}
				for i, v := range r.Values[endEntered:] {
					if v < 0 || float64(v) > float64(most)*8*1000/float64(r.To-r.From)+1 {
						t.Fatalf("%s, value %d: %v bit/s in a time of %d ms in which %d bytes were sent", key, i+1, v, r.To-r.From, most)
					}
				}
			}
		}
	})
}

func TestLinksAreWhatPortsSent(t *testing.T) {
	m := &memoryRecorder{}
	v := func(received, sent float32) history.Values { return history.Values{received, sent} }
	from, to := topology.PortID{DPID: 1, Port: 2}, topology.PortID{DPID: 2, Port: 3}
	m.Add([]history.Input{
		{Key: portKey(from), Run: history.Run{From: 0, To: 5000, Values: v(1, 2)}},
		{Key: portKey(to), Run: history.Run{From: 0, To: 10_000, Values: v(3, 4)}},
	})
	p := &Poller{cfg: Config{History: m}}
	s := Steps{From: time.UnixMilli(0), Step: 5 * time.Second, Count: 3}
	for _, c := range []struct {
		from, to topology.PortID
		want     [3]float64 // -1: not known
	}{
		{from, to, [3]float64{2, 3, -1}}, {topology.External, to, [3]float64{3, 3, -1}}, {from, topology.External, [3]float64{2, -1, -1}},
	} {
		for i, l := range p.LinkHistory(topology.LinkID{From: c.from, To: c.to}, s) {
			if known := l.Known > 0; known != (c.want[i] >= 0) || known && l.Mean != c.want[i] {
				t.Errorf("link from %v to %v, step %d: %+v, want %v", c.from, c.to, i, l, c.want[i])
			}
		}
	}
}
