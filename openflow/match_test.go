package openflow

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
)

var (
	v4   = netip.MustParseAddr("192.0.2.1")
	v6   = netip.MustParseAddr("2001:db8::1")
	macA = MAC{0x0a, 0, 0, 0, 0, 1}
	macM = MAC{0xff, 0xff, 0xff, 0, 0, 0}
)

// everyField holds all 40 fields, in order.
var everyField = Match{
	InPort(1), InPhyPort(2), Metadata(0x10, 0xff), EthDst(macA), EthSrcMasked(MAC{0x0a}, macM), EthType(0x0800),
	VLANVID(100), VLANPCP(5), IPDSCP(46), IPECN(1), IPProto(6), IPv4Src(v4),
	IPv4DstPrefix(netip.MustParsePrefix("10.0.0.0/8")), TCPSrc(1), TCPDst(2), UDPSrc(3), UDPDst(4), SCTPSrc(5),
	SCTPDst(6), ICMPv4Type(8), ICMPv4Code(0), ARPOp(1), ARPSPA(v4), ARPTPA(v4), ARPSHA(macA), ARPTHA(macA),
	IPv6Src(v6), IPv6DstPrefix(netip.MustParsePrefix("2001:db8::/32")), IPv6FLabelMasked(0x10, 0xff), ICMPv6Type(135),
	ICMPv6Code(0), IPv6NDTarget(v6), IPv6NDSLL(macA), IPv6NDTLL(macA), MPLSLabel(77), MPLSTC(3), MPLSBOS(1),
	PBBISID(0x123456), TunnelID(7, ^uint64(0)), IPv6ExtHdrMasked(1, 3),
}

// rawFields are fields that are not standard ones, the longest among them.
var rawFields = Match{
	NewOXM(OXMClassNXM1, 0, []byte{1, 2, 3, 4}, []byte{0xff, 0xff, 0, 0}),
	NewOXM(OXMClassExperimenter, 42, []byte{0x4f, 0x4e, 0x46, 0, 0, 2}, nil),
	NewOXM(OXMClassNXM1, 40, bytes.Repeat([]byte{7}, 124), bytes.Repeat([]byte{0xff}, 124)),
	NewOXM(OXMClassBasic, 43, []byte{0, 0, 0, 1}, nil),
	NewOXM(0x8003, 1, bytes.Repeat([]byte{9}, 255), nil),
}

func TestEveryFieldIsThere(t *testing.T) {
	for i := range fields {
		o := everyField[i]
		if f := Field(i); o.Field() != f || o.Class() != OXMClassBasic || len(o.Value()) != f.Len() {
			t.Errorf("field %d is %v with %d bytes, want %v with %d", i, o.Field(), len(o.Value()), f, f.Len())
		}
		if got, ok := everyField.Get(Field(i)); !ok || got != o {
			t.Errorf("Get(%v) = %v, %t", Field(i), got, ok)
		}
	}
	if _, ok := rawFields.Get(FieldInPort); ok {
		t.Error("Get takes a field of another class for IN_PORT")
	}
}

func TestOXMReaders(t *testing.T) {
	if o := Metadata(0x10, 0xff); o.Uint64() != 0x10 || o.Mask64() != 0xff || !o.Masked() {
		t.Errorf("metadata: %#x/%#x", o.Uint64(), o.Mask64())
	}
	if o := TCPDst(80); o.Uint64() != 80 || o.Mask64() != 0xffff || o.Masked() || o.Mask() != nil {
		t.Errorf("tcp_dst: %d/%#x", o.Uint64(), o.Mask64())
	}
	if o := Metadata(1, ^uint64(0)); o.Masked() || o.Mask64() != ^uint64(0) {
		t.Error("metadata with a full mask is masked")
	}
	if o := EthSrcMasked(macA, macM); o.MAC() != macA || o.MACMask() != macM {
		t.Errorf("eth_src: %v/%v", o.MAC(), o.MACMask())
	}
	if o := EthSrc(macA); o.MACMask() != (MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) {
		t.Errorf("eth_src: mask %v", o.MACMask())
	}
	if o := IPv6NDTarget(v6); o.Addr() != v6 || o.MAC() != (MAC{}) {
		t.Errorf("nd_target: %v, %v", o.Addr(), o.MAC())
	}
	if o := IPv4Src(netip.AddrFrom16(v4.As16())); o.Addr() != v4 {
		t.Errorf("an IPv4 address mapped into IPv6 becomes %v", o.Addr())
	}
	for _, text := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.128.0.0/9", "192.0.2.1/32", "2001:db8::/33", "::/0", "::1/128"} {
		want := netip.MustParsePrefix(text)
		field := IPv6DstPrefix
		if want.Addr().Is4() {
			field = IPv4DstPrefix
		}
		if got, ok := field(want).Prefix(); !ok || got != want {
			t.Errorf("prefix %v reads as %v, %t", want, got, ok)
		}
	}
	for _, mask := range []string{"255.0.255.0", "255.253.0.0", "0.0.0.1"} {
		if p, ok := IPv4DstMasked(v4, netip.MustParseAddr(mask)).Prefix(); ok {
			t.Errorf("mask %s passes for the prefix %v", mask, p)
		}
	}
	if p, ok := TCPDst(1).Prefix(); ok {
		t.Errorf("a port passes for the prefix %v", p)
	}
}

