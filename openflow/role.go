package openflow

import "encoding/binary"

// Role is what a controller is to a switch (§7.3.9).
type Role uint32

// The controller roles (§7.3.9).
const (
	RoleNoChange Role = 0 // only asks
	RoleEqual    Role = 1
	RoleMaster   Role = 2
	RoleSlave    Role = 3
)

var roleNames = [...]string{"no change", "equal", "master", "slave"}

// String returns the role's name in lower case.
func (r Role) String() string { return enumName("role", roleNames[:], r) }

// RoleRequest asks for a role (§7.3.9).
type RoleRequest struct {
	Role         Role
	GenerationID uint64 // of the master election; older ones are refused

	asSent
}

// RoleReply tells the controller its role (§7.3.9).
type RoleReply struct {
	Role         Role
	GenerationID uint64

	asSent
}

// AsyncConfig says which asynchronous messages this controller gets. Each pair
// holds the mask for the roles equal and master, then for the role slave; bit n
// stands for reason n (§7.3.10).
type AsyncConfig struct {
	PacketIn    [2]uint32 // by PacketInReason
	PortStatus  [2]uint32 // by PortReason
	FlowRemoved [2]uint32 // by FlowRemovedReason
}

// GetAsyncRequest asks for the asynchronous configuration (§7.3.10).
type GetAsyncRequest struct{}

// GetAsyncReply answers a get async request (§7.3.10).
type GetAsyncReply struct{ AsyncConfig }

// SetAsync sets the asynchronous configuration; there is no reply (§7.3.10).
type SetAsync struct{ AsyncConfig }

// Type implements [Message].
func (*RoleRequest) Type() Type { return TypeRoleRequest }

// Type implements [Message].
func (*RoleReply) Type() Type { return TypeRoleReply }

// Type implements [Message].
func (*GetAsyncRequest) Type() Type { return TypeGetAsyncRequest }

// Type implements [Message].
func (*GetAsyncReply) Type() Type { return TypeGetAsyncReply }

// Type implements [Message].
func (*SetAsync) Type() Type { return TypeSetAsync }

func parseRole(c *cursor) (Role, uint64) {
	p := c.take(16, "role")
	if p == nil {
		return 0, 0
	}
	c.zeros(p[4:8])
	return Role(binary.BigEndian.Uint32(p)), binary.BigEndian.Uint64(p[8:])
}

func appendRole(dst []byte, role Role, generation uint64) []byte {
	dst, p := grow(dst, 16)
	binary.BigEndian.PutUint32(p, uint32(role))
	binary.BigEndian.PutUint64(p[8:], generation)
	return dst
}

func (m *RoleRequest) appendBody(dst []byte) ([]byte, error) {
	return appendRole(dst, m.Role, m.GenerationID), nil
}

func (m *RoleReply) appendBody(dst []byte) ([]byte, error) {
	return appendRole(dst, m.Role, m.GenerationID), nil
}

func parseAsync(c *cursor) (a AsyncConfig) {
	p := c.take(24, "asynchronous configuration")
	if p == nil {
		return AsyncConfig{}
	}
	for i := range 2 {
		a.PacketIn[i] = binary.BigEndian.Uint32(p[4*i:])
		a.PortStatus[i] = binary.BigEndian.Uint32(p[8+4*i:])
		a.FlowRemoved[i] = binary.BigEndian.Uint32(p[16+4*i:])
	}
	return a
}

func (a *AsyncConfig) append(dst []byte) []byte {
	dst, p := grow(dst, 24)
	for i := range 2 {
		binary.BigEndian.PutUint32(p[4*i:], a.PacketIn[i])
		binary.BigEndian.PutUint32(p[8+4*i:], a.PortStatus[i])
		binary.BigEndian.PutUint32(p[16+4*i:], a.FlowRemoved[i])
	}
	return dst
}

func (*GetAsyncRequest) appendBody(dst []byte) ([]byte, error) { return dst, nil }

func (m *GetAsyncReply) appendBody(dst []byte) ([]byte, error) { return m.append(dst), nil }

func (m *SetAsync) appendBody(dst []byte) ([]byte, error) { return m.append(dst), nil }
