package discovery

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

var (
	port = topology.PortID{DPID: 0x0102030405060708, Port: 0xfe}
	mac  = openflow.MAC{2, 0, 0, 0, 0, 9}
	t0   = time.Unix(1_800_000_000, 0)
)

func TestProbeTellsItsOrigin(t *testing.T) {
	p := NewProber([]byte("secret"))
	frame := p.Frame(port, mac, Near, t0)
	got, err := p.Origin(append(frame, make([]byte, 20)...), t0.Add(time.Second)) // Ethernet pads short frames
	if want := (Origin{port, t0, Near}); err != nil || got.From != port || got.Reach != Near || !got.Left.Equal(t0) {
		t.Fatalf("Origin = %v, %v; want %v", got, err, want)
	}
	for n := range len(frame) - 2 { // all but the end TLV
		if got, err := p.Origin(frame[:n], t0); err == nil {
			t.Errorf("the first %d bytes pass for a probe from %v", n, got)
		}
	}
}

func TestForgedProbesAreForeign(t *testing.T) {
	p := NewProber([]byte("secret"))
	if _, err := NewProber([]byte("guess")).Origin(p.Frame(port, mac, Near, t0), t0); err == nil {
		t.Error("a probe signed with another secret is believed")
	}
	if _, err := p.Origin(p.Frame(port, mac, Near, t0), t0.Add(time.Minute)); err == nil {
		t.Error("a probe that is played back later is believed")
	}
	frame := p.Frame(port, mac, Near, t0)
	for i := 14; i < len(frame)-2; i++ {
		forged := slices.Clone(frame)
		forged[i] ^= 1
		if got, err := p.Origin(forged, t0); err == nil && got.From != port {
			t.Errorf("with byte %d changed the probe says %v", i, got)
		}
	}
}

func ether(kind uint16, body ...byte) []byte {
	b := append(make([]byte, 6), mac[:]...)
	return append(binary.BigEndian.AppendUint16(b, kind), body...)
}

func arp(sha openflow.MAC, spa [4]byte) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	b = append(append(b, sha[:]...), spa[:]...)
	return ether(etherTypeARP, append(b, make([]byte, 10)...)...)
}

func ipv6(next byte, src netip.Addr, payload ...byte) []byte {
	b := []byte{0x60, 0, 0, 0, 0, byte(len(payload)), next, 255}
	b = append(b, src.AsSlice()...)
	b = append(b, make([]byte, 16)...)
	return ether(etherTypeIPv6, append(b, payload...)...)
}

func advertisement(target netip.Addr, tll openflow.MAC) []byte {
	b := append([]byte{ndAdvertisement, 0, 0, 0, 0, 0, 0, 0}, target.AsSlice()...)
	return append(append(b, 2, 1), tll[:]...)
}

