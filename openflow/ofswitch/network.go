package ofswitch

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"

	"conga/openflow"
)

// NetworkConfig describes a network. The zero value is useful.
type NetworkConfig struct {
	MaxHops  int          // switches a frame may cross before it is dropped; 0: 64
	MaxQueue int          // frames on their way at once, in the whole network; 0: 65536
	Seed     uint64       // of the losses
	Log      *slog.Logger // for switches without one; nil: silent
}

func (c NetworkConfig) withDefaults() NetworkConfig {
	c.MaxHops = cmp.Or(c.MaxHops, 64)
	c.MaxQueue = cmp.Or(c.MaxQueue, 65536)
	return c
}

// NetworkStats count frames.
type NetworkStats struct {
	Delivered uint64 // link crossings
	Lost      uint64 // by a link's loss
	Down      uint64 // sent into a link that was cut, or on it when it was
	Overflow  uint64 // a link's or the network's queue was full
	HopLimit  uint64 // crossed too many switches: a loop
}

// A Network is a set of switches and hosts connected by links. One goroutine,
// run, carries all frames: sending only puts the frame into the queue of
// events. Locks are taken in the order switch, host, network; run holds none
// when it delivers.
type Network struct {
	cfg  NetworkConfig
	wake chan struct{} // capacity 1: there is a new earliest event
	done chan struct{}
	wg   sync.WaitGroup
	ctx  context.Context // of the connections to the controller
	stop context.CancelFunc

	mu       sync.Mutex
	closed   bool
	random   *rand.Rand
	events   events // later
	ready    fifo   // now
	seq      uint64 // of events, to keep those of one instant in order
	busy     bool   // run is delivering
	idle     chan struct{}
	stats    NetworkStats
	switches []*Switch
	links    []*Link
	hosts    []*Host
}

// NewNetwork returns an empty network. Close it.
func NewNetwork(cfg NetworkConfig) *Network {
	cfg = cfg.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	n := &Network{
		cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{}), ctx: ctx, stop: stop,
		random: rand.New(rand.NewPCG(cfg.Seed, 0)),
	}
	n.wg.Add(1)
	go n.run()
	return n
}

// Close ends the connections to the controller and stops all frames, and waits
// for both.
func (n *Network) Close() error {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.done)
	}
	n.mu.Unlock()
	n.stop()
	n.wg.Wait()
	return nil
}

// AddSwitch makes a switch. Two may have the same DPID.
func (n *Network) AddSwitch(cfg Config) *Switch {
	if cfg.Log == nil {
		cfg.Log = n.cfg.Log
	}
	s := New(cfg)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.switches = append(n.switches, s)
	return s
}

// Switch returns the first switch with the DPID, nil if there is none.
func (n *Network) Switch(d openflow.DPID) *Switch {
	for _, s := range n.Switches() {
		if s.cfg.DPID == d {
			return s
		}
	}
	return nil
}

// Switches returns all switches in the order they were added.
func (n *Network) Switches() []*Switch {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*Switch(nil), n.switches...)
}

// Links returns all links, those of hosts among them, in the order they were
// added.
func (n *Network) Links() []*Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*Link(nil), n.links...)
}

// LinkBetween returns the first link between two switches, in either direction,
// nil if there is none.
func (n *Network) LinkBetween(a, b openflow.DPID) *Link {
	for _, l := range n.Links() {
		x, y := l.Ends()
		if x.Host == "" && y.Host == "" && (x.DPID == a && y.DPID == b || x.DPID == b && y.DPID == a) {
			return l
		}
	}
	return nil
}

// Host returns the host with the name, nil if there is none.
func (n *Network) Host(name string) *Host {
	for _, h := range n.Hosts() {
		if h.name == name {
			return h
		}
	}
	return nil
}

// HostAt returns the host with the address, nil if there is none.
func (n *Network) HostAt(a netip.Addr) *Host {
	for _, h := range n.Hosts() {
		if h.has(a) {
			return h
		}
	}
	return nil
}

// Hosts returns all hosts in the order they were added.
func (n *Network) Hosts() []*Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*Host(nil), n.hosts...)
}

// Start keeps every switch there is connected to the controller until ctx ends
// or Close. It returns at once.
func (n *Network) Start(ctx context.Context, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	for _, s := range n.switches {
		n.wg.Go(func() {
			own, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(n.ctx, cancel)()
			s.Run(own, addr)
		})
	}
}

// WaitConnected waits until every switch is connected.
func (n *Network) WaitConnected(ctx context.Context) error {
	for _, s := range n.Switches() {
		if err := s.WaitConnected(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stats returns what the network has counted.
func (n *Network) Stats() NetworkStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Settle waits until no frame is on its way. Frames that a controller holds do
// not count.
func (n *Network) Settle(ctx context.Context) error {
	for {
		n.mu.Lock()
		if n.closed || (n.pendingLocked() == 0 && !n.busy) {
			n.mu.Unlock()
			return nil
		}
		if n.idle == nil {
			n.idle = make(chan struct{})
		}
		idle := n.idle
		n.mu.Unlock()
		select {
		case <-idle:
		case <-n.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
