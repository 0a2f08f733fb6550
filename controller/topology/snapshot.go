package topology

import (
	"net/netip"
	"time"

	"conga/bitrate"
	"conga/openflow"
)

// A PortRole is what a port is for.
type PortRole uint8

// A port is Undetermined until probes have had the time to come back. Traffic
// that enters through an undetermined port is dropped, so that a cable between
// two switches is never mistaken for a host, not even for a moment.
const (
	Undetermined PortRole = iota
	Edge                  // no link behind it: hosts and routers attach here
	Trunk                 // a switch of ours is behind it
)

// String returns the name of the role.
func (r PortRole) String() string {
	switch r {
	case Edge:
		return "edge"
	case Trunk:
		return "trunk"
	}
	return "undetermined"
}

// A Port is one port of a switch.
type Port struct {
	ID       PortID
	Name     string
	MAC      openflow.MAC
	Up       bool // neither administratively down nor without carrier
	Role     PortRole
	Far      PortID       // the port behind a trunk, as far as it is known
	Capacity bitrate.Rate // configured, else as the port tells, else the default
	// FrameSize is how many bytes best-effort frames that leave there have, as
	// far as was learned; 0: not known.
	FrameSize int
	Queue     *uint32 // queue for allocated traffic, where one is configured
	Unqueued  bool    // the switch does not use that queue
	Storming  bool    // hosts behind it announce addresses without end
	Echoing   bool    // it brings many frames of hosts that are known elsewhere, as in a ring
	Crowded   bool    // more hosts are behind it than may be learned
	Static    bool    // an end of a link that is configured to be there without probes
	Trouble   Trouble // with the segment behind it
	Closed    bool    // for that trouble: nothing passes, and the role is Undetermined
	Shared    bool    // an edge port beside others of ours on its segment: hosts of the network are heard there, too
	Peer      PortID  // another port on the segment; External: none
}

// A Switch is one datapath.
type Switch struct {
	DPID         openflow.DPID
	Connected    bool // a session is up; a remembered switch is present but not connected
	Since        time.Time
	Role         openflow.Role // of this controller; RoleSlave: another is its master, and it is not connected
	Tables       uint8
	Meters       uint32 // how many meters it has room for, as far as is known; 0: none
	Lacks        Lacks
	Numbered     bool   // its meters have numbers of a range of its own, so that none stays there for a trial
	Unmetered    bool   // best effort is not held back here, though it is to be
	Unpoliced    uint32 // circuits that enter here are not held to their rates from this handle on; 0: all are
	Addr         string // remote address of its channel
	Desc         string // manufacturer, hardware and software in one line
	Ports        map[openflow.PortNo]Port
	QueuesSilent bool  // it does not say what the queues for allocated traffic send
	Barred       []Bar // what hosts may not announce, since others have it; by port

	// Fastest is the speed of its fastest port, FastestPort if one does not
	// tell its speed.
	Fastest bitrate.Rate

	// Limitations say, a sentence each, what the switch cannot do. They are
	// not changed.
	Limitations []string
}

// A Link is one directed link.
type Link struct {
	ID       LinkID
	Capacity bitrate.Rate
	Metric   uint32        // cost of a hop over this link; 1 unless configured
	Latency  time.Duration // as it is configured; 0: not known

	// Late reports whether one of its switches has not connected again since
	// the controller was out of reach, though others have. It is to be used
	// only where nothing else leads.
	Late bool

	// Drained reports whether the link, or one of its switches, is about to be
	// under maintenance or is. Best effort takes it only where nothing else
	// leads.
	Drained bool
}

// A Host is an end station, seen at an edge port.
type Host struct {
	MAC   openflow.MAC
	At    PortID
	Addrs []netip.Addr // ascending
	Seen  time.Time    // when it last said something that reached the controller
	Moved time.Time    // when it came to where it is

	// VLANs are those of the addresses that were heard in one. It is not
	// changed.
	VLANs map[netip.Addr]uint16 `json:",omitempty"`

	// Bound reports whether the configuration binds it to its port, so that it
	// may have addresses that were never heard.
	Bound bool `json:"-"`

	// VLAN is the only one in which this is the host with its address, since
	// another has it in all others; 0: it is not; or Untagged. Beside is where
	// that other one is; External: nowhere.
	VLAN   uint16 `json:",omitempty"`
	Beside PortID `json:",omitzero"`

	// Second is another port by which it sends, since it uses two network cards
	// at a time; External: none.
	Second PortID `json:",omitzero"`
}

// An Attachment is a prefix that the configuration places behind an edge port.
type Attachment struct {
	Prefix netip.Prefix
	At     PortID
	VLAN   uint16 // of the frames there, or Untagged; 0: it does not say
}

// A Snapshot is the network at one moment. It is immutable: it may be read for
// as long as it is held, and must not be written to. Consecutive snapshots
// share what is the same in both.
type Snapshot struct {
	Revision    uint64
	Time        time.Time
	Switches    map[openflow.DPID]Switch    // all that have connected since the start
	Links       map[PortID]Link             // trunk links that can carry traffic, by sending port
	Tree        map[PortID]bool             // trunk ports on the broadcast tree
	Hosts       Map[HostID, Host]           // learned
	Addrs       Map[netip.Addr, Attachment] // learned, one address each
	Attachments []Attachment                // configured, longest prefix first

	// Wiring is the revision at which something last changed that paths depend
	// on: which switches are connected, what their ports are, which links there
	// are.
	Wiring uint64
	// Delta is what differs from the snapshot of the revision before.
	Delta Delta

	located  *prefixTable // Attachments to search; nil: walk
	unplaced *addrTree    // those of Addrs that are in no attachment; nil: walk

	owners *Map[netip.Addr, HostID] // the hosts that have Addrs; nil: walk

	recent []Delta // of this snapshot, and of those before it; this one's last
}

func emptySnapshot() *Snapshot {
	return &Snapshot{Switches: map[openflow.DPID]Switch{}, Links: map[PortID]Link{}, Tree: map[PortID]bool{}}
}

// Port returns a port by its ID.
func (s *Snapshot) Port(id PortID) (Port, bool) {
	p, ok := s.Switches[id.DPID].Ports[id.Port]
	return p, ok
}

// Link returns the directed link with this ID: a trunk link between two
// switches, or one of the two access links of an edge port, which have the
// capacity of the port.
func (s *Snapshot) Link(id LinkID) (Link, bool) {
	if id.From != External && id.To != External {
		l, ok := s.Links[id.From]
		return l, ok && l.ID == id
	}
	at := id.From
	if at == External {
		at = id.To
	}
	p, ok := s.Port(at)
	if !ok || !p.Up || p.Role == Trunk || !s.Switches[at.DPID].Connected {
		return Link{}, false
	}
	return Link{ID: id, Capacity: p.Capacity}, true
}
