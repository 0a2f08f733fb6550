package flow

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// Hosts of a prefix that are not behind its end of the path send and get best
// effort, also in fragments and if their ports are named, and the others are
// carried; so do those that are behind an attachment within it.
func TestHostsApartAreBestEffort(t *testing.T) {
	away := topology.PortID{DPID: 9, Port: 9}
	apart := []netip.Prefix{netip.MustParsePrefix("10.1.0.4/32"), netip.MustParsePrefix("10.1.0.64/26")}
	snapshot := func(tables uint8) *topology.Snapshot {
		s := &topology.Snapshot{
			Switches:    map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: true, Tables: tables, Ports: map[openflow.PortNo]topology.Port{}}},
			Attachments: []topology.Attachment{{Prefix: apart[1], At: away}},
		}
		for addr, at := range map[string]topology.PortID{
			"10.1.0.4": away, "10.1.0.5": {DPID: 1, Port: 1}, "10.2.0.1": {DPID: 1, Port: 2}, "10.3.0.4": away,
		} {
			a := netip.MustParseAddr(addr)
			s.Addrs = s.Addrs.With(a, topology.Attachment{Prefix: netip.PrefixFrom(a, 32), At: at})
		}
		return s
	}
	c := path.Circuit{ID: "a", Handle: 7, Rate: bitrate.Mbps, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
	c.Key = path.FlowKey{Src: path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), Dst: path.Host(netip.MustParseAddr("10.2.0.1")), Proto: path.ProtoUDP,
		DstPort: path.PortsOf(path.PortRange{First: 5000, Last: 5001})}
	for _, tc := range []struct {
		tables     uint8
		forwarding Forwarding
		want       []openflow.Instruction
	}{
		{3, ForwardL2, []openflow.Instruction{openflow.GotoTable(tableLearning)}},
		{1, ForwardNormal, []openflow.Instruction{openflow.ApplyActions(openflow.Output(openflow.PortNormal, 0))}},
		{1, ForwardL2, nil}, // best effort is in the same table
		{3, ForwardNone, nil},
	} {
		s := snapshot(tc.tables)
		st := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: tc.forwarding}, Circuits: []path.Circuit{c}}, 1)
		for _, way := range []struct {
			in       openflow.PortNo
			src, dst openflow.Field
			port     openflow.OXM
		}{
			{1, openflow.FieldIPv4Src, openflow.FieldIPv4Dst, openflow.UDPDst(5001)},
			{2, openflow.FieldIPv4Dst, openflow.FieldIPv4Src, openflow.UDPSrc(5001)},
		} {
			for host, is := range map[string]bool{"10.1.0.4": true, "10.1.0.64": true, "10.1.0.127": true, "10.1.0.5": false, "10.1.0.63": false, "10.1.0.128": false} {
				for _, ports := range [][]openflow.OXM{{way.port}, {openflow.UDPSrc(0), openflow.UDPDst(0)}} {
					r := highest(st, path.ProtoUDP, way.in, way.src, netip.MustParseAddr(host), way.dst, netip.MustParseAddr("10.2.0.1"), ports)
					if r == nil {
						t.Fatalf("%v: nothing matches %s", tc, host)
					}
					if got := reflect.DeepEqual(r.Instructions, tc.want); got != (is && tc.want != nil) {
						t.Errorf("%v: %s by port %d, %v, has %v", tc, host, way.in, ports, r.Instructions)
					}
				}
			}
		}
	}
}

// Frames for groups are not carried by a prefix, which may have the address of
// all hosts of a network; where a switch can tell them apart.
func TestPrefixesLeaveGroupsAlone(t *testing.T) {
	c := path.Circuit{ID: "a", Handle: 7, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
	host := path.Host(netip.MustParseAddr("10.2.0.1"))
	for _, tc := range []struct {
		src   path.Prefix
		lacks topology.Lacks
		want  bool
	}{
		{path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), 0, true},
		{path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), topology.LacksMasks, false},
		{path.Host(netip.MustParseAddr("10.1.0.0")), 0, false},
	} {
		for _, ports := range []uint16{0, 80} {
			c.Key = path.FlowKey{Src: tc.src, Dst: host, DstPort: path.Port(ports)}
			s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: true, Tables: 3, Lacks: tc.lacks, Ports: map[openflow.PortNo]topology.Port{}}}}
			s.Addrs = s.Addrs.With(netip.MustParseAddr("10.1.0.7"), topology.Attachment{Prefix: netip.MustParsePrefix("10.1.0.7/32"), At: topology.PortID{DPID: 1, Port: 3}})
			st := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: []path.Circuit{c}}, 1)
			for _, r := range st.Rules {
				kind, _ := purpose.ReadCookie(r.Cookie)
				if _, icmp := r.Match.Get(openflow.FieldICMPv4Type); kind != purpose.Allocation || icmp {
					continue
				}
				mac, given := r.Match.Get(openflow.FieldEthDst)
				if given != tc.want || given && (mac.MAC() != openflow.MAC{} || mac.MACMask() != groupBit) {
					t.Errorf("%v, ports %d: %v", tc, ports, r.Match)
				}
			}
		}
	}
}

