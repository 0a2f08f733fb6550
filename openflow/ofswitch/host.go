package ofswitch

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"conga/openflow"
)

// A Hop is a switch that a frame crossed.
type Hop struct {
	DPID    openflow.DPID
	In, Out openflow.PortNo
}

// Received is a frame that reached a host.
type Received struct {
	At   time.Time
	Via  []Hop  // since a host sent it, or a controller; the latter's In is no real port
	Data []byte // shared; not to be changed
}

// A Volume is an amount of frames.
type Volume struct {
	Packets uint64
	Bytes   uint64
}

func (v *Volume) add(data []byte) {
	v.Packets++
	v.Bytes += uint64(len(data))
}

// HostStats count frames at a host.
type HostStats struct {
	Sent      Volume
	Received  Volume
	Foreign   Volume // of those received: sent to another host's address
	Broadcast Volume // of those received: sent to a broadcast or multicast address
}

// A Host is a station with one Ethernet port that answers ARP, neighbour
// solicitations and pings. It takes every address to be on its link.
type Host struct {
	n     *Network
	name  string
	mac   openflow.MAC
	addrs []netip.Addr

	mu       sync.Mutex
	link     *Link
	vlan     uint16
	handler  func(Received) bool
	watchers []*watcher
	stats    HostStats
	table    map[netip.Addr]openflow.MAC
	asked    map[netip.Addr]chan struct{} // closed when the address is resolved
	pings    map[ping]chan time.Time
	lastPing uint16
	streams  map[stream]*Arrivals
}

type watcher struct{ frames chan Received }

// AddHost attaches a host to a port, adding the port if it is absent. Addresses
// of either family may mix.
func (n *Network) AddHost(name string, mac openflow.MAC, addrs []netip.Addr, s *Switch, port openflow.PortNo) *Host {
	return n.addHost(name, mac, addrs, s, port, LinkConfig{})
}

func (n *Network) addHost(name string, mac openflow.MAC, addrs []netip.Addr, s *Switch, port openflow.PortNo, cfg LinkConfig) *Host {
	h := newHost(n, name, mac, addrs)
	h.attach(s, port, cfg)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts = append(n.hosts, h)
	return h
}

func newHost(n *Network, name string, mac openflow.MAC, addrs []netip.Addr) *Host {
	return &Host{
		n: n, name: name, mac: mac, addrs: slices.Clone(addrs),
		table: map[netip.Addr]openflow.MAC{}, asked: map[netip.Addr]chan struct{}{},
		pings: map[ping]chan time.Time{}, streams: map[stream]*Arrivals{},
	}
}

func (h *Host) attach(s *Switch, port openflow.PortNo, cfg LinkConfig) {
	l := h.n.newLink(cfg, side{sw: s, port: port}, side{host: h})
	h.mu.Lock()
	h.link = l
	h.mu.Unlock()
	h.n.mu.Lock()
	h.n.links = append(h.n.links, l)
	h.n.mu.Unlock()
	l.a.plug(&l.b, cfg.kbps())
	s.SetPortUp(port, true)
}

// MoveHost attaches a host to another port, by a link like its old one; the old
// port's link goes down.
func (n *Network) MoveHost(h *Host, s *Switch, port openflow.PortNo) {
	old := h.Link()
	old.Cut()
	n.mu.Lock()
	n.links = slices.DeleteFunc(n.links, func(l *Link) bool { return l == old })
	n.mu.Unlock()
	h.attach(s, port, old.Config())
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// MAC returns the host's Ethernet address.
func (h *Host) MAC() openflow.MAC { return h.mac }

// Addrs returns all addresses.
func (h *Host) Addrs() []netip.Addr { return slices.Clone(h.addrs) }

// Addr returns the host's first IPv4 address, or its first address if it has
// none.
func (h *Host) Addr() netip.Addr {
	for _, a := range h.addrs {
		if a.Is4() {
			return a
		}
	}
	if len(h.addrs) > 0 {
		return h.addrs[0]
	}
	return netip.Addr{}
}

// source returns the host's address of the family of dst.
func (h *Host) source(dst netip.Addr) (netip.Addr, bool) {
	for _, a := range h.addrs {
		if a.Is4() == dst.Is4() {
			return a, true
		}
	}
	return netip.Addr{}, false
}

func (h *Host) has(a netip.Addr) bool { return slices.Contains(h.addrs, a) }

// Link returns the link that the host hangs on.
func (h *Host) Link() *Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.link
}

// At returns the switch and the port that the host hangs on.
func (h *Host) At() (*Switch, openflow.PortNo) {
	l := h.Link()
	return l.a.sw, l.a.port
}

// SetVLAN has the host tag all that it sends from now on with a VLAN, 1 to
// 4094, and understand what is tagged so only. 0: neither.
func (h *Host) SetVLAN(vlan uint16) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.vlan = vlan
}

// Send sends a frame as it is, but for its tag; see [Host.SetVLAN]. The network
// keeps it.
func (h *Host) Send(data []byte) {
	h.mu.Lock()
	if h.vlan != 0 && len(data) >= ethLen {
		tag := binary.BigEndian.AppendUint16([]byte{etherVLAN >> 8, etherVLAN & 0xff}, h.vlan)
		data = slices.Concat(data[:ethLen-2], tag, data[ethLen-2:])
	}
	h.stats.Sent.add(data)
	l := h.link
	h.mu.Unlock()
	if l.a.host == h { // behind a bridge
		l.b.carry(newFrame(data))
		return
	}
	l.a.carry(newFrame(data))
}

// Recv returns a channel of all frames that reach the host from now on, of
// which it drops those that find the channel's buffer full. stop ends it.
func (h *Host) Recv(buffer int) (frames <-chan Received, stop func()) {
	w := &watcher{frames: make(chan Received, buffer)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers = append(h.watchers, w)
	return w.frames, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.watchers = slices.DeleteFunc(h.watchers, func(other *watcher) bool { return other == w })
	}
}

// Handle has fn called for every frame that reaches the host, before the host's
// own handling; it returns true to have the host not handle it. fn must not
// block. nil ends it.
func (h *Host) Handle(fn func(Received) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handler = fn
}

// Stats returns what the host has counted.
func (h *Host) Stats() HostStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats
}

// arrive takes a frame from the link. The network's goroutine calls it.
func (h *Host) arrive(f frame) {
	r := Received{At: time.Now(), Via: f.hops.list(), Data: f.data}
	p := &packet{data: f.data}
	p.parse()
	dst := openflow.MAC{}
	copy(dst[:], f.data)
	h.mu.Lock()
	h.stats.Received.add(f.data)
	foreign := dst != h.mac && dst[0]&1 == 0
	switch {
	case foreign:
		h.stats.Foreign.add(f.data)
	case dst[0]&1 != 0:
		h.stats.Broadcast.add(f.data)
	}
	for _, w := range h.watchers {
		select {
		case w.frames <- r:
		default:
		}
	}
	handler, vlan := h.handler, h.vlan
	h.mu.Unlock()
	if handler != nil && handler(r) {
		return
	}
	tag := uint16(p.key.get(openflow.FieldVLANVID))
	if !foreign && (vlan == 0 && tag == 0 || vlan != 0 && tag == vlan|openflow.VLANPresent) {
		h.understand(p, r)
	}
}
