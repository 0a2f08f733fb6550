package controller

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// ranged returns a diamond of switches with so many meters, which have numbers
// from 1 to that; in the first switch another controller has some.
func ranged(meters uint32, others ...openflow.MeterID) func(ofswitch.TopologyConfig) *ofswitch.Network {
	return func(c ofswitch.TopologyConfig) *ofswitch.Network {
		c.Switch.MaxMeters, c.Switch.Habits.MeterRange = meters, true
		n := ofswitch.Diamond(c)
		for _, no := range others {
			if err := n.Switch(1).Apply(foreignMeter(no)); err != nil {
				panic(err)
			}
		}
		return n
	}
}

// foreignMeter returns the message by which another controller adds a meter.
func foreignMeter(no openflow.MeterID) *openflow.MeterMod {
	band := openflow.MeterBand{Type: openflow.MeterBandDrop, Rate: 5000 + uint32(no), BurstSize: 77}
	return &openflow.MeterMod{Flags: openflow.MeterKbps | openflow.MeterBurst, ID: no, Bands: []openflow.MeterBand{band}}
}

// foreign returns a function that fails the test unless these meters of others
// are as they are now.
func (l *lab) foreign(sw *ofswitch.Switch, numbers ...openflow.MeterID) (unchanged func(when string)) {
	want := map[openflow.MeterID]string{}
	read := func(out map[openflow.MeterID]string) {
		for _, c := range sw.MeterConfigs() {
			if slices.Contains(numbers, c.Meter) {
				out[c.Meter] = fmt.Sprint(c)
			}
		}
	}
	read(want)
	return func(when string) {
		l.Helper()
		got := map[openflow.MeterID]string{}
		if read(got); !maps.Equal(got, want) {
			l.Errorf("%s: the meters of others are %v, and were %v", when, got, want)
		}
	}
}

// numbersOf returns the numbers of a switch's meters, ascending.
func numbersOf(sw *ofswitch.Switch) (numbers []openflow.MeterID) {
	for _, c := range sw.MeterConfigs() {
		numbers = append(numbers, c.Meter)
	}
	return numbers
}

// sharing returns circuits from h1 to h2 by one path, so that all are policed,
// with handles from 7 on.
func (l *lab) sharing(n int) (out []path.Circuit) {
	one := l.circuit("c0", 7, "h1", "h2", bitrate.Mbps)
	for i := range n {
		c := one
		c.ID, c.Handle = fmt.Sprint("c", i), 7+uint32(i)
		c.Key.Proto, c.Key.DstPort = path.ProtoUDP, path.Port(1000+uint16(i))
		out = append(out, c)
	}
	return out
}

func (l *lab) installAll(circuits ...path.Circuit) {
	l.Helper()
	for _, c := range circuits {
		if err := l.install(c); err != nil {
			l.Fatalf("%s: %v", c.ID, err)
		}
	}
}