// TestImpossibleAddress gives an address field the other family: Append and
// Check have to notice.
func TestImpossibleAddress(t *testing.T) {
	for _, o := range []OXM{
		IPv4Src(v6), IPv6Src(v4), IPv4Dst(netip.Addr{}), IPv4SrcPrefix(netip.Prefix{}), IPv4SrcMasked(v4, v6),
		IPv6DstPrefix(netip.MustParsePrefix("10.0.0.0/8")), {},
	} {
		m := Match{EthType(0x0800), o}
		if _, err := Append(nil, 1, &FlowMod{Match: m}); !errors.Is(err, ErrLength) {
			t.Errorf("%v: appended: %v", o.Field(), err)
		}
		if err := m.Check(); o != (OXM{}) && !errors.Is(err, ErrLength) {
			t.Errorf("%v: checked: %v", o.Field(), err)
		}
	}
}

func TestCanonical(t *testing.T) {
	full := netip.MustParseAddr("255.255.255.255")
	tests := []struct {
		name string
		m    Match
		want Match
	}{
		{"sorted", Match{EthType(1), InPort(2)}, Match{InPort(2), EthType(1)}},
		{"exact mask", Match{IPv4SrcMasked(v4, full)}, Match{IPv4Src(v4)}},
		{"exact mask of 13 bits", Match{VLANVIDMasked(0x1064, 0x1fff)}, Match{VLANVID(100)}},
		{"exact mask of 20 bits", Match{IPv6FLabelMasked(7, 0xfffff)}, Match{IPv6FLabel(7)}},
		{"bits beyond the width", Match{VLANVIDMasked(0x1064, 0xf00f)}, Match{VLANVIDMasked(0x1004, 0x100f)}},
		{"bits outside the mask", Match{Metadata(0x1234, 0xff)}, Match{Metadata(0x34, 0xff)}},
		{"mask of zeros", Match{Metadata(5, 0), InPort(1)}, Match{InPort(1)}},
		{"raw", rawFields[:1], Match{NewOXM(OXMClassNXM1, 0, []byte{1, 2, 0, 0}, []byte{0xff, 0xff, 0, 0})}},
		{"empty", nil, Match{}},
	}
	for _, test := range tests {
		before := append(Match(nil), test.m...)
		if got := test.m.Canonical(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		if !reflect.DeepEqual(append(Match(nil), test.m...), before) {
			t.Errorf("%s: Canonical changed its receiver", test.name)
		}
		if test.m.Key() != test.want.Key() {
			t.Errorf("%s: keys differ", test.name)
		}
		if got, ok := MatchOf(test.m.Key()); !ok || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v has its key, want %v", test.name, got, test.want)
		}
	}
}

// TestKeyIgnoresOrder shuffles all fields; TestKeyTells changes each.
func TestKeyIgnoresOrder(t *testing.T) {
	want := everyField.Key()
	for seed := range uint64(20) {
		m := append(Match(nil), everyField...)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		if m.Key() != want {
			t.Fatalf("the key of %v depends on the order", m)
		}
	}
}

// What is the key of no match is found out.
func TestMatchOfNoKey(t *testing.T) {
	key := sampleMatch.Key()
	for _, bad := range []string{key[:3], key[:len(key)-1], key + "\x80", "\x80\x00\x00\x03\x00\x00\x00"} {
		if m, ok := MatchOf(bad); ok {
			t.Errorf("%x is taken for the key of %v", bad, m)
		}
	}
}

