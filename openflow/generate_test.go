package openflow

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// A generator makes random messages that mean something: what Open vSwitch can
// print, it prints.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

// sometimes reports true one time in n.
func (g generator) sometimes(n int) bool { return g.IntN(n) == 0 }

func (g generator) mac() (a MAC) {
	binary.BigEndian.PutUint16(a[:], uint16(g.Uint32())&^0x0100) // not multicast
	binary.BigEndian.PutUint32(a[2:], g.Uint32())
	return a
}

func (g generator) v4() netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(g.Uint32()), byte(g.IntN(3)), byte(g.Uint32())})
}

func (g generator) v6() netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint64(a[8:], g.Uint64()>>g.IntN(64))
	return netip.AddrFrom16(a)
}

// mask returns a mask of n bits, never empty nor full: a prefix's or any.
func (g generator) mask(n int) uint64 {
	if g.sometimes(2) {
		return (1<<(1+g.IntN(n-1)) - 1) << (n - 1) >> (n - 1) << g.IntN(n)
	}
	return 1 + g.Uint64N(1<<n-2)
}

// port returns a number that OpenFlow 1.0 has, too, so that ovs-ofctl prints it
// plainly.
func (g generator) port() PortNo { return PortNo(1 + g.IntN(65000)) }

// match returns a match that has what its fields depend on, in canonical form.
func (g generator) match() Match {
	var m Match
	add := func(often int, o func() OXM) {
		if g.sometimes(often) {
			m = append(m, o())
		}
	}
	add(2, func() OXM { return InPort(g.port()) })
	add(8, func() OXM { v := g.mask(63); return Metadata(g.Uint64()&v, v) })
	add(8, func() OXM { v := g.mask(63); return TunnelID(g.Uint64()&v, v) })
	add(4, func() OXM { return EthSrc(g.mac()) })
	add(4, func() OXM { return EthDst(g.mac()) })
	add(12, func() OXM { return EthDstMasked(MAC{1}, MAC{1}) })
	switch g.IntN(6) {
	case 0:
		m = append(m, VLANVID(uint16(g.IntN(4096))))
		add(2, func() OXM { return VLANPCP(uint8(g.IntN(8))) })
	case 1:
		m = append(m, VLANNone())
	case 2:
		v := uint16(g.mask(12)) | VLANPresent
		m = append(m, VLANVIDMasked(uint16(g.Uint32())&v|VLANPresent, v))
	}
	switch g.IntN(6) {
	case 0:
		m = append(m, g.arp()...)
	case 1:
		m = append(m, EthType(etherMPLS+uint16(g.IntN(2))))
		add(2, func() OXM { return MPLSLabel(g.Uint32N(1 << 20)) })
		add(2, func() OXM { return MPLSTC(uint8(g.IntN(8))) })
		add(2, func() OXM { return MPLSBOS(uint8(g.IntN(2))) })
	case 2, 3:
		m = append(m, g.ip(false)...)
	case 4:
		m = append(m, g.ip(true)...)
	}
	return m.Canonical().dedupe()
}

// dedupe drops a field that follows one of its kind.
func (m Match) dedupe() Match {
	out := m[:0]
	for i := range m {
		if i == 0 || m[i].order() != m[i-1].order() {
			out = append(out, m[i])
		}
	}
	return out
}

func (g generator) arp() Match {
	m := Match{EthType(etherARP)}
	if g.sometimes(2) {
		m = append(m, ARPOp(uint16(1+g.IntN(2))))
	}
	if g.sometimes(2) {
		m = append(m, ARPSPA(g.v4()), ARPSHA(g.mac()))
	}
	if g.sometimes(2) {
		m = append(m, ARPTPAPrefix(netip.PrefixFrom(g.v4(), 1+g.IntN(32)).Masked()), ARPTHA(g.mac()))
	}
	return m
}

func (g generator) ip(six bool) Match {
	m := Match{EthType(etherIPv4)}
	if six {
		m[0] = EthType(etherIPv6)
		if g.sometimes(2) {
			m = append(m, IPv6Src(g.v6()))
		}
		if g.sometimes(2) {
			m = append(m, IPv6DstPrefix(netip.PrefixFrom(g.v6(), 1+g.IntN(128)).Masked()))
		}
		if g.sometimes(4) {
			m = append(m, IPv6FLabel(g.Uint32N(1<<20)))
		}
	} else {
		if g.sometimes(2) {
			m = append(m, IPv4Src(g.v4()))
		}
		if g.sometimes(2) {
			m = append(m, IPv4DstPrefix(netip.PrefixFrom(g.v4(), 1+g.IntN(32)).Masked()))
		}
	}
	if g.sometimes(4) {
		m = append(m, IPDSCP(uint8(g.IntN(64))))
	}
	if g.sometimes(8) {
		m = append(m, IPECN(uint8(g.IntN(4))))
	}
	return append(m, g.transport(six)...)
}

