package ofswitch

import "conga/openflow"

// defaultAsync returns what Open vSwitch sends to a controller that has not
// asked for anything else.
func defaultAsync() openflow.AsyncConfig {
	const all = 1<<openflow.PortAdded | 1<<openflow.PortDeleted | 1<<openflow.PortModified
	return openflow.AsyncConfig{
		PacketIn:   [2]uint32{1<<openflow.PacketInNoMatch | 1<<openflow.PacketInAction, 0},
		PortStatus: [2]uint32{all, all},
		FlowRemoved: [2]uint32{1<<openflow.FlowRemovedIdleTimeout | 1<<openflow.FlowRemovedHardTimeout |
			1<<openflow.FlowRemovedDelete | 1<<openflow.FlowRemovedGroupDelete, 0},
	}
}

// wantsLocked reports whether the controller's role and its asynchronous
// configuration let m through (§6.3.5).
func (c *conn) wantsLocked(m openflow.Message) bool {
	which := 0
	if c.role == openflow.RoleSlave {
		which = 1
	}
	switch m := m.(type) {
	case *openflow.PacketIn:
		return c.async.PacketIn[which]&(1<<m.Reason) != 0
	case *openflow.PortStatus:
		return c.async.PortStatus[which]&(1<<m.Reason) != 0
	case *openflow.FlowRemoved:
		return c.async.FlowRemoved[which]&(1<<m.Reason) != 0
	}
	return true
}

// roleRequestLocked changes the controller's role. A new master makes the old
// one a slave, and generation IDs that go back are refused (§6.3.5).
func (c *conn) roleRequestLocked(m *openflow.RoleRequest) (openflow.Message, *openflow.Error) {
	s := c.s
	switch m.Role {
	case openflow.RoleNoChange:
	case openflow.RoleEqual:
		c.role = m.Role
	case openflow.RoleMaster, openflow.RoleSlave:
		if s.elected && int64(m.GenerationID-s.generation) < 0 {
			return nil, errStaleRole()
		}
		s.generation, s.elected = m.GenerationID, true
		if m.Role == openflow.RoleMaster {
			for other := range s.conns {
				if other.role == openflow.RoleMaster {
					other.role = openflow.RoleSlave
				}
			}
		}
		c.role = m.Role
	default:
		return nil, errBadRole()
	}
	reply := &openflow.RoleReply{Role: c.role, GenerationID: s.generation}
	if !s.elected {
		reply.GenerationID = ^uint64(0)
	}
	return reply, nil
}