// Meters of a switch that has them from 1 to 1,024 are numbered from the
// highest down, besides those of others, which nothing ever touches; and they
// are found again after a reconnection and a restart, and those that are not
// wanted any more go.
func TestMetersKeepToTheSwitchsRange(t *testing.T) {
	k := &keeper{}
	inBubble(t, ranged(1024, 1, 1021, 1024), Config{SavedNetwork: k}, func(l *lab) {
		sw := l.net.Switch(1)
		unchanged := l.foreign(sw, 1, 1021, 1024)
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		circuits := l.sharing(3)
		l.installAll(circuits...)
		time.Sleep(20 * time.Second) // whatever is eased is paid for, and audited
		unchanged("at first")
		// Two of what goes up, two of ports, one of what is flooded, and three
		// policers.
		want := []openflow.MeterID{1, 1015, 1016, 1017, 1018, 1019, 1020, 1021, 1022, 1023, 1024}
		if got := numbersOf(sw); !slices.Equal(got, want) {
			l.Errorf("the switch has the meters %v, want %v", got, want)
		}
		var mods atomic.Uint64
		sw.OnMessage(func(m openflow.Message) {
			mod, metered := m.(*openflow.MeterMod)
			if _, entry := m.(*openflow.FlowMod); entry || metered && mod.ID != purpose.TrialID {
				mods.Add(1)
			}
		})
		left := func(when string) {
			l.Helper()
			if got := numbersOf(sw); mods.Load() != 0 || !slices.Equal(got, want) {
				l.Errorf("%s: %d changes, and the switch has the meters %v, want %v", when, mods.Load(), got, want)
			}
			unchanged(when)
		}
		sw.Disconnect()
		l.until("the switch to have gone", func(s *topology.Snapshot) bool { return !s.Switches[1].Connected })
		l.settled(4, 4)
		left("after the reconnection")
		l.stop()
		l = l.again(Config{SavedNetwork: k}, circuits...)
		l.settled(4, 4)
		time.Sleep(20 * time.Second)
		left("after the restart")
		l.stop()
		l = l.again(Config{SavedNetwork: k}, circuits[0]) // the others ended meanwhile
		l.settled(4, 4)
		time.Sleep(20 * time.Second)
		unchanged("after the restart with fewer")
		if got := numbersOf(sw); len(got) != len(want)-3 {
			l.Errorf("the switch has the meters %v, want three fewer than %v", got, want)
		}
	})
}

// A meter that another controller adds meanwhile by the number that is next is
// left alone: ours gets another number, and no entry of ours goes through it.
func TestNumberOfAMeterThatCameMeanwhile(t *testing.T) {
	inBubble(t, ranged(64), Config{Audit: time.Hour}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		sw := l.net.Switch(1)
		circuits := l.sharing(3)
		for n, wanted := range []int{0, 2, 3} { // none, two that share links, and one more
			lowest := slices.Min(numbersOf(sw))
			taken := []openflow.MeterID{lowest - 1, lowest - 2, lowest - 4}
			for _, no := range taken {
				if err := sw.Apply(foreignMeter(no)); err != nil {
					l.Fatal(err)
				}
			}
			unchanged := l.foreign(sw, taken...)
			l.installAll(circuits[:wanted]...)
			l.until("the meters to be there", l.held)
			unchanged(fmt.Sprint("round ", n))
			for _, m := range sw.Meters() {
				if slices.Contains(taken, m.Meter) && m.FlowCount != 0 {
					l.Errorf("%d entries of ours go through meter %d of another", m.FlowCount, m.Meter)
				}
			}
		}
		if n := len(sw.MeterConfigs()); n != 3*3+8 {
			l.Errorf("the switch has %d meters of ours, want 8: %v", n-9, numbersOf(sw))
		}
	})
}

// An entry of ours that another program has led through its own meter does not
// make that meter ours.
func TestMeterOfAnotherInAnEntryOfOurs(t *testing.T) {
	inBubble(t, ranged(1024, 5), Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		circuits := l.sharing(2)
		l.installAll(circuits...)
		sw := l.net.Switch(1)
		unchanged := l.foreign(sw, 5)
		meddle := func() {
			for _, f := range sw.Flows(0) {
				if f.Cookie != purpose.MakeCookie(purpose.Allocation, 7) {
					continue
				}
				m := &openflow.FlowMod{
					Command: openflow.FlowModifyStrict, Table: f.Table, Priority: f.Priority, BufferID: openflow.NoBuffer,
					OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Match: f.Match,
				}
				for _, in := range f.Instructions {
					if in.Meter != 0 {
						in.Meter = 5
					}
					m.Instructions = append(m.Instructions, in)
				}
				if err := sw.Apply(m); err != nil {
					l.Fatal(err)
				}
			}
		}
		for _, when := range []string{"found by an audit", "found after a restart"} {
			meddle()
			if when == "found after a restart" {
				l.stop()
				l = l.again(Config{}, circuits...)
				l.settled(4, 4)
			}
			l.until(when+": the entries to be mended", l.held)
			time.Sleep(20 * time.Second)
			unchanged(when)
		}
	})
}