func (g generator) transport(six bool) Match {
	a, b := uint16(g.Uint32()), uint16(g.Uint32())
	switch g.IntN(6) {
	case 0:
		return Match{IPProto(protoTCP), TCPSrc(a), TCPDst(b)}
	case 1:
		return Match{IPProto(protoUDP), UDPDst(b)}
	case 2:
		return Match{IPProto(protoSCTP), SCTPSrc(a)}
	case 3:
		return Match{IPProto(uint8(150 + g.IntN(50)))}
	case 4:
		if !six {
			return Match{IPProto(protoICMP), ICMPv4Type(uint8(a)), ICMPv4Code(uint8(b))}
		}
		if g.sometimes(2) {
			return Match{IPProto(protoICMPv6), ICMPv6Type(icmpv6NeighbourSolicitation), ICMPv6Code(0), IPv6NDTarget(g.v6()), IPv6NDSLL(g.mac())}
		}
		return Match{IPProto(protoICMPv6), ICMPv6Type(uint8(a) >> 1), ICMPv6Code(uint8(b))}
	}
	return nil
}

// action returns an action that a packet of the match can take.
func (g generator) action(m Match) Action {
	switch g.IntN(9) {
	case 0:
		return SetQueue(g.Uint32N(100))
	case 1:
		return GroupAction(GroupID(g.Uint32N(1000)))
	case 2:
		return SetField(EthSrc(g.mac()))
	case 3:
		return SetField(TunnelID(g.Uint64(), ^uint64(0)))
	case 4:
		return Output([]PortNo{PortLocal, PortNormal, PortFlood, PortAll, PortInPort}[g.IntN(5)], 0)
	case 5:
		return Output(PortController, uint16(g.Uint32()))
	case 6, 7:
		if a, ok := g.networkAction(m); ok {
			return a
		}
	}
	return Output(g.port(), 0)
}

// networkAction returns an action that needs the match to name the network
// protocol.
func (g generator) networkAction(m Match) (Action, bool) {
	var choices []Action
	switch {
	case m.has(FieldEthType, etherIPv4):
		choices = []Action{SetField(IPv4Src(g.v4())), SetField(IPv4Dst(g.v4()))}
	case m.has(FieldEthType, etherIPv6):
		choices = []Action{SetField(IPv6Src(g.v6())), SetField(IPv6FLabel(g.Uint32N(1 << 20)))}
	case m.has(FieldEthType, etherARP):
		choices = []Action{SetField(ARPOp(2)), SetField(ARPTPA(g.v4())), SetField(ARPSHA(g.mac()))}
	case m.has(FieldEthType, etherMPLS, etherMPLSMany):
		choices = []Action{SetMPLSTTL(uint8(g.Uint32())), DecMPLSTTL(), SetField(MPLSLabel(g.Uint32N(1 << 20)))}
	}
	if m.has(FieldEthType, etherIPv4, etherIPv6) {
		choices = append(choices, DecNwTTL(), SetNwTTL(uint8(g.Uint32())), SetField(IPDSCP(uint8(g.IntN(64)))), SetField(IPECN(uint8(g.IntN(4)))))
		switch {
		case m.has(FieldIPProto, protoTCP):
			choices = append(choices, SetField(TCPDst(uint16(g.Uint32()))))
		case m.has(FieldIPProto, protoUDP):
			choices = append(choices, SetField(UDPSrc(uint16(g.Uint32()))))
		}
	}
	if len(choices) == 0 {
		return Action{}, false
	}
	return choices[g.IntN(len(choices))], true
}

func (g generator) actions(m Match, most int) []Action {
	var acts []Action
	for range 1 + g.IntN(most) {
		acts = append(acts, g.action(m))
	}
	if g.sometimes(6) {
		acts = append(acts, PushVLAN(0x8100), SetField(VLANVID(uint16(g.IntN(4096)))), Output(g.port(), 0))
	}
	return acts
}

// instructions returns instructions in the order in which Open vSwitch demands
// and prints them.
func (g generator) instructions(m Match, table TableID) []Instruction {
	var ins []Instruction
	add := func(often int, in func() Instruction) {
		if g.sometimes(often) {
			ins = append(ins, in())
		}
	}
	add(4, func() Instruction { return Meter(MeterID(1 + g.IntN(1000))) })
	add(1, func() Instruction { return ApplyActions(g.actions(m, 4)...) })
	add(6, func() Instruction { return ClearActions() })
	add(6, func() Instruction { return WriteActions(Output(g.port(), 0)) })
	add(6, func() Instruction { return WriteMetadata(g.Uint64(), ^uint64(0)) })
	add(3, func() Instruction { return GotoTable(table + 1) })
	return ins
}

// flow returns a flow mod that adds an entry.
func (g generator) flow() *FlowMod {
	m := &FlowMod{
		Table: TableID(g.IntN(200)), Priority: uint16(g.Uint32()), BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
		Match: g.match(),
	}
	if g.sometimes(2) {
		m.Cookie, m.IdleTimeout, m.HardTimeout = Cookie(g.Uint64()), uint16(g.Uint32()), uint16(g.Uint32())
		m.Flags = FlowModFlags(g.IntN(32))
	}
	if !g.sometimes(10) {
		m.Instructions = g.instructions(m.Match, m.Table)
	}
	return m
}