func TestSight(t *testing.T) {
	v6, v6b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	v4 := netip.MustParseAddr("10.1.2.3")
	ip := make([]byte, 20)
	ip[0] = 0x45
	copy(ip[12:], v4.AsSlice())
	for name, c := range map[string]struct {
		frame []byte
		want  []netip.Addr
		claim bool
	}{
		"arp":                          {arp(mac, v4.As4()), []netip.Addr{v4}, true},
		"arp for another host":         {arp(openflow.MAC{2, 9}, v4.As4()), nil, true},
		"arp probe":                    {arp(mac, [4]byte{}), nil, true},
		"short arp":                    {arp(mac, v4.As4())[:40], nil, true},
		"ipv4":                         {ether(etherTypeIPv4, ip...), []netip.Addr{v4}, false},
		"tagged ipv4":                  {ether(etherTypeVLAN, append([]byte{0, 5, 8, 0}, ip...)...), []netip.Addr{v4}, false},
		"ipv6":                         {ipv6(6, v6), []netip.Addr{v6}, false},
		"ipv6 from nowhere":            {ipv6(6, netip.IPv6Unspecified()), nil, false},
		"advertisement":                {ipv6(protoICMPv6, v6, advertisement(v6b, mac)...), []netip.Addr{v6, v6b}, true},
		"advertisement for another":    {ipv6(protoICMPv6, v6, advertisement(v6b, openflow.MAC{2, 9})...), []netip.Addr{v6}, true},
		"advertisement cut short":      {ipv6(protoICMPv6, v6, advertisement(v6b, mac)[:20]...), []netip.Addr{v6}, false},
		"advertisement behind options": {ipv6(headerHopByHop, v6, append([]byte{protoICMPv6, 1, 15: 0}, advertisement(v6b, mac)...)...), []netip.Addr{v6, v6b}, true},
		"options without an end":       {ipv6(headerHopByHop, v6, headerRouting, 255, 0, 0, 0, 0, 0, 0), []netip.Addr{v6}, false},
		"something else":               {ether(0x9999, 1, 2, 3), nil, false},
	} {
		s, ok := Sight(c.frame)
		if !ok || s.MAC != mac || !slices.Equal(s.Addrs, c.want) || s.Claimed != c.claim {
			t.Errorf("%s: %v, %v; want addresses %v", name, s, ok, c.want)
		}
	}
	for name, c := range map[string]struct {
		frame []byte
		want  []netip.Addr
	}{
		"arp":           {arp(openflow.MAC{2, 9}, v4.As4()), []netip.Addr{v4}},
		"its own":       {arp(mac, v4.As4()), nil},
		"arp probe":     {arp(openflow.MAC{2, 9}, [4]byte{}), nil},
		"from a group":  {fromGroup(arp(mac, v4.As4())), []netip.Addr{v4}},
		"a packet":      {fromGroup(ether(etherTypeIPv4, ip...)), nil},
		"advertisement": {ipv6(protoICMPv6, v6, advertisement(v6b, openflow.MAC{2, 9})...), []netip.Addr{v6b}},
		"of a group":    {fromGroup(ipv6(protoICMPv6, v6, advertisement(v6b, mac)...)), []netip.Addr{v6b, v6}},
	} {
		if s, _ := Sight(c.frame); !slices.Equal(s.Foreign, c.want) {
			t.Errorf("%s: foreign addresses %v; want %v", name, s.Foreign, c.want)
		}
	}
	group := fromGroup(ether(etherTypeIPv4, ip...))
	if !Announces(ipv6(headerAuthentication, v6, append([]byte{protoICMPv6, 0, 7: 0}, advertisement(v6, mac)...)...)) || Announces(ipv6(6, v6)) {
		t.Error("an advertisement behind a header is none, or something else is one")
	}
	for _, frame := range [][]byte{nil, group[:13], group} {
		if s, ok := Sight(frame); ok {
			t.Errorf("%x passes for a host: %v", frame, s)
		}
	}
}

func fromGroup(frame []byte) []byte {
	frame[6] |= 1
	return frame
}

func FuzzSight(f *testing.F) {
	f.Add(arp(mac, [4]byte{10, 0, 0, 1}))
	f.Add(ipv6(protoICMPv6, netip.MustParseAddr("fe80::1"), advertisement(netip.MustParseAddr("fe80::2"), mac)...))
	p := NewProber([]byte("secret"))
	f.Add(p.Frame(port, mac, Near, t0))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if s, ok := Sight(frame); ok {
			for _, a := range s.Addrs {
				if a.IsMulticast() || a.IsUnspecified() {
					t.Fatalf("a host cannot be %v", a)
				}
			}
		}
		p.Origin(frame, t0)
	})
}

func TestScheduleProbesUndeterminedPortsMoreOften(t *testing.T) {
	snap := &topology.Snapshot{Switches: map[openflow.DPID]topology.Switch{
		1: {Connected: true, Ports: map[openflow.PortNo]topology.Port{
			1: {ID: topology.PortID{DPID: 1, Port: 1}, Up: true},
			2: {ID: topology.PortID{DPID: 1, Port: 2}, Up: true, Role: topology.Edge},
			3: {ID: topology.PortID{DPID: 1, Port: 3}},
		}},
		2: {Ports: map[openflow.PortNo]topology.Port{1: {ID: topology.PortID{DPID: 2, Port: 1}, Up: true}}},
	}}
	s := NewSchedule(ScheduleConfig{})
	counts := map[topology.PortID]int{}
	for i := range 20 {
		for _, p := range s.Due(snap, t0.Add(time.Duration(i)*100*time.Millisecond)) {
			counts[p.ID]++
		}
	}
	if len(counts) != 2 || counts[topology.PortID{DPID: 1, Port: 1}] != 10 || counts[topology.PortID{DPID: 1, Port: 2}] != 2 {
		t.Errorf("probes in 2 s: %v; want 10 of the undetermined port, 2 of the edge port, none of others", counts)
	}
}