// What hosts send and get that are not behind the end of a path is best effort
// if the circuit names its protocol, in fragments, too; another protocol goes
// with the wider circuit that has it, which ends where they are.
func TestHostsApartByProtocol(t *testing.T) {
	for _, tc := range []struct {
		src, wide, dst, away string
		proto                uint8
		port                 uint16
		apart                []uint8
	}{
		{"10.1.0.0/24", "10.1.0.0/16", "10.2.0.1", "10.1.0.4", path.ProtoAny, 0, []uint8{path.ProtoTCP, path.ProtoUDP, protoICMP, protoFragment}},
		{"10.1.0.0/24", "10.1.0.0/16", "10.2.0.1", "10.1.0.4", path.ProtoUDP, 0, []uint8{path.ProtoUDP}},
		{"10.1.0.0/24", "10.1.0.0/16", "10.2.0.1", "10.1.0.4", path.ProtoTCP, 80, []uint8{path.ProtoTCP}},
		{"10.1.0.0/24", "10.1.0.0/16", "10.2.0.1", "10.1.0.4", path.ProtoAny, 80, []uint8{path.ProtoTCP, path.ProtoUDP}},
		{"fd01::/64", "fd01::/48", "fd02::1", "fd01::4", path.ProtoAny, 0, []uint8{path.ProtoTCP, path.ProtoUDP, protoICMP, protoFragment}},
		{"fd01::/64", "fd01::/48", "fd02::1", "fd01::4", path.ProtoUDP, 80, []uint8{path.ProtoUDP, protoFragment}},
		{"fd01::/64", "fd01::/48", "fd02::1", "fd01::4", path.ProtoTCP, 0, []uint8{path.ProtoTCP}},
		{"fd01::/64", "fd01::/48", "fd02::1", "fd01::4", path.ProtoAny, 80, []uint8{path.ProtoTCP, path.ProtoUDP, protoFragment}},
	} {
		away := netip.MustParseAddr(tc.away)
		s := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{1: {DPID: 1, Connected: true, Tables: 3, Ports: map[openflow.PortNo]topology.Port{}}}}
		s.Addrs = s.Addrs.With(away, topology.Attachment{Prefix: netip.PrefixFrom(away, away.BitLen()), At: topology.PortID{DPID: 5, Port: 9}})
		near := away.Next()
		s.Addrs = s.Addrs.With(near, topology.Attachment{Prefix: netip.PrefixFrom(near, near.BitLen()), At: topology.PortID{DPID: 4, Port: 9}})
		side := func(text string) path.Prefix {
			p, err := path.ParsePrefix(text)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		// Both come in by the same port, from a switch that both cross.
		narrow := path.Circuit{ID: "a", Handle: 7, Path: path.Path{{DPID: 4, In: 9, Out: 2}, {DPID: 1, In: 1, Out: 2}}}
		narrow.Key = path.FlowKey{Src: side(tc.src), Dst: side(tc.dst), Proto: tc.proto, DstPort: path.Port(tc.port)}
		wide := narrow
		wide.ID, wide.Handle, wide.Path = "b", 8, path.Path{{DPID: 5, In: 9, Out: 2}, {DPID: 1, In: 1, Out: 2}}
		wide.Key = path.FlowKey{Src: side(tc.wide), Dst: side(tc.dst)}
		st := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: []path.Circuit{narrow, wide}}, 1)
		from, to := openflow.FieldIPv4Src, openflow.FieldIPv4Dst
		if !away.Is4() {
			from, to = openflow.FieldIPv6Src, openflow.FieldIPv6Dst
		}
		for _, proto := range []uint8{path.ProtoTCP, path.ProtoUDP, protoICMP, protoFragment} {
			r := highest(st, proto, 1, from, away, to, netip.MustParseAddr(tc.dst), nil)
			_, owner := purpose.ReadCookie(r.Cookie)
			apart := reflect.DeepEqual(r.Instructions, []openflow.Instruction{openflow.GotoTable(tableLearning)})
			if want := slices.Contains(tc.apart, proto); apart != want || (owner == 7) != want {
				t.Errorf("%s, protocol %d, port %d: protocol %d goes with circuit %d, apart: %t", tc.src, tc.proto, tc.port, proto, owner, apart)
			}
		}
	}
}

