package openflow

import (
	"bytes"
	"fmt"
)

func (g generator) counter() uint64 { return g.Uint64() >> (1 + g.IntN(60)) }

func (g generator) printedGroupStats() printed {
	s := GroupStats{
		Group: GroupID(g.IntN(1000)), RefCount: g.Uint32(), PacketCount: g.counter(), ByteCount: g.counter(),
		DurationSec: g.Uint32(), DurationNsec: g.Uint32N(1e9),
	}
	text := fmt.Sprintf("\n group_id=%d,duration=%s,ref_count=%d,packet_count=%d,byte_count=%d",
		s.Group, durationText(s.DurationSec, s.DurationNsec), s.RefCount, s.PacketCount, s.ByteCount)
	for i := range g.IntN(4) {
		b := BucketCounter{PacketCount: g.counter(), ByteCount: g.counter()}
		s.Buckets = append(s.Buckets, b)
		text += fmt.Sprintf(",bucket%d:packet_count=%d,byte_count=%d", i, b.PacketCount, b.ByteCount)
	}
	return printed{NewMultipartReply(GroupStatsReply{s}), "OFPST_GROUP reply", text + "\n"}
}

// meter returns a meter and its text after the number.
func (g generator) meter() (flags MeterFlags, bands []MeterBand, text string) {
	flags = MeterKbps + MeterFlags(g.IntN(2)) // or MeterPktps
	text = [...]string{" kbps", " pktps"}[flags-1]
	burst := g.sometimes(2)
	if burst {
		flags |= MeterBurst
		text += " burst"
	}
	if g.sometimes(2) {
		flags |= MeterStats
		text += " stats"
	}
	text += " bands="
	for range g.IntN(4) {
		b := MeterBand{Type: MeterBandDrop, Rate: g.Uint32()}
		name := "drop"
		if g.sometimes(2) {
			b.Type, b.PrecLevel, name = MeterBandDSCPRemark, uint8(1+g.IntN(3)), "dscp_remark"
		}
		text += fmt.Sprintf("\ntype=%s rate=%d", name, b.Rate)
		if burst {
			b.BurstSize = g.Uint32()
			text += fmt.Sprintf(" burst_size=%d", b.BurstSize)
		}
		if b.Type == MeterBandDSCPRemark {
			text += fmt.Sprintf(" prec_level=%d", b.PrecLevel)
		}
		bands = append(bands, b)
	}
	return flags, bands, text + "\n"
}

func (g generator) printedMeter() printed {
	flags, bands, text := g.meter()
	m := &MeterMod{Command: MeterModCommand(g.IntN(2)), Flags: flags, ID: MeterID(1 + g.IntN(1000)), Bands: bands}
	return printed{m, "OFPT_METER_MOD", fmt.Sprintf(" %s meter=%d%s", [...]string{"ADD", "MOD"}[m.Command], m.ID, text)}
}

func (g generator) printedMeterConfig() printed {
	flags, bands, text := g.meter()
	c := MeterConfig{Flags: flags, Meter: MeterID(1 + g.IntN(1000)), Bands: bands}
	return printed{NewMultipartReply(MeterConfigReply{c}), "OFPST_METER_CONFIG reply", fmt.Sprintf("\nmeter=%d%s", c.Meter, text)}
}

func (g generator) printedMeterStats() printed {
	s := MeterCounters{
		Meter: MeterID(g.IntN(1000)), FlowCount: g.Uint32(), PacketInCount: g.counter(), ByteInCount: g.counter(),
		DurationSec: g.Uint32(), DurationNsec: g.Uint32N(1e9),
	}
	text := fmt.Sprintf("\nmeter:%d flow_count:%d packet_in_count:%d byte_in_count:%d duration:%s bands:\n",
		s.Meter, s.FlowCount, s.PacketInCount, s.ByteInCount, durationText(s.DurationSec, s.DurationNsec))
	for i := range g.IntN(4) {
		b := BandCounter{PacketCount: g.counter(), ByteCount: g.counter()}
		s.Bands = append(s.Bands, b)
		text += fmt.Sprintf("%d: packet_count:%d byte_count:%d\n", i, b.PacketCount, b.ByteCount)
	}
	return printed{NewMultipartReply(MeterStatsReply{s}), "OFPST_METER reply", text}
}

func (g generator) printedPacketIn() printed {
	m := &PacketIn{
		BufferID: NoBuffer, Reason: PacketInReason(g.IntN(3)), Table: TableID(1 + g.IntN(200)),
		Cookie: Cookie(g.Uint64()>>1 + 1), Match: Match{InPort(g.port())}, Data: bytes.Repeat([]byte{byte(g.Uint32())}, 14+g.IntN(1500)),
	}
	m.TotalLen = uint16(len(m.Data))
	m.Data[12], m.Data[13] = 0x88, 0xb5 // an EtherType for experiments, which ovs-ofctl does not look into
	text := fmt.Sprintf(" table_id=%d cookie=%#x total_len=%d ", m.Table, uint64(m.Cookie), m.TotalLen)
	if g.sometimes(3) {
		m.Match = append(m.Match, Metadata(1+g.Uint64()>>1, ^uint64(0)))
	}
	text += m.Match.String() + [...]string{" (via no_match)", " (via action)", " (via invalid_ttl)"}[m.Reason]
	text += fmt.Sprintf(" data_len=%d", len(m.Data))
	return printed{m, "OFPT_PACKET_IN", text + " (unbuffered)\n"}
}

