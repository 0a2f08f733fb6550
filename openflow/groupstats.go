package openflow

import (
	"encoding/binary"
	"slices"
)

// GroupStatsRequest asks for the counters of a group (§7.3.5.9).
type GroupStatsRequest struct {
	Group GroupID // GroupAll: of all groups
}

// GroupStatsReply lists group counters (§7.3.5.9).
type GroupStatsReply []GroupStats

// GroupStats are the counters of one group (§7.3.5.9).
type GroupStats struct {
	Group        GroupID
	RefCount     uint32 // flow entries and groups that use it
	PacketCount  uint64
	ByteCount    uint64
	DurationSec  uint32 // whole seconds it has lived
	DurationNsec uint32 // nanoseconds beyond those
	Buckets      []BucketCounter
}

// A BucketCounter counts what one bucket did (§7.3.5.9).
type BucketCounter struct {
	PacketCount uint64
	ByteCount   uint64
}

// GroupDescReply lists groups and their buckets (§7.3.5.10).
type GroupDescReply []GroupDesc

// GroupDesc is one group and its buckets (§7.3.5.10).
type GroupDesc struct {
	GroupType GroupType
	Group     GroupID
	Buckets   []Bucket
}

// GroupCapabilities are what a switch's groups can do (§7.3.5.11).
type GroupCapabilities uint32

// The group capability bits (§7.3.5.11).
const (
	GroupCapSelectWeight   GroupCapabilities = 1 << 0
	GroupCapSelectLiveness GroupCapabilities = 1 << 1
	GroupCapChaining       GroupCapabilities = 1 << 2 // groups can use groups
	GroupCapChainingChecks GroupCapabilities = 1 << 3 // and loops are refused
)

// GroupFeatures is what a switch's groups can do. The arrays are indexed by
// GroupType (§7.3.5.11).
type GroupFeatures struct {
	Types        uint32 // bit n: GroupType n
	Capabilities GroupCapabilities
	MaxGroups    [4]uint32
	Actions      [4]uint32 // bit n: ActionType n
}

func (*GroupStatsRequest) requestType() MultipartType { return MultipartGroup }

func (GroupStatsReply) replyType() MultipartType { return MultipartGroup }

func (GroupDescReply) replyType() MultipartType { return MultipartGroupDesc }

func (*GroupFeatures) replyType() MultipartType { return MultipartGroupFeatures }

func (r *GroupStatsRequest) appendRequest(dst []byte) ([]byte, error) {
	return appendPaddedID(dst, uint32(r.Group)), nil
}

const groupStatsLen = 40 // without bucket counters

func parseGroupStats(c *cursor) (r GroupStatsReply) {
	r = slices.Grow(r, c.ahead(0, groupStatsLen))
	for c.more() {
		outer, ok := c.enter("group stats", 0, groupStatsLen)
		if !ok {
			return nil
		}
		p := c.take(groupStatsLen, "group stats")
		c.zeros(p[2:4])
		c.zeros(p[12:16])
		s := GroupStats{
			Group:        GroupID(binary.BigEndian.Uint32(p[4:])),
			RefCount:     binary.BigEndian.Uint32(p[8:]),
			PacketCount:  binary.BigEndian.Uint64(p[16:]),
			ByteCount:    binary.BigEndian.Uint64(p[24:]),
			DurationSec:  binary.BigEndian.Uint32(p[32:]),
			DurationNsec: binary.BigEndian.Uint32(p[36:]),
		}
		s.Buckets = slices.Grow(s.Buckets, c.left()/16)
		for c.more() {
			packets, bytes := c.counterPair("bucket counter")
			s.Buckets = append(s.Buckets, BucketCounter{PacketCount: packets, ByteCount: bytes})
		}
		c.leave("group stats", outer)
		r = append(r, s)
	}
	return r
}

// counterPair reads two 64-bit counters.
func (c *cursor) counterPair(field string) (packets, bytes uint64) {
	p := c.take(16, field)
	if p == nil {
		return 0, 0
	}
	return binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:])
}

func (r GroupStatsReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		s := &r[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, groupStatsLen)
		binary.BigEndian.PutUint32(p[4:], uint32(s.Group))
		binary.BigEndian.PutUint32(p[8:], s.RefCount)
		binary.BigEndian.PutUint64(p[16:], s.PacketCount)
		binary.BigEndian.PutUint64(p[24:], s.ByteCount)
		binary.BigEndian.PutUint32(p[32:], s.DurationSec)
		binary.BigEndian.PutUint32(p[36:], s.DurationNsec)
		for _, b := range s.Buckets {
			dst = binary.BigEndian.AppendUint64(dst, b.PacketCount)
			dst = binary.BigEndian.AppendUint64(dst, b.ByteCount)
		}
		if err := putLength(dst, start, 0, "group stats"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func parseGroupDesc(c *cursor) (r GroupDescReply) {
	r = slices.Grow(r, c.ahead(0, 8))
	for c.more() {
		outer, ok := c.enter("group description", 0, 8)
		if !ok {
			return nil
		}
		p := c.take(8, "group description")
		c.zeros(p[3:4])
		r = append(r, GroupDesc{
			GroupType: GroupType(p[2]),
			Group:     GroupID(binary.BigEndian.Uint32(p[4:])),
			Buckets:   c.buckets(),
		})
		c.leave("group description", outer)
	}
	return r
}

func (r GroupDescReply) appendReply(dst []byte) ([]byte, error) {
	for i := range r {
		d := &r[i]
		start := len(dst)
		dst = append(dst, 0, 0, byte(d.GroupType), 0)
		dst = binary.BigEndian.AppendUint32(dst, uint32(d.Group))
		var err error
		if dst, err = appendBuckets(dst, d.Buckets); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 0, "group description"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func parseGroupFeatures(c *cursor) *GroupFeatures {
	p := c.take(40, "group features")
	if p == nil {
		return nil
	}
	f := &GroupFeatures{
		Types:        binary.BigEndian.Uint32(p),
		Capabilities: GroupCapabilities(binary.BigEndian.Uint32(p[4:])),
	}
	for i := range f.MaxGroups {
		f.MaxGroups[i] = binary.BigEndian.Uint32(p[8+4*i:])
		f.Actions[i] = binary.BigEndian.Uint32(p[24+4*i:])
	}
	return f
}

func (f *GroupFeatures) appendReply(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 40)
	binary.BigEndian.PutUint32(p, f.Types)
	binary.BigEndian.PutUint32(p[4:], uint32(f.Capabilities))
	for i := range f.MaxGroups {
		binary.BigEndian.PutUint32(p[8+4*i:], f.MaxGroups[i])
		binary.BigEndian.PutUint32(p[24+4*i:], f.Actions[i])
	}
	return dst, nil
}
