package openflow

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// fieldNames are the names that ParseMatch and set_field know, beside the
// specification's.
var fieldNames = map[string]Field{
	"dl_src": FieldEthSrc, "dl_dst": FieldEthDst, "dl_type": FieldEthType, "nw_src": FieldIPv4Src,
	"nw_dst": FieldIPv4Dst, "ip_src": FieldIPv4Src, "ip_dst": FieldIPv4Dst, "nw_proto": FieldIPProto,
	"nw_ecn": FieldIPECN, "tun_id": FieldTunnelID, "ipv6_label": FieldIPv6FLabel, "nd_target": FieldIPv6NDTarget,
	"nd_sll": FieldIPv6NDSLL, "nd_tll": FieldIPv6NDTLL, "dl_vlan_pcp": FieldVLANPCP,
}

func init() {
	for f := range fields {
		fieldNames[fields[f].name] = Field(f)
	}
}

// errTOS refuses a nw_tos that is more than a DSCP.
var errTOS = errors.New("bits 0 and 1 belong to nw_ecn")

// ParseMatch reads a match in the syntax of ovs-ofctl, such as
// "tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80". The result has passed Check and
// is canonical, but for the order of its fields: they come in the order in
// which ovs-ofctl sends them.
func ParseMatch(text string) (Match, error) {
	p := matchParser{}
	for _, word := range strings.FieldsFunc(text, isSeparator) {
		key, value, hasValue := strings.Cut(word, "=")
		if err := p.add(key, value, hasValue); err != nil {
			return nil, fmt.Errorf("openflow: match %q: %w", word, err)
		}
	}
	return p.finish()
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// matchParser gathers fields. Those whose meaning depends on the protocol wait
// for the end, because the protocol may come later in the text.
type matchParser struct {
	match Match
	later []laterField
}

type laterField struct{ key, value string }

func (p *matchParser) add(key, value string, hasValue bool) error {
	if !hasValue {
		for _, w := range protocols {
			if w.word != key {
				continue
			}
			p.match = append(p.match, EthType(w.ether))
			if w.proto != 0 {
				p.match = append(p.match, IPProto(w.proto))
			}
			return nil
		}
		return fmt.Errorf("neither a protocol nor a field with a value")
	}
	switch key {
	case "tp_src", "tp_dst", "icmp_type", "icmp_code", "dl_vlan_pcp", "vlan_pcp":
		p.later = append(p.later, laterField{key, value})
		return nil
	case "dl_vlan":
		return p.vlan(value)
	case "vlan_tci":
		return p.tci(value)
	case "nw_tos", "ip_dscp":
		v, err := strconv.ParseUint(value, 0, 8)
		if key == "nw_tos" {
			if v&3 != 0 {
				return errTOS
			}
			v >>= 2
		}
		p.match = append(p.match, IPDSCP(uint8(v)))
		return err
	}
	f, ok := fieldNames[key]
	if !ok {
		return fmt.Errorf("unknown field")
	}
	o, err := parseField(f, value)
	p.match = append(p.match, o)
	return err
}

func (p *matchParser) vlan(value string) error {
	v, err := strconv.ParseUint(value, 0, 16)
	switch {
	case err != nil:
		return err
	case v == 0xffff:
		p.match = append(p.match, VLANNone())
	case v > uint64(vlanIDMask):
		return ErrWidth
	default:
		p.match = append(p.match, VLANVID(uint16(v)))
	}
	return nil
}

// tci takes a whole VLAN tag apart, of which OpenFlow can match the ID with any
// mask but the priority only as a whole.
func (p *matchParser) tci(value string) error {
	text, maskText, masked := strings.Cut(value, "/")
	v, err := strconv.ParseUint(text, 0, 16)
	mask := uint64(0xffff)
	if err == nil && masked {
		mask, err = strconv.ParseUint(maskText, 0, 16)
	}
	if err != nil {
		return err
	}
	tci, bits := uint16(v), uint16(mask)
	pcp := bits & vlanPCPMask
	if bits&VLANPresent != 0 && tci&VLANPresent == 0 {
		pcp = 0 // there is no tag, and so no priority
	}
	if pcp != 0 && (pcp != vlanPCPMask || bits&VLANPresent == 0) {
		return fmt.Errorf("the priority can be matched only whole, and with the present bit")
	}
	bits &= VLANPresent | vlanIDMask
	if bits != 0 {
		p.match = append(p.match, VLANVIDMasked(tci&bits, bits))
	}
	if pcp != 0 {
		p.match = append(p.match, VLANPCP(uint8(tci>>vlanPCPShift)))
	}
	return nil
}

// finish resolves the fields that wait for their protocol, and checks the
// whole.
func (p *matchParser) finish() (Match, error) {
	for _, l := range p.later {
		f, err := p.match.resolve(l.key)
		var o OXM
		if err == nil {
			o, err = parseField(f, l.value)
		}
		if err != nil {
			return nil, fmt.Errorf("openflow: match %q: %w", l.key+"="+l.value, err)
		}
		if _, ok := p.match.Get(FieldVLANVID); f == FieldVLANPCP && !ok {
			p.match = append(p.match, VLANAny())
		}
		p.match = append(p.match, o)
	}
	m := p.match.Canonical()
	if err := m.Check(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(m, func(a, b OXM) int { return cmp.Compare(sendRanks[a.Field()], sendRanks[b.Field()]) })
	return m, nil
}

// sendRanks says where ovs-ofctl sends a field in a match.
var sendRanks = func() (ranks [len(fields)]int) {
	for i, f := range [...]Field{
		FieldInPort, FieldInPhyPort, FieldEthSrc, FieldEthDst, FieldEthType, FieldVLANVID, FieldVLANPCP,
		FieldMPLSTC, FieldMPLSBOS, FieldMPLSLabel, FieldIPv4Src, FieldIPv4Dst, FieldIPv6Src, FieldIPv6Dst,
		FieldIPDSCP, FieldIPECN, FieldIPv6FLabel, FieldIPProto, FieldTCPSrc, FieldTCPDst, FieldUDPSrc, FieldUDPDst,
		FieldSCTPSrc, FieldSCTPDst, FieldICMPv4Type, FieldICMPv4Code, FieldICMPv6Type, FieldICMPv6Code,
		FieldIPv6NDTarget, FieldIPv6NDSLL, FieldIPv6NDTLL, FieldARPOp, FieldARPSPA, FieldARPTPA, FieldARPSHA,
		FieldARPTHA, FieldPBBISID, FieldIPv6ExtHdr, FieldTunnelID, FieldMetadata,
	} {
		ranks[f] = i
	}
	return ranks
}()

// resolve returns the field that a name means in the match's protocol.
func (m Match) resolve(key string) (Field, error) {
	pick := func(tcp, udp, sctp Field) (Field, error) {
		switch {
		case m.has(FieldIPProto, protoTCP):
			return tcp, nil
		case m.has(FieldIPProto, protoUDP):
			return udp, nil
		case m.has(FieldIPProto, protoSCTP):
			return sctp, nil
		}
		return 0, ErrPrerequisite
	}
	six := m.has(FieldEthType, etherIPv6)
	switch key {
	case "tp_src":
		return pick(FieldTCPSrc, FieldUDPSrc, FieldSCTPSrc)
	case "tp_dst":
		return pick(FieldTCPDst, FieldUDPDst, FieldSCTPDst)
	case "icmp_type":
		if six {
			return FieldICMPv6Type, nil
		}
		return FieldICMPv4Type, nil
	case "icmp_code":
		if six {
			return FieldICMPv6Code, nil
		}
		return FieldICMPv4Code, nil
	}
	return FieldVLANPCP, nil
}

// parseField reads a value, and a mask behind a slash, of a standard field.
func parseField(f Field, text string) (OXM, error) {
	valueText, maskText, masked := strings.Cut(text, "/")
	value, err := f.parseValue(valueText)
	if err != nil || !masked {
		return NewOXM(OXMClassBasic, uint8(f), value, nil), err
	}
	var mask []byte
	if n, convErr := strconv.Atoi(maskText); convErr == nil && isAddr(f) {
		if n < 0 || n > 8*f.Len() {
			return OXM{}, fmt.Errorf("prefix length %d", n)
		}
		mask = make([]byte, f.Len())
		for i := range n {
			mask[i/8] |= 0x80 >> (i % 8)
		}
	} else if mask, err = f.parseValue(maskText); err != nil {
		return OXM{}, err
	}
	for i := range value {
		value[i] &= mask[i]
	}
	return NewOXM(OXMClassBasic, uint8(f), value, mask), nil
}

// parseValue reads value or mask bytes of the field.
func (f Field) parseValue(text string) ([]byte, error) {
	n := f.Len()
	switch {
	case isAddr(f):
		a, err := netip.ParseAddr(text)
		if err != nil || a.BitLen() != 8*n || a.Zone() != "" {
			return nil, fmt.Errorf("not an address of %d bytes", n)
		}
		return a.AsSlice(), nil
	case n == len(MAC{}):
		m, err := ParseMAC(text)
		return m[:], err
	}
	var v uint64
	var err error
	if f == FieldInPort || f == FieldInPhyPort {
		var p PortNo
		p, err = ParsePortNo(text)
		v = uint64(p)
	} else {
		v, err = strconv.ParseUint(text, 0, 64)
	}
	if err != nil {
		return nil, err
	}
	if bits := fields[f].bits; v>>(bits-1)>>1 != 0 {
		return nil, ErrWidth
	}
	b := binary.BigEndian.AppendUint64(nil, v)
	return b[8-n:], nil
}

// ParsePortNo reads a port number, or the name of a reserved port in upper or
// lower case.
func ParsePortNo(text string) (PortNo, error) {
	for p := PortInPort; p != 0; p++ {
		if strings.EqualFold(p.String(), text) {
			return p, nil
		}
	}
	v, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("openflow: port %q is neither a number nor a reserved name", text)
	}
	return PortNo(v), nil
}
