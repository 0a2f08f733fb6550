package purpose

import "conga/openflow"

// The identifiers of groups of ours. A group sends to the first of two ports
// that is up; its identifier says which.
const (
	FirstGroup openflow.GroupID = 0xc000_0000
	LastGroup  openflow.GroupID = 0xc3ff_ffff

	groupPortBits = 13
	groupPortMask = 1<<groupPortBits - 1
)

// GroupID returns the identifier of the group that sends to the first of two
// ports that is up. ok is false if there is none, because a port has too high a
// number.
func GroupID(first, second openflow.PortNo) (id openflow.GroupID, ok bool) {
	a, okA := groupPort(first)
	b, okB := groupPort(second)
	return FirstGroup | a<<groupPortBits | b, okA && okB
}

// GroupPorts returns the ports of a group of ours.
func GroupPorts(id openflow.GroupID) (first, second openflow.PortNo) {
	port := func(n openflow.GroupID) openflow.PortNo {
		if n &= groupPortMask; n == groupPortMask {
			return openflow.PortLocal
		}
		return openflow.PortNo(n)
	}
	return port(id >> groupPortBits), port(id)
}

// OurGroup reports whether a group is ours.
func OurGroup(id openflow.GroupID) bool { return id >= FirstGroup && id <= LastGroup }

func groupPort(no openflow.PortNo) (n openflow.GroupID, ok bool) {
	if no == openflow.PortLocal {
		return groupPortMask, true
	}
	return openflow.GroupID(no), no < groupPortMask
}
