package openflow

import "encoding/binary"

// ActionType is the kind of an action (§7.2.5).
type ActionType uint16

// The action types (§7.2.5).
const (
	ActionOutput       ActionType = 0
	ActionCopyTTLOut   ActionType = 11
	ActionCopyTTLIn    ActionType = 12
	ActionSetMPLSTTL   ActionType = 15
	ActionDecMPLSTTL   ActionType = 16
	ActionPushVLAN     ActionType = 17
	ActionPopVLAN      ActionType = 18
	ActionPushMPLS     ActionType = 19
	ActionPopMPLS      ActionType = 20
	ActionSetQueue     ActionType = 21
	ActionGroup        ActionType = 22
	ActionSetNwTTL     ActionType = 23
	ActionDecNwTTL     ActionType = 24
	ActionSetField     ActionType = 25
	ActionPushPBB      ActionType = 26
	ActionPopPBB       ActionType = 27
	ActionExperimenter ActionType = 0xffff
)

// An Action does one thing to a packet (§7.2.5). Type says which of the other
// fields count. Actions are comparable with ==.
type Action struct {
	Type      ActionType
	MaxLen    uint16  // output to PortController: bytes to send, or MaxLenNoBuffer
	Port      PortNo  // output
	Group     GroupID // group
	Queue     uint32  // set queue
	EtherType uint16  // push, and pop MPLS
	TTL       uint8   // set TTL
	Field     OXM     // set field
	Raw       string  // experimenter and unknown types: what follows type and length, padding included
}

// Output sends the packet to port; to PortController at most maxLen bytes of it
// (§7.2.5).
func Output(port PortNo, maxLen uint16) Action {
	return Action{Type: ActionOutput, Port: port, MaxLen: maxLen}
}

// SetField writes a header field. The field must not be masked (§7.2.5).
func SetField(o OXM) Action { return Action{Type: ActionSetField, Field: o} }

// SetQueue chooses the queue of the output port (§7.2.5).
func SetQueue(queue uint32) Action { return Action{Type: ActionSetQueue, Queue: queue} }

// GroupAction hands the packet to a group (§7.2.5).
func GroupAction(g GroupID) Action { return Action{Type: ActionGroup, Group: g} }

// PushVLAN pushes a VLAN tag of the given EtherType, 0x8100 or 0x88a8 (§7.2.5).
func PushVLAN(etherType uint16) Action { return Action{Type: ActionPushVLAN, EtherType: etherType} }

// PopVLAN pops the outermost VLAN tag (§7.2.5).
func PopVLAN() Action { return Action{Type: ActionPopVLAN} }

// PushMPLS pushes an MPLS label of the given EtherType, 0x8847 or 0x8848
// (§7.2.5).
func PushMPLS(etherType uint16) Action { return Action{Type: ActionPushMPLS, EtherType: etherType} }

// PopMPLS pops the outermost MPLS label; etherType is that of what it uncovers
// (§7.2.5).
func PopMPLS(etherType uint16) Action { return Action{Type: ActionPopMPLS, EtherType: etherType} }

// PushPBB pushes a PBB service instance header of the given EtherType, 0x88e7
// (§7.2.5).
func PushPBB(etherType uint16) Action { return Action{Type: ActionPushPBB, EtherType: etherType} }

// PopPBB pops the outermost PBB service instance header (§7.2.5).
func PopPBB() Action { return Action{Type: ActionPopPBB} }

// SetNwTTL sets the IP TTL or hop limit (§7.2.5).
func SetNwTTL(ttl uint8) Action { return Action{Type: ActionSetNwTTL, TTL: ttl} }

// DecNwTTL takes one from the IP TTL or hop limit (§7.2.5).
func DecNwTTL() Action { return Action{Type: ActionDecNwTTL} }

// SetMPLSTTL sets the MPLS TTL (§7.2.5).
func SetMPLSTTL(ttl uint8) Action { return Action{Type: ActionSetMPLSTTL, TTL: ttl} }

// DecMPLSTTL takes one from the MPLS TTL (§7.2.5).
func DecMPLSTTL() Action { return Action{Type: ActionDecMPLSTTL} }

// CopyTTLIn copies the TTL from the outermost header to the next (§7.2.5).
func CopyTTLIn() Action { return Action{Type: ActionCopyTTLIn} }

// CopyTTLOut copies the TTL to the outermost header from the next (§7.2.5).
func CopyTTLOut() Action { return Action{Type: ActionCopyTTLOut} }

// actions reads actions up to the cursor's end.
func (c *cursor) actions() []Action {
	n := c.countTLVs("action", 8)
	if n == 0 {
		return nil
	}
	acts := c.acts.take(n)
	for i := range acts {
		c.action(&acts[i])
	}
	return acts
}

// countTLVs counts the elements, of type, length and a payload, up to the
// cursor's end, and checks that each has a length of a multiple of 8 that is at
// least least. It leaves the cursor where it was.
func (c *cursor) countTLVs(field string, least int) (n int) {
	if c.err != nil {
		return 0
	}
	for off := c.off; off < c.end; n++ {
		if c.end-off < 4 {
			c.fail(field, off, ErrShort)
			return 0
		}
		length := int(binary.BigEndian.Uint16(c.b[off+2:]))
		if length < least || length%8 != 0 {
			c.fail(field+" length", off+2, ErrLength)
			return 0
		}
		if length > c.end-off {
			c.fail(field, off, ErrShort)
			return 0
		}
		off += length
	}
	return n
}

