package controller

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A reading is what the meters of switches have counted.
type reading struct {
	at     time.Time
	meters map[openflow.DPID]map[openflow.MeterID]openflow.MeterCounters
	sent   map[topology.PortID]uint64 // bytes
}

// readMeters reads what all meters and ports have counted, and tells the
// controller what they had to carry since the reading before, as the statistics
// do.
func (l *lab) readMeters(before reading) reading {
	l.Helper()
	now := reading{at: time.Now(), meters: map[openflow.DPID]map[openflow.MeterID]openflow.MeterCounters{}, sent: map[topology.PortID]uint64{}}
	span := now.at.Sub(before.at)
	rate := func(now, before uint64) bitrate.Rate {
		if now < before {
			before = 0
		}
		return bitrate.Rate(float64(now-before) * 8 / span.Seconds())
	}
	for _, sw := range l.net.Switches() {
		replies, err := l.AskAll(l.Context(), sw.DPID(), openflow.NewMultipartRequest(&openflow.MeterStatsRequest{Meter: openflow.MeterAll}),
			openflow.NewMultipartRequest(&openflow.PortStatsRequest{Port: openflow.PortAny}))
		if err != nil {
			l.Fatal(err)
		}
		counts, loads := map[openflow.MeterID]openflow.MeterCounters{}, map[openflow.MeterID]flow.Load{}
		for _, c := range replies[0].(openflow.MeterStatsReply) {
			id := l.MeterID(sw.DPID(), c.Meter)
			counts[id] = c
			kind, _ := purpose.ReadMeter(id)
			was, known := before.meters[sw.DPID()][id]
			if !known {
				was.Bands = make([]openflow.BandCounter, 1)
			}
			if kind == purpose.MeterPolicer && c.ByteInCount > 0 || known && kind == purpose.MeterBestEffort {
				loads[id] = flow.Load{
					At: now.at, Span: span, Entered: rate(c.ByteInCount, was.ByteInCount),
					Dropped: rate(c.Bands[0].ByteCount, was.Bands[0].ByteCount),
				}
			}
		}
		now.meters[sw.DPID()] = counts
		l.MetersSeen(sw.DPID(), now.at, loads)
		sends := map[openflow.PortNo]bitrate.Rate{}
		for _, p := range replies[1].(openflow.PortStatsReply) {
			id := topology.PortID{DPID: sw.DPID(), Port: p.Port}
			now.sent[id] = p.TxBytes
			sends[p.Port] = rate(p.TxBytes, before.sent[id])
		}
		l.PortsSeen(sw.DPID(), now.at, sends)
	}
	return now
}

// arrived sends UDP at a rate for a time, while meters are read every five
// seconds, and returns how much of the last five seconds arrived.
func (l *lab) arrived(from, to string, port uint16, rate uint64, spans int, last *reading) float64 {
	l.Helper()
	src, dst := l.net.Host(from), l.net.Host(to)
	var got ofswitch.Arrivals
	var sent ofswitch.Volume
	for range spans {
		dst.ResetGot()
		tr := ofswitch.Traffic{Rate: rate, Size: 1200, Duration: 5 * time.Second}
		var err error
		if sent, err = src.SendUDP(l.Context(), netip.AddrPortFrom(dst.Addr(), port), tr); err != nil {
			l.Fatal(err)
		}
		if err := l.net.Settle(l.Context()); err != nil {
			l.Fatal(err)
		}
		got = dst.Got(src.Addr(), port)
		*last = l.readMeters(*last)
	}
	return float64(got.Packets) / float64(sent.Packets)
}

