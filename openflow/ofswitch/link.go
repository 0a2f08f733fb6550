package ofswitch

import (
	"fmt"
	"time"

	"conga/openflow"
)

// LinkConfig describes both directions of a link.
type LinkConfig struct {
	Capacity uint64        // bit/s; 0: unlimited, and told to the controller as 10 Gbit/s
	Delay    time.Duration // of propagation
	Loss     float64       // probability that a frame is lost, 0 to 1
	Queue    int           // bytes that may wait for the link; 0: 50 ms of its capacity, at least 64 kB
}

// kbps returns the port speed in kbit/s that goes with the capacity.
func (c LinkConfig) kbps() uint32 {
	if c.Capacity == 0 {
		return 10_000_000
	}
	return uint32(min(c.Capacity/1000, 1<<32-1))
}

// maxWait returns how long a frame may wait for the link.
func (c LinkConfig) maxWait() time.Duration {
	bytes := float64(c.Queue)
	if c.Queue == 0 {
		bytes = max(float64(c.Capacity)/8*0.05, 64_000)
	}
	return time.Duration(bytes * 8 / float64(c.Capacity) * float64(time.Second))
}

// A Link connects two ports, or a port or a bridge and a host, or a port and a
// bridge, or two bridges.
type Link struct {
	n *Network
	a side
	b side

	// Guarded by n.mu.
	cfg LinkConfig
	cut bool
}

// An End is one end of a link.
type End struct {
	DPID   openflow.DPID
	Port   openflow.PortNo
	Host   string // the host's name, where the end is one
	Bridge string // the bridge's name, where the end is one
}

// A side is one end of a link and the direction towards it.
type side struct {
	link   *Link
	sw     *Switch // nil: a host or a bridge
	port   openflow.PortNo
	host   *Host
	bridge *Bridge

	// Guarded by n.mu.
	free time.Time // when the link is free to send towards this side
}

// arrive hands a frame to the switch or the host. It returns the switch if that
// has now something to send to a controller.
func (d *side) arrive(f frame) *Switch {
	n := d.link.n
	n.mu.Lock()
	down := d.link.cut
	if down {
		n.stats.Down++
	} else {
		n.stats.Delivered++
	}
	n.mu.Unlock()
	switch {
	case down:
	case d.host != nil:
		d.host.arrive(f)
	case d.bridge != nil:
		d.bridge.arrive(f, d.link)
	case d.sw.receiveLazily(d.port, f):
		return d.sw
	}
	return nil
}

// carry puts a frame on the link towards this side.
func (d *side) carry(f frame) {
	l, n := d.link, d.link.n
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	switch {
	case n.closed:
		return
	case l.cut:
		n.stats.Down++
		return
	case f.hops.len() > n.cfg.MaxHops:
		n.stats.HopLimit++
		return
	case n.pendingLocked() >= n.cfg.MaxQueue:
		n.stats.Overflow++
		return
	}
	at := now
	if l.cfg.Capacity > 0 {
		start := now
		if d.free.After(now) {
			start = d.free
		}
		if start.Sub(now) > l.cfg.maxWait() {
			n.stats.Overflow++
			return
		}
		d.free = start.Add(time.Duration(float64(len(f.data)) * 8 / float64(l.cfg.Capacity) * float64(time.Second)))
		at = d.free
	}
	if l.cfg.Loss > 0 && n.random.Float64() < l.cfg.Loss {
		n.stats.Lost++
		return
	}
	n.scheduleLocked(now, happening{at: at.Add(l.cfg.Delay), to: d, f: f})
}

// beyond returns the side of a link that is not a bridge's own.
func (l *Link) beyond(b *Bridge) *side {
	if l.a.bridge == b {
		return &l.b
	}
	return &l.a
}

func (d *side) end() End {
	if d.host != nil {
		return End{Host: d.host.name}
	}
	if d.bridge != nil {
		return End{Bridge: d.bridge.cfg.Name}
	}
	return End{DPID: d.sw.cfg.DPID, Port: d.port}
}

// plug makes the port of a side send to the other side.
func (d *side) plug(other *side, speed uint32) {
	p := d.sw.AddPort(d.port, fmt.Sprintf("s%d-eth%d", d.sw.cfg.DPID&0xffff, d.port), speed)
	d.sw.mu.Lock()
	p.deliver = other.carry
	p.admin = other.followAdmin
	d.sw.mu.Unlock()
}

// followAdmin has this side see its link go down when the other side's port is
// taken down by a port mod. It is called with the other switch locked, so it
// leaves the work to the network's goroutine.
func (d *side) followAdmin(down bool) {
	n := d.link.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.sw != nil {
		now := time.Now()
		n.scheduleLocked(now, happening{at: now, do: func() { d.sw.SetPortUp(d.port, !down && d.link.Up()) }})
	}
}

func (n *Network) newLink(cfg LinkConfig, a, b side) *Link {
	l := &Link{n: n, cfg: cfg, a: a, b: b}
	l.a.link, l.b.link = l, l
	return l
}

// Link connects two ports, adding those that are absent.
func (n *Network) Link(a *Switch, pa openflow.PortNo, b *Switch, pb openflow.PortNo, cfg LinkConfig) *Link {
	l := n.newLink(cfg, side{sw: a, port: pa}, side{sw: b, port: pb})
	l.a.plug(&l.b, cfg.kbps())
	l.b.plug(&l.a, cfg.kbps())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links = append(n.links, l)
	return l
}

// Cut takes the link down; both ports see it, and what arrives meanwhile is
// lost.
func (l *Link) Cut() { l.set(true) }

// Restore brings a cut link up.
func (l *Link) Restore() { l.set(false) }

func (l *Link) set(cut bool) {
	l.n.mu.Lock()
	l.cut = cut
	l.n.mu.Unlock()
	for _, d := range []*side{&l.a, &l.b} {
		if d.sw != nil {
			d.sw.SetPortUp(d.port, !cut)
		}
	}
}

// Up reports whether the link is up.
func (l *Link) Up() bool {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	return !l.cut
}

// Config returns the link's configuration.
func (l *Link) Config() LinkConfig {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	return l.cfg
}

// SetConfig changes the link for frames sent from now on; the ports keep their
// speed. Loss of 1 makes the link fail without either end seeing it.
func (l *Link) SetConfig(cfg LinkConfig) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.cfg = cfg
}

// Ends returns the link's ends; of a host's link, the host is the second.
func (l *Link) Ends() (a, b End) { return l.a.end(), l.b.end() }
