package ofswitch

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"conga/openflow"
)

// NetworkConfig describes a network. The zero value is useful.
type NetworkConfig struct {
	MaxHops  int    // switches a frame may cross before it is dropped; 0: 64
	MaxQueue int    // frames on their way at once, in the whole network; 0: 65536
	Seed     uint64 // of the losses
	Logger   *slog.Logger
}

// A Network is a set of switches and hosts connected by links. One goroutine carries all frames.
type Network struct{}

// NewNetwork returns an empty network. Close it.
func NewNetwork(cfg NetworkConfig) *Network { return &Network{} }

// Close ends the connections to the controller and stops all frames, and waits for both.
func (n *Network) Close() error { return nil }

// AddSwitch makes a switch. Two may have the same DPID.
func (n *Network) AddSwitch(cfg Config) *Switch { return nil }

// Switch returns the first switch with the DPID, nil if there is none.
func (n *Network) Switch(d openflow.DPID) *Switch { return nil }

// Switches returns all switches in the order they were added.
func (n *Network) Switches() []*Switch { return nil }

// Link connects two ports, adding those that are absent.
func (n *Network) Link(a *Switch, pa openflow.PortNo, b *Switch, pb openflow.PortNo, cfg LinkConfig) *Link {
	return nil
}

// LinkBetween returns the first link between two switches, in either direction, nil if there is none.
func (n *Network) LinkBetween(a, b openflow.DPID) *Link { return nil }

// Links returns all links, those of hosts among them, in the order they were added.
func (n *Network) Links() []*Link { return nil }

// AddHost attaches a host to a port, adding the port if it is absent.
func (n *Network) AddHost(name string, mac openflow.MAC, addrs []netip.Addr, s *Switch, port openflow.PortNo) *Host {
	return nil
}

// MoveHost attaches a host to another port; the old port's link goes down.
func (n *Network) MoveHost(h *Host, s *Switch, port openflow.PortNo) {}

// Host returns the host with the name, nil if there is none.
func (n *Network) Host(name string) *Host { return nil }

// Hosts returns all hosts in the order they were added.
func (n *Network) Hosts() []*Host { return nil }

// Run keeps every switch connected to the controller until ctx ends or Close. It returns at once.
func (n *Network) Run(ctx context.Context, addr string) {}

// WaitConnected waits until every switch is connected.
func (n *Network) WaitConnected(ctx context.Context) error { return nil }

// Settle waits until no frame is on its way.
func (n *Network) Settle(ctx context.Context) error { return nil }

// Stats returns what the network has counted.
func (n *Network) Stats() NetworkStats { return NetworkStats{} }

// NetworkStats count frames.
type NetworkStats struct {
	Delivered uint64 // link crossings
	Lost      uint64 // by a link's loss
	Down      uint64 // sent into a link that was cut
	Overflow  uint64 // a link's or the network's queue was full
	HopLimit  uint64 // crossed too many switches: a loop
}

// LinkConfig describes both directions of a link.
type LinkConfig struct {
	Capacity uint64        // bit/s; 0: unlimited, and told to the controller as 10 Gbit/s
	Delay    time.Duration // of propagation
	Loss     float64       // probability that a frame is lost, 0 to 1
	Queue    int           // bytes that may wait for the link; 0: 50 ms of its capacity, at least 64 kB
}

// A Link connects two ports, or a port and a host.
type Link struct{}

// Cut takes the link down; both ports see it.
func (l *Link) Cut() {}

// Restore brings a cut link up.
func (l *Link) Restore() {}

// Up reports whether the link is up.
func (l *Link) Up() bool { return true }

// Config returns the link's configuration.
func (l *Link) Config() LinkConfig { return LinkConfig{} }

// SetConfig changes the link for frames sent from now on. Loss of 1 makes it fail silently.
func (l *Link) SetConfig(cfg LinkConfig) {}

// Ends returns the link's ends; the second has DPID 0 where it is a host.
func (l *Link) Ends() (a, b End) { return }

// An End is one end of a link.
type End struct {
	DPID openflow.DPID
	Port openflow.PortNo
	Host string // the host's name, where the end is one
}

// A Hop is a switch that a frame crossed.
type Hop struct {
	DPID    openflow.DPID
	In, Out openflow.PortNo
}

// Received is a frame that reached a host.
type Received struct {
	At   time.Time
	Via  []Hop // since a host sent it, or the controller; see Host
	Data []byte
}