func (g generator) printedPacketOut() printed {
	m := &PacketOut{BufferID: g.Uint32() >> 1, InPort: PortController}
	if g.sometimes(2) {
		m.InPort = g.port()
	}
	if !g.sometimes(5) {
		m.Actions = g.actions(nil, 4)
	}
	text := fmt.Sprintf(" in_port=%v actions=%s", m.InPort, actionsText(m.Actions))
	if g.sometimes(2) {
		return printed{m, "OFPT_PACKET_OUT", fmt.Sprintf("%s buffer=0x%08x\n", text, m.BufferID)}
	}
	m.BufferID, m.Data = NoBuffer, make([]byte, 14+g.IntN(1500))
	return printed{m, "OFPT_PACKET_OUT", fmt.Sprintf("%s data_len=%d\n", text, len(m.Data))}
}

func (g generator) printedPortStats() printed {
	s := PortStats{Port: g.port(), DurationSec: g.Uint32(), DurationNsec: g.Uint32N(1e9)}
	for _, c := range s.counters() {
		*c = g.counter()
	}
	text := fmt.Sprintf(" 1 ports\n  port %2d: rx pkts=%d, bytes=%d, drop=%d, errs=%d, frame=%d, over=%d, crc=%d\n"+
		"           tx pkts=%d, bytes=%d, drop=%d, errs=%d, coll=%d\n           duration=%s\n",
		s.Port, s.RxPackets, s.RxBytes, s.RxDropped, s.RxErrors, s.RxFrameErr, s.RxOverErr, s.RxCRCErr,
		s.TxPackets, s.TxBytes, s.TxDropped, s.TxErrors, s.Collisions, durationText(s.DurationSec, s.DurationNsec))
	return printed{NewMultipartReply(PortStatsReply{s}), "OFPST_PORT reply", text}
}

func (g generator) printedQueueStats() printed {
	s := QueueStats{
		Port: g.port(), Queue: g.Uint32() >> 1, TxBytes: g.counter(), TxPackets: g.counter(), TxErrors: g.counter(),
		DurationSec: g.Uint32() >> 1, DurationNsec: g.Uint32N(1e9),
	}
	text := fmt.Sprintf(" 1 queues\n  port %d queue %d: bytes=%d, pkts=%d, errors=%d, duration=%s\n",
		s.Port, s.Queue, s.TxBytes, s.TxPackets, s.TxErrors, durationText(s.DurationSec, s.DurationNsec))
	return printed{NewMultipartReply(QueueStatsReply{s}), "OFPST_QUEUE reply", text}
}

func (g generator) printedAggregate() printed {
	s := &AggregateStatsReply{PacketCount: g.counter(), ByteCount: g.counter(), FlowCount: g.Uint32()}
	return printed{NewMultipartReply(s), "OFPST_AGGREGATE reply",
		fmt.Sprintf(" packet_count=%d byte_count=%d flow_count=%d\n", s.PacketCount, s.ByteCount, s.FlowCount)}
}

func (g generator) printedRole() printed {
	m := &RoleRequest{Role: Role(g.IntN(4)), GenerationID: g.Uint64() >> 1}
	text := " role=" + [...]string{"nochange", "equal", "primary", "secondary"}[m.Role]
	if m.Role >= RoleMaster {
		text += fmt.Sprintf(" generation_id=%d", m.GenerationID)
	}
	return printed{m, "OFPT_ROLE_REQUEST", text}
}

func (g generator) printedPortMod() printed {
	m := &PortMod{PortNo: g.port(), HWAddr: g.mac(), Config: PortConfigDown, Mask: PortConfigDown | PortConfigNoRecv}
	return printed{m, "OFPT_PORT_MOD", fmt.Sprintf(" port: %d: addr:%v\n     config: PORT_DOWN\n     mask:   PORT_DOWN NO_RECV\n",
		m.PortNo, m.HWAddr)}
}

func (g generator) printedBundle() printed {
	flow := g.flow()
	add := &BundleAdd{ID: g.Uint32(), Flags: BundleAtomic | BundleOrdered, XID: 0x42, Message: flow}
	m, err := add.Experimenter()
	if err != nil {
		panic(err)
	}
	return printed{m, "ONFT_BUNDLE_ADD_MESSAGE", fmt.Sprintf("\n bundle_id=%#x flags=atomic ordered\n", add.ID)}
}