// action reads one action, whose length countTLVs has checked, into a zero a.
func (c *cursor) action(a *Action) {
	if c.err != nil {
		return
	}
	start := c.off
	p := c.b[start:]
	n := int(binary.BigEndian.Uint16(p[2:]))
	p = p[:n:n]
	c.off += n
	a.Type = ActionType(binary.BigEndian.Uint16(p))
	want := 8
	word := binary.BigEndian.Uint32(p[4:])
	switch a.Type {
	case ActionOutput:
		want = 16
		if n == want {
			last := binary.BigEndian.Uint64(p[8:])
			a.Port = PortNo(word)
			a.MaxLen = uint16(last >> 48)
			c.odd |= last << 16
		}
	case ActionSetField:
		c.setField(a, start, n)
		return
	case ActionSetQueue:
		a.Queue = word
	case ActionGroup:
		a.Group = GroupID(word)
	case ActionPushVLAN, ActionPushMPLS, ActionPushPBB, ActionPopMPLS:
		a.EtherType = uint16(word >> 16)
		c.odd |= uint64(word << 16)
	case ActionSetNwTTL, ActionSetMPLSTTL:
		a.TTL = uint8(word >> 24)
		c.odd |= uint64(word << 8)
	case ActionPopVLAN, ActionPopPBB, ActionDecNwTTL, ActionDecMPLSTTL, ActionCopyTTLIn, ActionCopyTTLOut:
		c.odd |= uint64(word)
	default:
		a.Raw = string(p[4:])
		return
	}
	if n != want {
		c.fail("action length", start+2, ErrLength)
	}
}

// setField reads the field of a set field action of n bytes at start.
func (c *cursor) setField(a *Action, start, n int) {
	used := c.oxm(&a.Field, start+4, start+n)
	switch {
	case c.err != nil:
	case a.Field.wire[2]&1 != 0: // masked
		c.fail("set field mask", start+4, ErrValue)
	case 4+used+padding(4+used) != n:
		c.fail("action length", start+2, ErrLength)
	default:
		c.odd |= lastBytes(c.b[:start+n], padding(4+used))
	}
}

func appendActions(dst []byte, acts []Action) ([]byte, error) {
	var err error
	for i := range acts {
		a := &acts[i]
		if a.Type == ActionOutput { // most are
			dst = binary.BigEndian.AppendUint64(dst, uint64(ActionOutput)<<48|16<<32|uint64(a.Port))
			dst = binary.BigEndian.AppendUint64(dst, uint64(a.MaxLen)<<48)
			continue
		}
		switch a.Type {
		case ActionSetQueue:
			dst = appendShort(dst, a.Type, a.Queue)
		case ActionGroup:
			dst = appendShort(dst, a.Type, uint32(a.Group))
		case ActionPushVLAN, ActionPushMPLS, ActionPushPBB, ActionPopMPLS:
			dst = appendShort(dst, a.Type, uint32(a.EtherType)<<16)
		case ActionSetNwTTL, ActionSetMPLSTTL:
			dst = appendShort(dst, a.Type, uint32(a.TTL)<<24)
		case ActionPopVLAN, ActionPopPBB, ActionDecNwTTL, ActionDecMPLSTTL, ActionCopyTTLIn, ActionCopyTTLOut:
			dst = appendShort(dst, a.Type, 0)
		case ActionSetField:
			// Of most fields the payload has at most 8 bytes, and what follows
			// it in wire is zero.
			if n := a.Field.wire[3]; n-1 < 8 && a.Field.wire[2]&1 == 0 && a.Field.lengthOK() {
				dst = binary.BigEndian.AppendUint32(dst, uint32(ActionSetField)<<16|16)
				dst = append(dst, a.Field.wire[:oxmHeaderLen+8]...)
				continue
			}
			dst, err = a.appendSetField(dst)
		default:
			dst, err = a.appendUnknown(dst)
		}
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendShort appends an action of 8 bytes; word is what follows its type and
// length.
func appendShort(dst []byte, t ActionType, word uint32) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t)<<48|8<<32|uint64(word))
}

func (a *Action) appendSetField(dst []byte) ([]byte, error) {
	o := &a.Field
	switch {
	case o.wire[2]&1 != 0: // masked
		return nil, appendError("set field", ErrValue)
	case !o.lengthOK():
		return nil, o.lengthError()
	}
	start := len(dst)
	n := 4 + oxmHeaderLen + int(o.wire[3])
	dst = binary.BigEndian.AppendUint32(dst, uint32(ActionSetField)<<16|uint32(n+padding(n)))
	return appendPadding(o.appendRaw(dst), start), nil
}

func (a *Action) appendUnknown(dst []byte) ([]byte, error) {
	n := 4 + len(a.Raw)
	if n < 8 || n%8 != 0 || n > MaxLen {
		return nil, appendError("raw action", ErrLength)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(a.Type)<<16|uint32(n))
	return append(dst, a.Raw...), nil
}