// leftOver returns how much of a flood of best effort arrives in two seconds
// where 5 Mbit/s of a link are left to it, in kbit.
func (l *lab) leftOver() int {
	l.Helper()
	l.settled(4, 4)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h2", 95*bitrate.Mbps)
	c.Key.Proto, c.Key.DstPort = path.ProtoTCP, path.Port(1)
	l.installAll(c)
	time.Sleep(10 * time.Second)
	src, dst := l.net.Host("h1"), l.net.Host("h2")
	tr := ofswitch.Traffic{Rate: 50e6, Size: 1000, Duration: 2 * time.Second}
	if _, err := src.SendUDP(l.Context(), netip.AddrPortFrom(dst.Addr(), 9), tr); err != nil {
		l.Fatal(err)
	}
	if err := l.net.Settle(l.Context()); err != nil {
		l.Fatal(err)
	}
	return int(dst.Got(src.Addr(), 9).Bytes) * 8 / 1000
}

// Best effort is held back in switches with 1,024 meters, or with two.
func TestBestEffortIsHeldBackInARange(t *testing.T) {
	for _, meters := range []uint32{1024, 40, 2, 1} {
		inBubble(t, ranged(meters), Config{}, func(l *lab) {
			if kbit := l.leftOver(); kbit > 10_200 || kbit < 9_000 {
				l.Errorf("of %d meters: %d kbit of best effort arrived, want some 10,000", meters, kbit)
			}
		})
	}
}

// Where buckets are filled once a second, best effort gets what is left, too;
// with bursts that suit other switches it would get a hundredth. What passes at
// most is a burst, and what is filled in the second after it.
func TestBurstsWhereBucketsFillSlowly(t *testing.T) {
	for _, c := range []struct {
		burst       time.Duration
		least, most int // kbit
	}{{0, 9_000, 21_000}, {100 * time.Millisecond, 800, 1_500}} {
		build := func(t ofswitch.TopologyConfig) *ofswitch.Network {
			t.Switch.Habits.MeterTick, t.Switch.Software = time.Second, "ofsoftswitch13"
			return ofswitch.Diamond(t)
		}
		inBubble(t, build, Config{Priority: Priority{MeterBurst: c.burst}}, func(l *lab) {
			if kbit := l.leftOver(); kbit < c.least || kbit > c.most {
				l.Errorf("with bursts of %v %d kbit of best effort arrived, want %d to %d", c.burst, kbit, c.least, c.most)
			}
		})
	}
}

// Where there are too few meters, those that asked first are policed, and of
// the others the snapshot says that they are not.
func TestFewMetersPoliceTheFirst(t *testing.T) {
	inBubble(t, ranged(5), Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		circuits := l.sharing(5)
		l.installAll(circuits...)
		policed := func() (handles []uint32) {
			for _, c := range l.net.Switch(1).MeterConfigs() {
				if kind, of := purpose.ReadMeter(l.MeterID(1, c.Meter)); kind == purpose.MeterPolicer {
					handles = append(handles, of)
				}
			}
			slices.Sort(handles)
			return handles
		}
		reached := func(from uint32, want ...uint32) {
			l.Helper()
			l.until(fmt.Sprint("just ", want, " to be policed"), func(s *topology.Snapshot) bool {
				return s.Switches[1].Unpoliced == from && slices.Equal(policed(), want) && l.held(s)
			})
		}
		reached(10, 7, 8, 9)
		if err := l.Remove(l.Context(), "c1"); err != nil {
			l.Fatal(err)
		}
		reached(11, 7, 9, 10)
		// One takes the place of another: the switch has room for the second
		// once the first has gone.
		l.installAll(circuits[1])
		reached(10, 7, 8, 9)
		for _, c := range circuits[3:] {
			if err := l.Remove(l.Context(), c.ID); err != nil {
				l.Fatal(err)
			}
		}
		reached(0, 7, 8, 9)
	})
}