func TestKeyTells(t *testing.T) {
	seen := map[string]int{everyField.Key(): -1}
	for i := range everyField {
		without := append(append(Match(nil), everyField[:i]...), everyField[i+1:]...)
		if j, ok := seen[without.Key()]; ok {
			t.Errorf("leaving out field %d gives the same key as leaving out %d", i, j)
		}
		seen[without.Key()] = i
	}
}

func TestCheck(t *testing.T) {
	eth, ip, six := EthType(0x0800), EthType(0x0800), EthType(0x86dd)
	tests := []struct {
		name string
		m    Match
		err  error
	}{
		{"empty", nil, nil},
		{"flow", sampleMatch, nil},
		{"order does not matter", Match{TCPDst(1), IPProto(6), six}, nil},
		{"raw fields are not looked at", rawFields, nil},
		{"twice", Match{eth, eth}, ErrDuplicateField},
		{"mask where none is allowed", Match{NewField(FieldEthType, []byte{8, 0}, []byte{0xff, 0})}, ErrMask},
		{"bits outside the mask", Match{Metadata(2, 1)}, ErrMaskedValue},
		{"wide VLAN ID", Match{VLANVID(0x2000)}, ErrWidth},
		{"wide DSCP", Match{ip, IPDSCP(64)}, ErrWidth},
		{"wide label", Match{EthType(0x8847), MPLSLabel(1 << 20)}, ErrWidth},
		{"physical port alone", Match{InPhyPort(1)}, ErrPrerequisite},
		{"priority without a tag", Match{VLANNone(), VLANPCP(1)}, ErrPrerequisite},
		{"priority of any tag", Match{VLANAny(), VLANPCP(1)}, nil},
		{"DSCP of ARP", Match{EthType(0x0806), IPDSCP(1)}, ErrPrerequisite},
		{"IPv4 in IPv6", Match{six, IPv4Src(v4)}, ErrPrerequisite},
		{"IPv6 in IPv4", Match{ip, IPv6Src(v6)}, ErrPrerequisite},
		{"TCP port of UDP", Match{ip, IPProto(17), TCPSrc(1)}, ErrPrerequisite},
		{"UDP port of TCP", Match{ip, IPProto(6), UDPSrc(1)}, ErrPrerequisite},
		{"SCTP port of SCTP", Match{ip, IPProto(132), SCTPSrc(1)}, nil},
		{"ICMP of IPv6", Match{six, IPProto(1), ICMPv4Type(8)}, ErrPrerequisite},
		{"ICMPv6", Match{six, IPProto(58), ICMPv6Type(135), IPv6NDTarget(v6), IPv6NDSLL(macA)}, nil},
		{"advertisement with a source", Match{six, IPProto(58), ICMPv6Type(136), IPv6NDSLL(macA)}, ErrPrerequisite},
		{"ARP", Match{EthType(0x0806), ARPOp(1), ARPSPA(v4), ARPTHA(macA)}, nil},
		{"ARP of IP", Match{ip, ARPOp(1)}, ErrPrerequisite},
		{"PBB", Match{EthType(0x88e7), PBBISID(1)}, nil},
		{"PBB of IP", Match{ip, PBBISID(1)}, ErrPrerequisite},
	}
	for _, test := range tests {
		if err := test.m.Check(); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		}
	}
}

func TestMatchRefuses(t *testing.T) {
	flow := &FlowMod{Match: Match{InPort(1), VLANAny()}}
	const first, second = 52, 60
	for name, test := range map[string]struct {
		at   int
		v    byte
		want error
	}{
		"in_port of 3 bytes":    {first + 3, 3, ErrShort},
		"in_port with a mask":   {first + 2, byte(FieldInPort)<<1 | 1, ErrLength},
		"no payload":            {first + 3, 0, ErrShort},
		"TCP port of 4 bytes":   {first + 2, byte(FieldTCPSrc) << 1, ErrLength},
		"beyond the match":      {second + 3, 9, ErrShort},
		"VLAN without its mask": {second + 2, byte(FieldVLANVID) << 1, ErrLength},
	} {
		err := mutate(t, flow, func(b []byte) []byte { b[test.at] = test.v; return b })
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestNewOXMPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"too long":      func() { NewOXM(1, 1, make([]byte, 256), nil) },
		"uneven":        func() { NewOXM(1, 1, make([]byte, 2), make([]byte, 1)) },
		"both too long": func() { NewOXM(1, 1, make([]byte, 128), make([]byte, 128)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
