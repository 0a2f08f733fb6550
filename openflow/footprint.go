package openflow

import "unsafe"

// sizeOf returns the bytes of n values of type T, without what they point to.
func sizeOf[T any](n int) int { return n * int(unsafe.Sizeof(*new(T))) }

// Footprint returns about how many bytes of memory the elements of the reply
// take. It may be many times what they are on the wire, where an element of
// four bytes becomes a struct of a hundred. Strings and data, which are as long
// as on the wire, are not counted.
func (m *MultipartReply) Footprint() (n int) {
	switch b := m.Body.(type) {
	case FlowStatsReply:
		for i := range b {
			n += b[i].Footprint()
		}
	case TableStatsReply:
		n = sizeOf[TableStats](len(b))
	case PortStatsReply:
		n = sizeOf[PortStats](len(b))
	case PortDescReply:
		n = sizeOf[Port](len(b))
	case QueueStatsReply:
		n = sizeOf[QueueStats](len(b))
	case GroupStatsReply:
		n = sizeOf[GroupStats](len(b))
		for i := range b {
			n += sizeOf[BucketCounter](len(b[i].Buckets))
		}
	case GroupDescReply:
		n = sizeOf[GroupDesc](len(b))
		for i := range b {
			n += footprintOfBuckets(b[i].Buckets)
		}
	case MeterStatsReply:
		n = sizeOf[MeterCounters](len(b))
		for i := range b {
			n += sizeOf[BandCounter](len(b[i].Bands))
		}
	case MeterConfigReply:
		n = sizeOf[MeterConfig](len(b))
		for i := range b {
			n += sizeOf[MeterBand](len(b[i].Bands))
		}
	case TableFeaturesReply:
		n = sizeOf[TableFeatures](len(b))
		for i := range b {
			n += footprintOfProperties(b[i].Properties)
		}
	}
	return n
}

// Footprint returns about how many bytes of memory the entry takes.
func (s *FlowStats) Footprint() int {
	return sizeOf[FlowStats](1) + sizeOf[OXM](len(s.Match)) + footprintOfInstructions(s.Instructions)
}

func footprintOfInstructions(list []Instruction) int {
	n := sizeOf[Instruction](len(list))
	for i := range list {
		n += sizeOf[Action](len(list[i].Actions))
	}
	return n
}

func footprintOfBuckets(list []Bucket) int {
	n := sizeOf[Bucket](len(list))
	for i := range list {
		n += sizeOf[Action](len(list[i].Actions))
	}
	return n
}

func footprintOfProperties(list []TableProperty) int {
	n := sizeOf[TableProperty](len(list))
	for i := range list {
		p := &list[i]
		n += sizeOf[InstructionID](len(p.Instructions)) + sizeOf[ActionID](len(p.Actions)) +
			sizeOf[OXMID](len(p.Fields)) + len(p.Tables)
	}
	return n
}
