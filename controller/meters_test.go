package controller

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// drops adds up what a policer has dropped, from what is read of it.
type drops struct {
	mu    sync.Mutex
	last  uint64
	total uint64
}

func (d *drops) take(dpid openflow.DPID, counts openflow.MeterStatsReply, asked time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range counts {
		if dpid != 1 || c.Meter != purpose.PolicerID(7) {
			continue
		}
		now := c.Bands[0].PacketCount
		if now < d.last {
			d.last = 0
		}
		d.total, d.last = d.total+now-d.last, now
	}
	return asked
}

// sum returns how many were dropped.
func (d *drops) sum() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// police installs a circuit of 2 Mbit/s from h1 to h2, which is policed, since
// another one shares its links, and waits until its meter is paid for.
func (l *lab) police() path.Circuit {
	l.Helper()
	l.settled(4, 4)
	l.pingAll()
	c := l.circuit("a", 7, "h1", "h2", 2*bitrate.Mbps)
	other := l.circuit("b", 8, "h1", "h2", bitrate.Mbps)
	other.Key.Proto, other.Key.DstPort, other.Path = path.ProtoUDP, path.Port(10), c.Path
	for _, c := range []path.Circuit{other, c} {
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
	}
	time.Sleep(10 * time.Second)
	return c
}

// Thirty changes of a rate in four seconds give a flood no more than what is
// admitted and a burst, and all that is dropped is read, though each change
// fills the meter's bucket and sets its counts to nothing.
func TestAskingAgainGivesNoMore(t *testing.T) {
	for _, less := range []bitrate.Rate{bitrate.Kbps, 100 * bitrate.Kbps} {
		seen := &drops{}
		cfg := Config{Priority: Priority{Meter: true}, Metered: seen.take}
		inBubble(t, ofswitch.Diamond, cfg, func(l *lab) {
			c := l.police()
			src, dst := l.net.Host("h1"), l.net.Host("h2")
			const seconds, size = 4, 500
			var sent ofswitch.Volume
			var flood sync.WaitGroup
			flood.Go(func() {
				tr := ofswitch.Traffic{Rate: 8_000_000, Size: size, Duration: seconds * time.Second}
				sent, _ = src.SendUDP(l.Context(), netip.AddrPortFrom(dst.Addr(), 9), tr)
			})
			for n := range 30 {
				c.Rate = 2*bitrate.Mbps - bitrate.Rate(1-n%2)*less
				if err := l.install(c); err != nil {
					l.Fatal(err)
				}
				time.Sleep(seconds * time.Second / 30)
			}
			flood.Wait()
			if err := l.net.Settle(l.Context()); err != nil {
				l.Fatal(err)
			}
			got := dst.Got(src.Addr(), 9)
			admitted := 2000*seconds + 600 + 2*25 // kbit
			if kbit := int(got.Bytes) * 8 / 1000; kbit > admitted || kbit < 2000*seconds*85/100 {
				l.Errorf("with changes by %v %d kbit arrived, want no more than %d and not much less", less, kbit, admitted)
			}
			seen.take(1, l.net.Switch(1).Meters(), time.Time{})
			if lost := sent.Packets - got.Packets; seen.sum() > lost || seen.sum()+20 < lost {
				l.Errorf("%d packets are counted as dropped, of %d that were", seen.sum(), lost)
			}
		})
	}
}

// What a policer has dropped is read before it is deleted.
func TestMeterIsReadBeforeItGoes(t *testing.T) {
	seen := &drops{}
	cfg := Config{Priority: Priority{Meter: true}, Metered: seen.take}
	inBubble(t, ofswitch.Diamond, cfg, func(l *lab) {
		l.police()
		const packets = 2000 // 4 Mbit/s
		lost := packets - l.send("h1", "h2", packets).Packets
		if lost < packets/4 {
			l.Fatalf("%d packets were dropped", lost)
		}
		if err := l.Remove(l.Context(), "a"); err != nil {
			l.Fatal(err)
		}
		time.Sleep(time.Second)
		for _, m := range l.net.Switch(1).Meters() {
			if m.Meter == purpose.PolicerID(7) {
				l.Error("the meter is still there")
			}
		}
		if seen.sum() != uint64(lost) {
			l.Errorf("%d packets are counted as dropped, want %d", seen.sum(), lost)
		}
	})
}

// A switch that does not say what its meters count delays no change, though
// more come than readings are under way: it is not asked any more.
func TestUnansweredCountsDelayNoChange(t *testing.T) {
	cfg := Config{Priority: Priority{Meter: true}, Metered: (&drops{}).take}
	inBubble(t, ofswitch.Diamond, cfg, func(l *lab) {
		c := l.police()
		l.net.Switch(1).SetFaults(ofswitch.Faults{Lose: func(m openflow.Message) bool {
			r, ok := m.(*openflow.MultipartReply)
			return ok && r.MPType == openflow.MultipartMeter
		}})
		for n := range readingsMost + 3 {
			c.Rate -= bitrate.Mbps / 8
			began := time.Now()
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
			if took := time.Since(began); took > time.Second/10 {
				l.Errorf("change %d took %v", n, took)
			}
			time.Sleep(countTime / readingsMost)
		}
	})
}