// A meter that was sent, but not confirmed, and that no entry goes through, is
// known after a reconnection, and goes when it is not wanted any more.
func TestMeterWithoutEntriesIsNotLeftBehind(t *testing.T) {
	inBubble(t, ranged(1024), Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		circuits := l.sharing(3)
		l.installAll(circuits[:2]...)
		time.Sleep(20 * time.Second)
		sw := l.net.Switch(1)
		before := numbersOf(sw)
		denied := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedEPerm)}
		sw.SetFaults(ofswitch.Faults{Lose: ofswitch.LoseType(openflow.TypeBarrierReply), Reject: func(_ int, m openflow.Message) *openflow.Error {
			if fm, ok := m.(*openflow.FlowMod); ok && fm.Cookie == purpose.MakeCookie(purpose.Allocation, 9) {
				return &denied
			}
			return nil
		}})
		ctx, cancel := context.WithTimeout(l.Context(), time.Second)
		defer cancel()
		if err := l.Install(ctx, circuits[2]); err == nil {
			l.Fatal("it is confirmed without a barrier's answer")
		}
		if n := len(numbersOf(sw)); n != len(before)+1 {
			l.Fatalf("the switch has %d meters, want one more than %d", n, len(before))
		}
		sw.SetFaults(ofswitch.Faults{Refuse: true})
		sw.Disconnect()
		l.until("the switch to have gone", func(s *topology.Snapshot) bool { return !s.Switches[1].Connected })
		if err := l.Remove(l.Context(), "c2"); err != nil {
			l.Fatal(err)
		}
		sw.SetFaults(ofswitch.Faults{})
		l.settled(4, 4)
		time.Sleep(20 * time.Second)
		if got := numbersOf(sw); !slices.Equal(got, before) {
			l.Errorf("the switch has the meters %v, want %v", got, before)
		}
	})
}

// A switch whose other meters are another controller's has room for more when
// these go.
func TestRoomThatOthersLeave(t *testing.T) {
	var others []openflow.MeterID
	for no := openflow.MeterID(1); no <= 60; no++ {
		others = append(others, no)
	}
	inBubble(t, ranged(64, others...), Config{Audit: time.Second}, func(l *lab) {
		sw := l.net.Switch(1)
		l.settled(4, 4)
		l.until("the room beside others to be known", func(s *topology.Snapshot) bool { return s.Switches[1].Meters == 4 })
		l.pingAll()
		l.acquainted()
		l.installAll(l.sharing(3)...)
		l.until("two to be policed", func(s *topology.Snapshot) bool { return s.Switches[1].Unpoliced == 9 && l.held(s) })
		for _, no := range others {
			if err := sw.Apply(&openflow.MeterMod{Command: openflow.MeterDelete, ID: no}); err != nil {
				l.Fatal(err)
			}
		}
		l.until("all to be policed", func(s *topology.Snapshot) bool {
			return s.Switches[1].Unpoliced == 0 && s.Switches[1].Meters == 64 && l.held(s)
		})
	})
}

// Bursts that are configured leave no meters behind at a restart.
func TestOtherBurstsLeaveNoMeterBehind(t *testing.T) {
	k := &keeper{}
	inBubble(t, ranged(1024), Config{SavedNetwork: k}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		circuits := l.sharing(2)
		l.installAll(circuits...)
		time.Sleep(20 * time.Second)
		before := numbersOf(l.net.Switch(1))
		l.stop()
		l = l.again(Config{SavedNetwork: k, Priority: Priority{MeterBurst: 50 * time.Millisecond}}, circuits...)
		l.settled(4, 4)
		time.Sleep(20 * time.Second)
		if got := numbersOf(l.net.Switch(1)); !slices.Equal(got, before) {
			l.Errorf("the switch has the meters %v, want %v", got, before)
		}
	})
}