// A Host is a station with one Ethernet port that answers ARP, neighbour solicitations and pings. It takes
// every address to be on its link.
type Host struct{}

// Name returns the host's name.
func (h *Host) Name() string { return "" }

// MAC returns the host's Ethernet address.
func (h *Host) MAC() openflow.MAC { return openflow.MAC{} }

// Addr returns the host's first IPv4 address, or its first address if it has none.
func (h *Host) Addr() netip.Addr { return netip.Addr{} }

// Addrs returns all addresses.
func (h *Host) Addrs() []netip.Addr { return nil }

// Link returns the link the host hangs on.
func (h *Host) Link() *Link { return nil }

// At returns the switch and the port that the host hangs on.
func (h *Host) At() (*Switch, openflow.PortNo) { return nil, 0 }

// Send sends a frame as it is.
func (h *Host) Send(frame []byte) {}

// Recv returns a channel of all frames that reach the host from now on, of which it drops those that find
// the channel's buffer full. stop ends it.
func (h *Host) Recv(buffer int) (frames <-chan Received, stop func()) { return nil, nil }

// Handle has fn called for every frame that reaches the host, before the host's own handling; it returns
// true to have the host not handle it. fn must not block. nil ends it.
func (h *Host) Handle(fn func(Received) bool) {}

// Resolve finds the Ethernet address of dst by ARP or neighbour discovery.
func (h *Host) Resolve(ctx context.Context, dst netip.Addr) (openflow.MAC, error) {
	return openflow.MAC{}, nil
}

// Forget empties the table of resolved addresses.
func (h *Host) Forget() {}

// Announce sends a gratuitous ARP request or an unsolicited neighbour advertisement for each address.
func (h *Host) Announce() {}

// Ping resolves dst, sends an ICMP echo request and returns the round-trip time. It repeats the request
// every second until ctx ends.
func (h *Host) Ping(ctx context.Context, dst netip.Addr) (time.Duration, error) { return 0, nil }

// SendUDP resolves dst and sends datagrams at a rate until the duration is over or ctx ends.
func (h *Host) SendUDP(ctx context.Context, dst netip.AddrPort, t Traffic) (Volume, error) {
	return Volume{}, nil
}

// Got returns the datagrams received from src to the UDP port so far.
func (h *Host) Got(src netip.Addr, port uint16) Arrivals { return Arrivals{} }

// Stats returns what the host has counted.
func (h *Host) Stats() HostStats { return HostStats{} }

// Traffic describes a stream of datagrams.
type Traffic struct {
	Rate     uint64        // bit/s of frames
	Size     int           // bytes a frame, 60 to 9000; 0: 1000
	Duration time.Duration // 0: until ctx ends
	DSCP     uint8
	SrcPort  uint16 // 0: 40000
}

// A Volume is an amount of frames.
type Volume struct {
	Packets uint64
	Bytes   uint64
}

// Arrivals are the datagrams of one stream that reached a host.
type Arrivals struct {
	Volume
	First, Last time.Time
	Via         []Hop // of the last one
	DSCP        uint8 // of the last one
}

// Rate returns the mean rate in bit/s between the first and the last arrival.
func (a Arrivals) Rate() float64 { return 0 }

// HostStats count frames at a host.
type HostStats struct {
	Sent      Volume
	Received  Volume
	Foreign   Volume // of those received: sent to another host's address
	Broadcast Volume // of those received: sent to a broadcast or multicast address
}

// TopologyConfig describes a ready-made network.
type TopologyConfig struct {
	Network NetworkConfig
	Switch  Config     // of every switch; the DPID is 1, 2, …
	Trunk   LinkConfig // between switches
	Edge    LinkConfig // of hosts
	Hosts   int        // hosts a switch (an edge switch of a fat tree); 0: 1, negative: none
}

// Linear returns n switches in a row.
func Linear(n int, cfg TopologyConfig) *Network { return nil }

// Ring returns n switches in a ring.
func Ring(n int, cfg TopologyConfig) *Network { return nil }

// Diamond returns four switches: 1 and 4, which have the hosts, and 2 and 3, the two ways between them.
func Diamond(cfg TopologyConfig) *Network { return nil }

// FatTree returns a fat tree of switches with k ports, k even.
func FatTree(k int, cfg TopologyConfig) *Network { return nil }
