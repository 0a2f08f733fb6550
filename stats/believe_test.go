package stats

import (
	"testing"
	"time"

	"conga/bitrate"
	"conga/openflow"
)

// forger returns a fabric of two switches with ports of 1 Gbit/s, which have
// counted 1,000 packets of the allocation.
func forger() *fabric {
	f := newFabric()
	f.ledger.doubts.fastest = func(openflow.DPID) bitrate.Rate { return bitrate.Gbps }
	f.install(circuitOver(1, 2))
	f.ledger.accounts["a"].began = f.now
	f.poll()
	f.send(1, 1, Volume{1000, 500_000})
	f.send(2, 1, Volume{1000, 500_000})
	f.poll()
	return f
}

// expect fails if the totals, or how often the switches were not believed, are
// others.
func (f *fabric) expect(t *testing.T, entered Volume, doubts uint64) {
	t.Helper()
	if got := f.view(t).Forward.Entered; got != entered {
		t.Errorf("entered %v; want %v", got, entered)
	}
	if got := f.ledger.doubts.total; got != doubts {
		t.Errorf("%d times not believed; want %d", got, doubts)
	}
}

// A flow-removed message that shows more than a port carries is not counted.
func TestForgedFlowRemoved(t *testing.T) {
	for name, forged := range map[string]Volume{
		"2^63 bytes":   {1000, 1 << 63},
		"2^63 packets": {1 << 63, 1_000_000},
		"all ones":     {1<<64 - 1, 1<<64 - 1},
		"11 Gbit":      {2_000_000, 11e9 / 8}, // in one second, and three of slack
	} {
		t.Run(name, func(t *testing.T) {
			f := forger()
			f.now = f.now.Add(time.Second)
			e := f.held[1][1]
			e.PacketCount, e.ByteCount = forged.Packets, forged.Bytes
			f.remove(1, 1, true)
			f.expect(t, Volume{1000, 500_000}, 1)
		})
	}
	f := forger()
	f.now = f.now.Add(time.Second)
	f.send(1, 1, Volume{80_000, 120_000_000}) // what 1 Gbit/s brings in a second
	f.remove(1, 1, true)
	f.expect(t, Volume{81_000, 120_500_000}, 0)
}

// A sample that shows too much is not counted; when the switch shows what it
// did again, that is counted once.
func TestForgedSample(t *testing.T) {
	f := forger()
	e := f.held[1][1]
	truth := *e
	e.ByteCount = 1 << 62
	for range 20 { // for longer than an entry is remembered that is not listed
		f.poll()
	}
	f.expect(t, Volume{1000, 500_000}, 20)
	*e = truth
	f.send(1, 1, Volume{5, 5000})
	f.poll()
	f.expect(t, Volume{1005, 505_000}, 20)
	f.dropped[1] = &Volume{Packets: 10, Bytes: 1000}
	f.poll()
	f.dropped[1].Bytes = 1 << 63
	f.poll()
	f.dropped[1].Bytes = 2000
	f.poll()
	if got := f.view(t).Forward.Dropped; got != (Volume{10, 2000}) {
		t.Errorf("dropped %v", got)
	}
	f.expect(t, Volume{1005, 505_000}, 21)
}

// What a meter has dropped that was too much for the time is counted once it
// can have been dropped since the meter was believed last.
func TestDropsAreCaughtUpWith(t *testing.T) {
	f := forger()
	f.dropped[1] = &Volume{Packets: 1, Bytes: 100}
	f.poll()
	f.dropped[1] = &Volume{Packets: 1_000_000, Bytes: 1_500_000_000} // 12 Gbit in 5 s, and 3 s of slack
	f.poll()
	if got := f.view(t).Forward.Dropped; got != (Volume{1, 100}) {
		t.Errorf("dropped %v", got)
	}
	f.poll()
	if got := f.view(t).Forward.Dropped; got != (Volume{1_000_000, 1_500_000_000}) {
		t.Errorf("dropped %v", got)
	}
	f.expect(t, Volume{1000, 500_000}, 1)
}

// A rate that no port has is not known.
func TestForgedRate(t *testing.T) {
	if r := counted(Volume{1, 1 << 60}, Volume{}, 5*time.Second); r != nil {
		t.Errorf("the rate is %+v", r)
	}
	if r := counted(Volume{1, 1e12}, Volume{}, 5*time.Second); r == nil || r.Bits != 1600*bitrate.Gbps {
		t.Errorf("the rate is %+v; want that of the fastest port", r)
	}
}
