package ofswitch

import (
	"fmt"
	"net/netip"

	"conga/openflow"
)

// TopologyConfig describes a ready-made network.
//
// Switches have the DPIDs 1, 2, …; hosts are called h1, h2, … with the MACs
// 02:00:00:00:00:01, … and the addresses 10.0.0.1, … and fd00::1, … A switch's
// hosts are on its first ports.
type TopologyConfig struct {
	Network NetworkConfig
	Switch  Config          // of every switch, but for the DPID
	Trunk   LinkConfig      // between switches
	Edge    LinkConfig      // of hosts
	Hosts   int             // hosts a switch; 0: 1, negative: none. A fat tree has k/2 an edge switch instead
	Ports   openflow.PortNo // by which the numbers of all ports are higher
}

// A builder makes a network, numbering what it adds.
type builder struct {
	*Network
	cfg  TopologyConfig
	next map[*Switch]openflow.PortNo // free port
}

func newBuilder(cfg TopologyConfig) *builder {
	return &builder{Network: NewNetwork(cfg.Network), cfg: cfg, next: map[*Switch]openflow.PortNo{}}
}

// add adds a switch with so many hosts.
func (b *builder) add(hosts int) *Switch {
	cfg := b.cfg.Switch
	cfg.DPID = openflow.DPID(len(b.switches) + 1)
	s := b.AddSwitch(cfg)
	for range hosts {
		mac, addrs := HostAddrs(len(b.hosts) + 1)
		b.addHost(fmt.Sprintf("h%d", len(b.hosts)+1), mac, addrs, s, b.port(s), b.cfg.Edge)
	}
	return s
}

// HostAddrs returns the MAC and the IPv4 and IPv6 address of host number i of a
// ready-made network, 1 to 65,535.
func HostAddrs(i int) (openflow.MAC, []netip.Addr) {
	hi, lo := byte(i>>8), byte(i)
	return openflow.MAC{2, 0, 0, 0, hi, lo}, []netip.Addr{
		netip.AddrFrom4([4]byte{10, 0, hi, lo}),
		netip.AddrFrom16([16]byte{0: 0xfd, 14: hi, 15: lo}),
	}
}

func (b *builder) port(s *Switch) openflow.PortNo {
	b.next[s]++
	return b.cfg.Ports + b.next[s]
}

func (b *builder) trunk(x, y *Switch) { b.Link(x, b.port(x), y, b.port(y), b.cfg.Trunk) }

// Linear returns n switches in a row. With one host a switch, port 2 of the
// first and of the last leads to its neighbour; on the others port 2 leads to
// the one before and port 3 to the one after.
func Linear(n int, cfg TopologyConfig) *Network {
	b := newBuilder(cfg)
	for i := range n {
		if s := b.add(cfg.hosts()); i > 0 {
			b.trunk(b.switches[i-1], s)
		}
	}
	return b.Network
}

func (c TopologyConfig) hosts() int {
	if c.Hosts == 0 {
		return 1
	}
	return max(c.Hosts, 0)
}

// Ring returns n switches in a ring: the row of Linear, closed from the last to
// the first.
func Ring(n int, cfg TopologyConfig) *Network {
	b := newBuilder(cfg)
	for i := range n {
		if s := b.add(cfg.hosts()); i > 0 {
			b.trunk(b.switches[i-1], s)
		}
	}
	if n > 2 {
		b.trunk(b.switches[n-1], b.switches[0])
	}
	return b.Network
}

// Diamond returns four switches: 1 and 4, which have the hosts, and 2 and 3,
// the two ways between them. With one host a switch, ports 2 and 3 of 1 and 4
// lead to 2 and 3, whose ports 1 and 2 lead to 1 and 4.
func Diamond(cfg TopologyConfig) *Network {
	b := newBuilder(cfg)
	s1, s2, s3, s4 := b.add(cfg.hosts()), b.add(0), b.add(0), b.add(cfg.hosts())
	b.trunk(s1, s2)
	b.trunk(s1, s3)
	b.trunk(s2, s4)
	b.trunk(s3, s4)
	return b.Network
}

// FatTree returns a fat tree of switches with k ports, k even: k²/4 core
// switches, then for each of k pods k/2 aggregation and k/2 edge switches, and
// k³/4 hosts.
func FatTree(k int, cfg TopologyConfig) *Network {
	b := newBuilder(cfg)
	var core []*Switch
	for range k * k / 4 {
		core = append(core, b.add(0))
	}
	hosts := k / 2
	if cfg.Hosts < 0 {
		hosts = 0
	}
	for range k {
		var aggregation []*Switch
		for i := range k / 2 {
			a := b.add(0)
			aggregation = append(aggregation, a)
			for j := range k / 2 {
				b.trunk(a, core[i*k/2+j])
			}
		}
		for range k / 2 {
			e := b.add(hosts)
			for _, a := range aggregation {
				b.trunk(e, a)
			}
		}
	}
	return b.Network
}

// Torus returns rows times cols switches, each linked to its four neighbours,
// the last of a row or column to the first. With h hosts a switch, ports h+1 to
// h+4 lead east, west, south and north. With fewer than three rows or columns
// there is no way around.
func Torus(rows, cols int, cfg TopologyConfig) *Network {
	b := newBuilder(cfg)
	for range rows * cols {
		s := b.add(cfg.hosts())
		b.next[s] += 4
	}
	east, west := openflow.PortNo(cfg.hosts()+1), openflow.PortNo(cfg.hosts()+2)
	south, north := east+2, east+3
	for i, s := range b.switches {
		row, col := i/cols, i%cols
		if col < cols-1 || cols > 2 {
			b.Link(s, east, b.switches[row*cols+(col+1)%cols], west, cfg.Trunk)
		}
		if row < rows-1 || rows > 2 {
			b.Link(s, south, b.switches[(row+1)%rows*cols+col], north, cfg.Trunk)
		}
	}
	return b.Network
}
