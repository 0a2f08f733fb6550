package openflow

import (
	"encoding/binary"
	"slices"
)

// GroupModCommand is what a group mod does (§7.3.4.2).
type GroupModCommand uint16

// The group mod commands (§7.3.4.2).
const (
	GroupAdd    GroupModCommand = 0
	GroupModify GroupModCommand = 1
	GroupDelete GroupModCommand = 2
)

// GroupType says which buckets of a group act (§7.3.4.2).
type GroupType uint8

// The group types (§7.3.4.2).
const (
	GroupTypeAll      GroupType = 0 // every bucket
	GroupTypeSelect   GroupType = 1 // one, by the switch's choice and the weights
	GroupTypeIndirect GroupType = 2 // the only one
	GroupTypeFF       GroupType = 3 // the first live one: fast failover
)

var groupTypeNames = [...]string{"all", "select", "indirect", "fast failover"}

// String returns the type's name in lower case.
func (t GroupType) String() string { return enumName("group type", groupTypeNames[:], t) }

// A Bucket is one list of actions of a group (§7.3.4.2).
type Bucket struct {
	Weight     uint16  // share, in select groups; 0 elsewhere
	WatchPort  PortNo  // decides liveness, in fast failover groups; PortAny elsewhere
	WatchGroup GroupID // decides liveness, in fast failover groups; GroupAny elsewhere
	Actions    []Action
}

// GroupMod adds, changes or deletes a group (§7.3.4.2).
type GroupMod struct {
	Command   GroupModCommand
	GroupType GroupType
	ID        GroupID
	Buckets   []Bucket

	asSent
}

// Type implements [Message].
func (*GroupMod) Type() Type { return TypeGroupMod }

func parseGroupMod(c *cursor) Message {
	p := c.take(8, "group mod")
	if p == nil {
		return nil
	}
	c.zeros(p[3:4])
	return &GroupMod{
		Command:   GroupModCommand(binary.BigEndian.Uint16(p)),
		GroupType: GroupType(p[2]),
		ID:        GroupID(binary.BigEndian.Uint32(p[4:])),
		Buckets:   c.buckets(),
	}
}

func (m *GroupMod) appendBody(dst []byte) ([]byte, error) {
	dst, p := grow(dst, 8)
	binary.BigEndian.PutUint16(p, uint16(m.Command))
	p[2] = byte(m.GroupType)
	binary.BigEndian.PutUint32(p[4:], uint32(m.ID))
	return appendBuckets(dst, m.Buckets)
}

const bucketLen = 16 // without its actions

// buckets reads buckets up to the cursor's end.
func (c *cursor) buckets() (buckets []Bucket) {
	buckets = slices.Grow(buckets, c.ahead(0, bucketLen))
	for c.more() {
		outer, ok := c.enter("bucket", 0, bucketLen)
		if !ok {
			return nil
		}
		p := c.take(bucketLen, "bucket")
		c.zeros(p[12:])
		b := Bucket{
			Weight:     binary.BigEndian.Uint16(p[2:]),
			WatchPort:  PortNo(binary.BigEndian.Uint32(p[4:])),
			WatchGroup: GroupID(binary.BigEndian.Uint32(p[8:])),
			Actions:    c.actions(),
		}
		c.leave("bucket", outer)
		buckets = append(buckets, b)
	}
	return buckets
}

func appendBuckets(dst []byte, buckets []Bucket) ([]byte, error) {
	for i := range buckets {
		b := &buckets[i]
		start := len(dst)
		var p []byte
		dst, p = grow(dst, bucketLen)
		binary.BigEndian.PutUint16(p[2:], b.Weight)
		binary.BigEndian.PutUint32(p[4:], uint32(b.WatchPort))
		binary.BigEndian.PutUint32(p[8:], uint32(b.WatchGroup))
		var err error
		if dst, err = appendActions(dst, b.Actions); err != nil {
			return nil, err
		}
		if err := putLength(dst, start, 0, "bucket"); err != nil {
			return nil, err
		}
	}
	return dst, nil
}
