package ofswitch

import (
	"net/netip"
	"sync"

	"conga/openflow"
)

// A BridgeConfig describes a bridge. The zero value is one without a spanning
// tree, as an unmanaged switch is.
type BridgeConfig struct {
	Name string
	// Hub has it send everything everywhere, what is for its neighbours alone
	// (01:80:c2:00:00:00 to …:0f) included.
	Hub bool
}

// A Bridge joins ports of switches, and hosts, that no controller knows to be
// joined. It learns where addresses are from what they send.
type Bridge struct {
	n   *Network
	cfg BridgeConfig

	mu    sync.Mutex
	links []*Link
	table map[openflow.MAC]*Link
}

// AddBridge makes a bridge that nothing is plugged into.
func (n *Network) AddBridge(cfg BridgeConfig) *Bridge {
	return &Bridge{n: n, cfg: cfg, table: map[openflow.MAC]*Link{}}
}

// Plug connects the bridge to a port of a switch, adding the port if it is
// absent. Cutting the link takes the plug out.
func (b *Bridge) Plug(s *Switch, port openflow.PortNo, cfg LinkConfig) *Link {
	l := b.n.newLink(cfg, side{sw: s, port: port}, side{bridge: b})
	b.add(l)
	l.a.plug(&l.b, cfg.kbps())
	s.SetPortUp(port, true)
	return l
}

// AddHost attaches a host to the bridge.
func (b *Bridge) AddHost(name string, mac openflow.MAC, addrs []netip.Addr) *Host {
	h := newHost(b.n, name, mac, addrs)
	h.link = b.n.newLink(LinkConfig{}, side{host: h}, side{bridge: b})
	b.add(h.link)
	b.n.mu.Lock()
	defer b.n.mu.Unlock()
	b.n.hosts = append(b.n.hosts, h)
	return h
}

// Join connects the bridge to another one.
func (b *Bridge) Join(other *Bridge, cfg LinkConfig) *Link {
	l := b.n.newLink(cfg, side{bridge: b}, side{bridge: other})
	other.attach(l)
	b.add(l)
	return l
}

func (b *Bridge) attach(l *Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = append(b.links, l)
}

func (b *Bridge) add(l *Link) {
	b.attach(l)
	b.n.mu.Lock()
	defer b.n.mu.Unlock()
	b.n.links = append(b.n.links, l)
}

// arrive forwards a frame that came over a link. The network's goroutine calls
// it.
func (b *Bridge) arrive(f frame, from *Link) {
	if len(f.data) < ethLen {
		return
	}
	to, source := openflow.MAC(f.data[:6]), openflow.MAC(f.data[6:12])
	if !b.cfg.Hub && to[0] == 1 && [4]byte(to[1:5]) == [4]byte{0x80, 0xc2} && to[5] < 0x10 {
		return
	}
	for _, l := range b.outputs(to, source, from) {
		l.beyond(b).carry(f)
	}
}

// outputs learns where the source is and returns the links to which a frame is
// sent.
func (b *Bridge) outputs(to, source openflow.MAC, from *Link) (out []*Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.cfg.Hub {
		b.table[source] = from
		if l := b.table[to]; l != nil && to[0]&1 == 0 && l.Up() {
			if l != from {
				out = append(out, l)
			}
			return out
		}
	}
	for _, l := range b.links {
		if l != from {
			out = append(out, l)
		}
	}
	return out
}
