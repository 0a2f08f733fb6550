package controller

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// What must hold where a switch gives back what it was given in another form.

// eachAction has f change each action of a flow mod.
func eachAction(fm *openflow.FlowMod, f func(*openflow.Action)) {
	for i := range fm.Instructions {
		for j := range fm.Instructions[i].Actions {
			f(&fm.Instructions[i].Actions[j])
		}
	}
}

// forms are how switches keep what they are given.
var forms = []struct {
	name   string
	habits ofswitch.Habits
	says   string // how the sentence begins that names it; "": it means the same
}{
	{"max_len of outputs to ports", ofswitch.Habits{Alter: func(fm *openflow.FlowMod) {
		eachAction(fm, func(a *openflow.Action) {
			if a.Type == openflow.ActionOutput && a.Port != openflow.PortController {
				a.MaxLen = 0xffff
			}
		})
	}}, ""},
	{"max_len of outputs to the controller", ofswitch.Habits{Alter: func(fm *openflow.FlowMod) {
		eachAction(fm, func(a *openflow.Action) {
			if a.Type == openflow.ActionOutput && a.Port == openflow.PortController {
				a.MaxLen = 0xffe5
			}
		})
	}}, ""},
	{"an empty list of actions for none", ofswitch.Habits{Alter: func(fm *openflow.FlowMod) {
		if len(fm.Instructions) == 0 {
			fm.Instructions = []openflow.Instruction{openflow.ApplyActions()}
		}
	}}, ""},
	{"instructions in another order", ofswitch.Habits{Alter: func(fm *openflow.FlowMod) {
		slices.Reverse(fm.Instructions)
	}}, ""},
	{"no marks", ofswitch.Habits{Alter: func(fm *openflow.FlowMod) {
		for i := range fm.Instructions {
			in := &fm.Instructions[i]
			in.Actions = slices.DeleteFunc(in.Actions, func(a openflow.Action) bool { return a.Type == openflow.ActionSetField })
		}
	}}, `It keeps entries in another form than it is given: of "set_field:46->ip_dscp,output:`},
	{"rates in steps of 64 kbit/s", ofswitch.Habits{AlterMeter: func(m *openflow.MeterMod) {
		for i := range m.Bands {
			if m.Flags&openflow.MeterPktps == 0 {
				m.Bands[i].Rate = m.Bands[i].Rate / 64 * 64
			}
		}
	}}, "It keeps meters in another form than it is given: of "},
	{"meters with a burst of its own", ofswitch.Habits{AlterMeter: func(m *openflow.MeterMod) {
		for i := range m.Bands {
			m.Bands[i].BurstSize = 2000
		}
	}}, "It keeps meters in another form than it is given: of "},
}

func TestForms(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			var log warnings
			build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
				c.Switch.Habits = f.habits
				return pair(c)
			}
			inBubble(t, build, Config{Log: slog.New(&log)}, func(l *lab) { reshaped(l, f.says, &log) })
		})
	}
}

func reshaped(l *lab, says string, log *warnings) {
	known := func(s *topology.Snapshot) bool {
		for _, sw := range s.Switches {
			for _, p := range sw.Ports {
				if p.Up && p.Role == topology.Undetermined {
					return false
				}
			}
		}
		return len(s.Switches) == 2 && len(s.Links) == 2
	}
	l.until("the network to be known", known)
	l.pingAll()
	time.Sleep(10 * time.Second) // entries towards hosts are through then
	c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
	if err := l.install(c); err != nil {
		l.Fatal(err)
	}
	time.Sleep(time.Second)
	changes, again := 0, map[string]int{}
	l.net.Switch(1).OnMessage(func(m openflow.Message) {
		switch m := m.(type) {
		case *openflow.FlowMod:
			changes++
			again[fmt.Sprint(m.Table, m.Priority, m.Match)]++
		case *openflow.MeterMod:
			changes++
			again[fmt.Sprint("meter", m.ID)]++
		}
	})
	time.Sleep(5 * time.Minute)
	most := 0
	for _, n := range again {
		most = max(most, n)
	}
	switch limits := l.Snapshot().Switches[1].Limitations; {
	case says == "" && (changes != 0 || len(limits) != 0):
		l.Errorf("%d changes of what means the same, and it says %q", changes, limits)
	case says != "" && (len(limits) != 1 || !strings.HasPrefix(limits[0], says)):
		l.Errorf("it says %q", limits)
	case most > 4:
		l.Errorf("one and the same was written %d times", most)
	}
	changes = 0
	time.Sleep(time.Hour)
	if changes != 0 {
		l.Errorf("%d changes in an hour", changes)
	}
	if n := log.count("switch is limited"); says != "" && n != 2 {
		l.Errorf("of two switches the log says %d times that they are limited", n)
	}
	if err := l.install(c); err != nil {
		l.Error(err)
	}
	// What is wanted otherwise is written again.
	c.Rate = 20 * bitrate.Mbps
	if err := l.install(c); err != nil {
		l.Error(err)
	}
	if changes == 0 {
		l.Error("another rate changed nothing")
	}
	if got := l.send("h1", "h2", 100); got.Packets != 100 {
		l.Errorf("%d of 100 packets arrived", got.Packets)
	}
}
