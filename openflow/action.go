package openflow

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

// An Action does one thing to a packet (§7.2.5). Type says which of the other fields count. Actions are
// comparable with ==.
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

// Output sends the packet to port; to PortController at most maxLen bytes of it (§7.2.5).
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

// PushMPLS pushes an MPLS label of the given EtherType, 0x8847 or 0x8848 (§7.2.5).
func PushMPLS(etherType uint16) Action { return Action{Type: ActionPushMPLS, EtherType: etherType} }

// PopMPLS pops the outermost MPLS label; etherType is that of what it uncovers (§7.2.5).
func PopMPLS(etherType uint16) Action { return Action{Type: ActionPopMPLS, EtherType: etherType} }

// PushPBB pushes a PBB service instance header of the given EtherType, 0x88e7 (§7.2.5).
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