// Sixty little bookings of a host's ports leave it its best effort, from the
// first packet on; and a request for much of the link lessens what
// was lent, before it is confirmed.
func TestBookingsTakeNoBestEffort(t *testing.T) {
	inBubble(t, linear(2), Config{Topology: topology.Config{DefaultCapacity: 100 * bitrate.Mbps}, Spare: 0.2}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		last := l.readMeters(reading{at: time.Now().Add(-time.Second)})
		const sends = 20_000_000
		if part := l.arrived("h1", "h2", 9, sends, 1, &last); part < 0.99 {
			t.Errorf("before %v arrive", part)
		}
		for i := range 60 {
			c := l.circuit(fmt.Sprint(i), uint32(i+1), "h1", "h2", 100*bitrate.Kbps)
			c.Key.Proto, c.Key.DstPort = path.ProtoUDP, path.Port(uint16(i+9))
			if err := l.install(c); err != nil {
				t.Fatal(err)
			}
		}
		first := l.arrived("h1", "h2", 9, sends, 1, &last)
		later := l.arrived("h1", "h2", 9, sends, 3, &last)
		if first < 0.98 || later < 0.98 {
			t.Errorf("%v arrive at first, and %v later", first, later)
		}
		lent := func() (lent map[string]flow.PerDirection) {
			done := make(chan struct{})
			l.post(l.Context(), inspect(func(k *core) { lent = k.wanted.Lent(); close(done) }))
			<-done
			return lent
		}
		if ways := l.WaysOfLoans(); len(ways) != 2 {
			t.Errorf("the ways of loans are %v", ways)
		}
		before := lent()
		if before["0"][0] < 20_000 {
			t.Errorf("lent is %v", before)
		}
		c := l.circuit("much", 100, "h1", "h2", 70*bitrate.Mbps)
		c.Key.Proto, c.Key.DstPort = path.ProtoTCP, path.Port(80)
		if err := l.install(c); err != nil {
			t.Fatal(err)
		}
		var sum uint64
		for _, m := range l.net.Switch(1).MeterConfigs() {
			kind, of := purpose.ReadMeter(l.MeterID(1, m.Meter))
			if kind == purpose.MeterPolicer || kind == purpose.MeterBestEffort && of == uint32(c.Path[0].Out) {
				sum += uint64(m.Bands[0].Rate)
			}
		}
		if got := lent(); got["0"][0] >= before["0"][0] || sum > 100_100 {
			t.Errorf("%v is lent beside most of the link, %v before, and its meters let through %d kbit/s", got, before, sum)
		}
		l.until("every switch to hold what follows", func(s *topology.Snapshot) bool { return l.held(s) })
	})
}

// What the meters and ports of a switch had to carry goes with its connection:
// strangers connect under as many datapath IDs as they like.
func TestLoadsGoWithTheConnection(t *testing.T) {
	inBubble(t, linear(2), Config{}, func(l *lab) {
		l.settled(2, 1)
		id, _ := purpose.PortID(1)
		known := func() (load, passage bool) {
			done := make(chan struct{})
			l.post(l.Context(), inspect(func(k *core) {
				_, load = k.loadOf(7, id)
				_, passage = k.passage(topology.PortID{DPID: 7, Port: 1})
				close(done)
			}))
			<-done
			return load, passage
		}
		seen := func() {
			now := time.Now()
			l.MetersSeen(7, now, map[openflow.MeterID]flow.Load{id: {At: now, Entered: bitrate.Mbps}})
			l.MetersDrop(7, map[openflow.MeterID]flow.Load{id: {At: now, Entered: bitrate.Mbps}})
			l.PortsSeen(7, now, map[openflow.PortNo]bitrate.Rate{1: bitrate.Mbps})
		}
		sw := l.stranger(7)
		seen()
		if load, passage := known(); !load || !passage {
			t.Errorf("of a switch that is connected the load is known: %v, and what a port sent: %v", load, passage)
		}
		sw.Disconnect()
		synctest.Wait()
		seen() // the answer was on its way
		if load, passage := known(); load || passage {
			t.Errorf("of a switch that has gone the load is kept: %v, and what a port sent: %v", load, passage)
		}
		l.stranger(7)
		if load, passage := known(); load || passage {
			t.Errorf("of a switch that has come back the load is known: %v, and what a port sent: %v", load, passage)
		}
	})
}