// highest returns the rule of a circuit with the highest priority that a packet
// of a protocol matches.
func highest(st *State, proto uint8, in openflow.PortNo, src openflow.Field, from netip.Addr, dst openflow.Field, to netip.Addr, ports []openflow.OXM) (best *Rule) {
rules:
	for _, r := range st.Rules {
		if kind, _ := purpose.ReadCookie(r.Cookie); kind != purpose.Allocation || best != nil && r.Priority < best.Priority {
			continue
		}
		for _, x := range r.Match {
			switch x.Field() {
			case openflow.FieldInPort:
				if x.Uint64() != uint64(in) {
					continue rules
				}
			case openflow.FieldIPProto:
				if x.Uint64() != uint64(proto) {
					continue rules
				}
			case src, dst:
				p, _ := x.Prefix()
				if x.Field() == src && !p.Contains(from) || x.Field() == dst && !p.Contains(to) {
					continue rules
				}
			case openflow.FieldUDPSrc, openflow.FieldUDPDst:
				if !slices.ContainsFunc(ports, func(o openflow.OXM) bool { return o.Field() == x.Field() && o.Uint64()&x.Mask64() == x.Uint64() }) {
					continue rules
				}
			}
		}
		best = r
	}
	return best
}

// Restored circuits are there before the network, in which attachments alone
// may say that hosts are apart.
func TestHostsApartOfRestoredCircuits(t *testing.T) {
	b := topology.NewBuilder(topology.Config{Attachments: []topology.Attachment{{Prefix: netip.MustParsePrefix("10.1.0.64/26"), At: at(9, 9)}}}, t0)
	b.SwitchUp(topology.Switch{DPID: 1, Tables: 254}, []openflow.Port{{No: 1}, {No: 2}}, t0)
	w := NewWanted(Policy{Forwarding: ForwardL2})
	c := path.Circuit{ID: "a", Handle: 7, Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
	c.Key = path.FlowKey{Src: path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), Dst: path.Host(netip.MustParseAddr("10.2.0.1"))}
	w.SetCircuit("a", []path.Circuit{c})
	s := b.Snapshot(t0)
	w.SetNetwork(s)
	kept := w.Watch(1).State()
	takeAll(w, func(_ openflow.DPID, p Patch) { kept.Patch(p) })
	want := Compile(&Network{Snapshot: s, Routes: NewRoutes(s), Policy: Policy{Forwarding: ForwardL2}, Circuits: []path.Circuit{c}}, 1)
	if d := difference(kept, want); d != "" {
		t.Error(d)
	}
}

// BenchmarkHostBesidePrefixes measures the cost of a host that comes, in a
// network with circuits of prefixes that it is not in.
func BenchmarkHostBesidePrefixes(b *testing.B) {
	var few time.Duration
	for _, circuits := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("circuits=%d", circuits), func(b *testing.B) {
			builder := topology.NewBuilder(topology.Config{MaxHosts: 1 << 30}, t0)
			builder.SwitchUp(topology.Switch{DPID: 1, Tables: 254}, []openflow.Port{{No: 1}, {No: 2}}, t0)
			builder.SwitchReady(1, t0)
			settle(builder)
			w := NewWanted(Policy{Forwarding: ForwardL2})
			w.SetNetwork(builder.Snapshot(t0))
			for i := range circuits {
				c := path.Circuit{ID: fmt.Sprint(i), Handle: uint32(i + 1), Path: path.Path{{DPID: 1, In: 1, Out: 2}}}
				c.Key.Src = path.Host(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})).Widen(24)
				c.Key.Dst = path.Host(netip.MustParseAddr("192.0.2.1"))
				w.SetCircuit(c.ID, []path.Circuit{c})
			}
			n := 0
			for b.Loop() {
				n++
				four := [4]byte{172, byte(n >> 16), byte(n >> 8), byte(n)}
				builder.HostSeen(0, at(1, 1), openflow.MAC{2, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, []netip.Addr{netip.AddrFrom4(four)}, true, t0)
				w.SetNetwork(builder.Snapshot(t0))
			}
			each := b.Elapsed() / time.Duration(n)
			if few == 0 {
				few = each
			}
			b.ReportMetric(each.Seconds()/few.Seconds(), "times-the-first")
		})
	}
}
