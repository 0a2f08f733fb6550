package openflow

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
}

// Type implements [Message].
func (*GroupMod) Type() Type { return TypeGroupMod }
