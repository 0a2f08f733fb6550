package controller

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// What must hold when another program changes what is ours.

// meddle has a program do something every second until stop is called.
func (l *lab) meddle(change func()) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-time.After(time.Second):
				change()
			case <-end:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(end); <-ended })
}

// limited reports whether a switch says that another program changes something.
func limited(s *topology.Snapshot, what string) bool {
	return slices.ContainsFunc(s.Switches[1].Limitations, func(says string) bool {
		return strings.HasPrefix(says, "Another program changes or removes "+what+" of CONGA there again and again")
	})
}

// A program that undoes what CONGA does, whatever it is, is named. What it
// changes is put right at once a few times, later and later after that, and at
// last when it has stopped. What it does not touch stays as it is.
func TestMeddling(t *testing.T) {
	owned := purpose.MakeCookie(purpose.Allocation, 7)
	everything := openflow.FlowMod{Table: 0, Cookie: owned, CookieMask: ^openflow.Cookie(0),
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny}
	removes, alters := everything, everything
	removes.Command, alters.Command = openflow.FlowDelete, openflow.FlowModify
	alters.Instructions = []openflow.Instruction{openflow.ApplyActions(openflow.Output(99, 0))}
	for name, c := range map[string]struct {
		change openflow.Message
		names  string
	}{
		"entries are removed": {&removes, "entries of allocations"},
		"entries are altered": {&alters, "entries of allocations"},
		"meters are altered": {&openflow.MeterMod{Command: openflow.MeterModify, ID: purpose.TeachingID, Flags: openflow.MeterPktps,
			Bands: []openflow.MeterBand{{Type: openflow.MeterBandDrop, Rate: 5}}}, "meters"},
		"meters are added": {&openflow.MeterMod{Command: openflow.MeterAdd, ID: purpose.PolicerID(99), Flags: openflow.MeterKbps,
			Bands: []openflow.MeterBand{{Type: openflow.MeterBandDrop, Rate: 5}}}, "meters"},
		"entries are added": {&openflow.FlowMod{Table: 0, Cookie: purpose.MakeCookie(purpose.Allocation, 99), Priority: 20009,
			Match: openflow.Match{openflow.InPort(1)}, BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny},
			"entries of allocations"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pair, Config{}, func(l *lab) { meddledWith(l, c.change, c.names) })
		})
	}
}

func meddledWith(l *lab, change openflow.Message, names string) {
	l.settled(2, 1)
	l.pingAll()
	l.acquainted()
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	sw := l.net.Switch(1)
	changes := 0
	sw.OnMessage(func(m openflow.Message) {
		if t := m.Type(); t == openflow.TypeFlowMod || t == openflow.TypeMeterMod {
			changes++
		}
	})
	stop := l.meddle(func() { _ = sw.Apply(change) })
	l.Cleanup(stop)
	time.Sleep(time.Minute) // some of it only audits find
	l.until("the meddling to be named", func(s *topology.Snapshot) bool { return limited(s, names) })
	time.Sleep(time.Hour)
	if !limited(l.Snapshot(), names) {
		l.Errorf("after an hour the switch says %v", l.Snapshot().Switches[1].Limitations)
	}
	if n := changes; n > 60 {
		l.Errorf("%d changes in an hour of meddling", n)
	}
	lost := l.Lost()
	if names == "entries of allocations" && l.holders(99)[1] == 0 {
		if !slices.Contains(lost, "a") {
			l.Errorf("an allocation without entries counts as installed; lost are %v", lost)
		}
		if err := l.install(c); err == nil || !strings.Contains(err.Error(), "at switch 0000000000000001 another program changes or removes its entries or meters again and again") {
			l.Errorf("the allocation is confirmed, or refused without a reason: %v", err)
		}
	} else if len(lost) > 0 {
		l.Errorf("lost are %v", lost)
	}
	stop()
	time.Sleep(15 * time.Minute)
	l.until("all to be right again", func(s *topology.Snapshot) bool { return !limited(s, names) && l.held(s) })
	if err := l.install(c); err != nil {
		l.Error(err)
	}
	if got := l.send("h1", "h2", 100); got.Packets != 100 {
		l.Errorf("%d of 100 packets arrived", got.Packets)
	}
}

// Two controllers that are both equal do not change the switch for ever.
func TestEqualControllersDoNotFight(t *testing.T) {
	inBubble(t, pair, Config{Role: openflow.RoleEqual}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		b := l.another(Config{Role: openflow.RoleEqual})
		named := func(s *topology.Snapshot) bool { return limited(s, "entries") || limited(s, "meters") }
		either := func(*topology.Snapshot) bool { return named(l.Snapshot()) || named(b.Snapshot()) }
		time.Sleep(time.Minute)
		l.until("one of them to name the other", either)
		before := l.mods()
		time.Sleep(time.Hour)
		if n := l.mods() - before; n > 2000 { // 7,200 if each put all right at each audit
			l.Errorf("%d flow mods in an hour", n)
		}
	})
}
