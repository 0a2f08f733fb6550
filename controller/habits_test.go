package controller

import (
	"net/netip"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// habit is a way in which switches differ, and what CONGA is to say of it.
type habit struct {
	name   string
	change func(*ofswitch.Config)
	says   []string // limitations
}

// habits are what switches do differently from Open vSwitch.
var habits = []habit{
	{name: "none", change: func(*ofswitch.Config) {}},
	{name: "no metadata", change: func(c *ofswitch.Config) {
		c.Habits.NoFields = []openflow.Field{openflow.FieldMetadata}
		c.Habits.NoInstructions = []openflow.InstructionType{openflow.InstructionWriteMetadata}
	}},
	{
		name:   "no masks of Ethernet addresses",
		change: func(c *ofswitch.Config) { c.Habits.NoMasks = []openflow.Field{openflow.FieldEthDst} },
		says:   []string{"It has no masks of Ethernet addresses, so multicasts that reach it beside the broadcast tree go to the controller to be dropped."},
	},
	{
		name:   "no type of ICMPv6",
		change: func(c *ofswitch.Config) { c.Habits.NoFields = []openflow.Field{openflow.FieldICMPv6Type} },
		says: []string{
			"It cannot match the type of ICMPv6, so all ICMPv6 together is held to 1,000 packets/s.",
			"It cannot match the type of ICMPv6, so messages that IPv6 packets are too big are not carried with an allocation.",
		},
	},
	{
		name: "no type of ICMP",
		change: func(c *ofswitch.Config) {
			c.Habits.NoFields = []openflow.Field{openflow.FieldICMPv4Type, openflow.FieldICMPv4Code}
		},
		says: []string{"It cannot match the type of ICMP, so messages that IPv4 packets are too big are not carried with an allocation."},
	},
	{
		name:   "no flow-removed messages",
		change: func(c *ofswitch.Config) { c.Habits.NoRemovals = true },
		says:   []string{"It does not report flow entries that are gone, so they are put back at the next audit, and receipts lack what was counted last."},
	},
	{
		name:   "no setting of fields",
		change: func(c *ofswitch.Config) { c.Habits.NoActions = []openflow.ActionType{openflow.ActionSetField} },
		says:   []string{"It cannot set DSCP, so the traffic of allocations is not marked there."},
	},
	{
		name: "tables that lead nowhere",
		change: func(c *ofswitch.Config) {
			c.Habits.NoInstructions = []openflow.InstructionType{openflow.InstructionGotoTable}
		},
		says: []string{"It has one table for CONGA, so hosts are found by their broadcasts and multicasts only."},
	},
	{
		name:   "one table",
		change: func(c *ofswitch.Config) { c.Tables = 1 },
		says:   []string{"It has one table for CONGA, so hosts are found by their broadcasts and multicasts only."},
	},
	{
		name: "one table, and neither masks nor the type of ICMPv6",
		change: func(c *ofswitch.Config) {
			c.Tables = 1
			c.Habits.NoMasks = []openflow.Field{openflow.FieldEthDst}
			c.Habits.NoFields = []openflow.Field{openflow.FieldICMPv6Type, openflow.FieldMetadata}
		},
		says: []string{
			"It has one table for CONGA and no masks of Ethernet addresses, so hosts are found by their ARP requests only.",
			"It cannot match the type of ICMPv6, so messages that IPv6 packets are too big are not carried with an allocation.",
		},
	},
	{name: "meters with numbers of a range", change: func(c *ofswitch.Config) { c.MaxMeters, c.Habits.MeterRange = 1024, true }},
	{name: "another bit for bands that drop", change: func(c *ofswitch.Config) {
		c.Habits.MeterFeatures = func(f *openflow.MeterFeatures) { f.BandTypes = 1 }
	}},
	{name: "bursts that are not said", change: func(c *ofswitch.Config) {
		c.Habits.MeterFeatures = func(f *openflow.MeterFeatures) { f.BandTypes, f.Capabilities = 6, uint32(openflow.MeterKbps) }
	}},
	{
		name:   "no lengths of bursts",
		change: func(c *ofswitch.Config) { c.Habits.NoMeterFlags = openflow.MeterBurst },
		says:   []string{"Its meters cannot be told how long a burst they let through, so best effort may take more than is left to it for a moment."},
	},
	{
		name:   "bursts of 1,000 kbit at most",
		change: func(c *ofswitch.Config) { c.Habits.MostBurst = 1000 },
		says:   []string{"Its meters cannot be told how long a burst they let through, so best effort may take more than is left to it for a moment."},
	},
	{
		name: "numbers of a range, and no lengths of bursts",
		change: func(c *ofswitch.Config) {
			c.MaxMeters, c.Habits.MeterRange, c.Habits.NoMeterFlags = 1024, true, openflow.MeterBurst
			c.Habits.MeterFeatures = func(f *openflow.MeterFeatures) { f.Capabilities &^= uint32(openflow.MeterBurst) }
		},
		says: []string{"Its meters cannot be told how long a burst they let through, so best effort may take more than is left to it for a moment."},
	},
	{
		name: "numbers of a range, and meters that do not count packets",
		change: func(c *ofswitch.Config) {
			c.MaxMeters, c.Habits.MeterRange, c.Habits.NoMeterFlags = 1024, true, openflow.MeterPktps
		},
		says: []string{"It cannot limit numbers of packets, so what goes to the controller is held to 2 Mbit/s."},
	},
	{
		name:   "one meter",
		change: func(c *ofswitch.Config) { c.MaxMeters, c.Habits.MeterRange = 1, true },
		says: []string{
			"It has few meters, so all best effort that leaves by ports with reservations is held to the least that one of them has left.",
			"It has too few meters to enforce the rates of allocations.",
		},
	},
	{
		name:   "two meters",
		change: func(c *ofswitch.Config) { c.MaxMeters, c.Habits.MeterRange = 2, true },
		says: []string{
			"It has few meters, so all best effort that leaves by ports with reservations is held to the least that one of them has left.",
			"It has too few meters to enforce the rates of allocations.",
		},
	},
	{
		name: "room for two meters, whatever it says",
		change: func(c *ofswitch.Config) {
			c.MaxMeters = 2
			c.Habits.MeterFeatures = func(f *openflow.MeterFeatures) { f.MaxMeter = 1000 }
		},
		says: []string{
			"It has few meters, so all best effort that leaves by ports with reservations is held to the least that one of them has left.",
			"It has too few meters to enforce the rates of allocations.",
		},
	},
	{
		name:   "meters that do not count packets",
		change: func(c *ofswitch.Config) { c.Habits.NoMeterFlags = openflow.MeterPktps },
		says:   []string{"It cannot limit numbers of packets, so what goes to the controller is held to 2 Mbit/s."},
	},
	{
		name:   "meters that do not drop",
		change: func(c *ofswitch.Config) { c.Habits.NoDropBands = true },
		says:   []string{"It has no meters that CONGA can use, so best effort is not held back and the rates of allocations are not enforced there."},
	},
	{
		name: "numbers of a range, and meters that do not drop",
		change: func(c *ofswitch.Config) {
			c.MaxMeters, c.Habits.MeterRange, c.Habits.NoDropBands = 1024, true, true
		},
		says: []string{"It has no meters that CONGA can use, so best effort is not held back and the rates of allocations are not enforced there."},
	},
	{
		name:   "no meters",
		change: func(c *ofswitch.Config) { c.NoMeters = true },
		says:   []string{"It has no meters that CONGA can use, so best effort is not held back and the rates of allocations are not enforced there."},
	},
	{
		name: "meters that entries cannot use",
		change: func(c *ofswitch.Config) {
			c.Habits.NoInstructions = []openflow.InstructionType{openflow.InstructionMeter}
		},
		says: []string{"It has no meters that CONGA can use, so best effort is not held back and the rates of allocations are not enforced there."},
	},
}

// TestHabits has rings of switches with each habit forward, carry an
// allocation, say what they cannot do, and be left alone at a reconnection and
// a restart.
func TestHabits(t *testing.T) {
	for _, h := range habits {
		t.Run(h.name, func(t *testing.T) {
			k := &keeper{}
			build := func(c ofswitch.TopologyConfig) *ofswitch.Network {
				h.change(&c.Switch)
				return ofswitch.Ring(3, c)
			}
			inBubble(t, build, Config{SavedNetwork: k}, func(l *lab) { inhabited(l, h, k) })
		})
	}
}

// carried returns the circuits that switches with habits carry: of all traffic
// between two addresses, and of ports of either IP.
func carried(l *lab) []path.Circuit {
	all := l.circuit("a", 7, "h1", "h3", 40*bitrate.Mbps)
	ports, ports6 := all, all
	ports.ID, ports.Handle = "b", 8
	ports.Key.Proto, ports.Key.DstPort = path.ProtoTCP, path.Port(80)
	ports6.ID, ports6.Handle, ports6.Key = "c", 9, ports.Key
	ports6.Key.Src, ports6.Key.Dst = path.Host(netip.MustParseAddr("2001:db8::1")), path.Host(netip.MustParseAddr("2001:db8::3"))
	return []path.Circuit{all, ports, ports6}
}

func inhabited(l *lab, h habit, k *keeper) {
	l.settled(3, 3)
	l.pingAll()
	for _, h := range l.net.Hosts() { // for switches that hear only that of them
		h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), netip.MustParseAddr("10.0.9.9")))
	}
	l.until("every host to be known", func(s *topology.Snapshot) bool {
		for _, h := range l.net.Hosts() {
			if _, known := s.Addrs.Get(h.Addr()); !known {
				return false
			}
		}
		return l.held(s)
	})
	for _, c := range carried(l) {
		if err := l.install(c); err != nil {
			l.Errorf("no allocation %s: %v", c.ID, err)
		}
	}
	if got := l.send("h1", "h3", 100); got.Packets != 100 {
		l.Errorf("%d of 100 packets of the allocation arrived", got.Packets)
	}
	says := func(when string) {
		l.until(when+" the switch to say what it cannot do", func(s *topology.Snapshot) bool {
			return slices.Equal(s.Switches[1].Limitations, h.says) && l.held(s)
		})
	}
	says("at first")
	before := map[openflow.DPID]uint64{}
	for _, sw := range l.net.Switches() {
		before[sw.DPID()] = sw.Counters().FlowMods
	}
	unchanged := func(what string) {
		for _, sw := range l.net.Switches() {
			if mods := sw.Counters().FlowMods - before[sw.DPID()]; mods != 0 {
				l.Errorf("%s sent switch %v %d flow mods", what, sw.DPID(), mods)
			}
		}
	}
	l.net.Switch(2).Disconnect()
	l.until("the switch to have gone", func(s *topology.Snapshot) bool { return !s.Switches[2].Connected })
	l.settled(3, 3)
	unchanged("the reconnection")
	restored := carried(l)
	l.stop()
	l = l.again(Config{SavedNetwork: k}, restored...)
	l.settled(3, 3)
	says("after the restart")
	unchanged("the restart")
}
