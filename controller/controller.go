package controller

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"conga/bitrate"
	"conga/controller/discovery"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/channel"
)

// SavedNetwork keeps what was last known of the network over a restart.
type SavedNetwork interface {
	// Load returns all that is kept.
	Load() (topology.Saved, error)
	// Save changes it. A change that was not saved comes again, with the next.
	Save(topology.SavedChange) error
}

// Priority says how a path is made a priority path.
type Priority struct {
	Meter bool    // hold best effort back on links that carry reservations
	DSCP  *uint8  // mark, 0 to 63; nil: none
	Queue *uint32 // queue, used on the ports that have it; nil: none

	MeterBurst time.Duration // of best effort; see flow.Policy
}

// Config says what a [Controller] is to do. Only Listen is required.
type Config struct {
	Log             *slog.Logger // default: nothing is logged
	Listen          string       // address for switches, such as 0.0.0.0:6653
	TLS             *tls.Config  // nil: TCP
	Forwarding      flow.Forwarding
	DefaultCapacity bitrate.Rate // of ports that do not report their speed; default 10 Gbit/s
	Frames          flow.Frames  // what frames take of links
	Spare           float64      // the part of a link's capacity that is never reserved; see the portions of [flow.Policed]
	Links           []topology.LinkOverride
	Attachments     []topology.Attachment
	Strict          bool              // no links but those of Links
	EdgePorts       []topology.PortID // which never lead to a switch of ours, whatever probes say
	NoLLDP          bool              // no probes over cables, so that links have to be static
	NoBDDP          bool              // no probes through bridges, so that rings through them are not found
	Priority        Priority
	SavedNetwork    SavedNetwork  // nil: a restart begins with an empty network
	Audit           time.Duration // how often a switch's entries are compared with what is wanted; default 10 s
	Patience        time.Duration // how long a switch may take to answer a barrier; default 30 s
	Topology        topology.Config
	Switches        Admission // which may connect, until [Controller.SetAdmission]
	// Role is what the controller asks to be to switches: RoleMaster, which is
	// the default, or RoleEqual, which asks for nothing.
	Role openflow.Role
	// Instance tells this controller from others of its kind that have the same
	// switches; of 12 bits. It must be the same after a restart.
	Instance      uint16
	MaxSwitches   int // connected at one time; default 4,096
	MaxHandshakes int // connections that are coming up; default 512
	// Refused, if not nil, is called with each switch that may not connect.
	Refused func(Refusal)
	// Settle is how long packets may take ways that a switch has been told to
	// leave, after it has confirmed that; nil: as is reckoned for Open vSwitch
	// by the packets that come in, else not at all.
	Settle *time.Duration
	// Contested, if not nil, is called with what became of each claim to be a
	// host, or to have an address, that is known elsewhere. It runs on the
	// core's goroutine and must be quick.
	Contested func(topology.Verdict)
	// Bursting, if not nil, is called with true when many circuits begin to
	// move, and with false when that is over, or when the controller stops. It
	// runs on the core's goroutine and must be quick.
	Bursting func(bool)
	// Removed, if not nil, is called with every flow entry that is gone, with
	// its last counters, in the order in which its switch reports them. It runs
	// on the reader of the switch's connection and must be quick.
	Removed func(openflow.DPID, *openflow.FlowRemoved)
	// Metered, if not nil, is called with what policers have counted, before
	// and after they are modified or deleted, since a switch may begin their
	// counts anew; asked is when the switch was asked. What it returns is asked
	// of what is read of the same meters next. Any goroutine may call it.
	Metered func(dpid openflow.DPID, counts openflow.MeterStatsReply, asked time.Time) time.Time
}

// Controller is the whole of the southbound side. It satisfies the scheduler's
// Network interface.
type Controller struct {
	cfg         Config
	log         *slog.Logger
	policy      flow.Policy
	prober      *discovery.Prober
	snapshot    atomic.Pointer[topology.Snapshot]
	listener    *channel.Listener
	builder     *topology.Builder // the core's from Run on
	events      chan event        // events that must not be lost
	lossyEvents chan event        // events that come again, and must not delay the others
	repeats     repeats           // probes that are no news
	bursts      bursts            // of circuits on the move
	done        chan struct{}     // closed when the core has stopped; nothing is received any more
	audits      budget            // flow entries that audits look at
	numberings  numberings        // by which switches that are away know our meters
	strange     pool              // bytes that are kept of what switches hold and should not
	lost        losses            // circuits that are not installed any more
	admission   atomic.Pointer[Admission]
	tenures     tenures // which controllers are masters of switches

	claimed   [topology.Outcomes]atomic.Uint64 // what became of claims, by topology.Outcome
	loanWays  atomic.Pointer[map[openflow.DPID]bool]
	unlearned atomic.Pointer[topology.Unlearned]

	reachable sync.Map // openflow.DPID to *session: those that have introduced themselves; only the core changes it

	restored []path.Circuit

	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed at the next change
}

// New returns a controller. It does nothing before [Controller.Listen] and
// [Controller.Run].
func New(cfg Config) (*Controller, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Forwarding == "" {
		cfg.Forwarding = flow.ForwardL2
	}
	if cfg.DefaultCapacity == 0 {
		cfg.DefaultCapacity = 10 * bitrate.Gbps
	}
	if cfg.Audit == 0 {
		cfg.Audit = 10 * time.Second
	}
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	if cfg.Role == openflow.RoleNoChange {
		cfg.Role = openflow.RoleMaster
	}
	if cfg.Removed == nil {
		cfg.Removed = func(openflow.DPID, *openflow.FlowRemoved) {}
	}
	cfg.Topology.DefaultCapacity, cfg.Topology.Links = cfg.DefaultCapacity, cfg.Links
	cfg.Topology.Attachments = cfg.Attachments
	cfg.Topology.Strict, cfg.Topology.Edges = cfg.Strict, cfg.EdgePorts
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("controller: secret for probes: %w", err)
	}
	c := &Controller{
		cfg:         cfg,
		log:         cfg.Log,
		policy:      policy(cfg),
		prober:      discovery.NewProber(secret),
		builder:     topology.NewBuilder(cfg.Topology, time.Now()),
		events:      make(chan event, 4096),
		lossyEvents: make(chan event, 1024),
		done:        make(chan struct{}),
		strange:     pool{left: strangersAll},
		tenures:     tenures{of: map[openflow.DPID]*tenure{}},
		changed:     make(chan struct{}),
		bursts:      bursts{report: cfg.Bursting},
	}
	c.snapshot.Store(c.builder.Snapshot(time.Now()))
	c.unlearned.Store(&topology.Unlearned{})
	c.admission.Store(&cfg.Switches)
	if cfg.Priority.Meter && cfg.Forwarding != flow.ForwardL2 {
		c.log.Warn("best effort is held back only where forwarding is l2", "forwarding", cfg.Forwarding)
	}
	return c, nil
}

func policy(cfg Config) flow.Policy {
	p := flow.Policy{
		Forwarding: cfg.Forwarding, Meter: cfg.Priority.Meter, Spare: cfg.Spare, MeterBurst: cfg.Priority.MeterBurst,
		Frames: cfg.Frames,
	}
	if d := cfg.Priority.DSCP; d != nil {
		p.Mark, p.DSCP = true, *d
	}
	if q := cfg.Priority.Queue; q != nil {
		p.UseQueue, p.Queue = true, *q
	}
	return p
}

// Listen opens the address for switches. Switches that connect before
// [Controller.Run] wait.
func (c *Controller) Listen() error {
	l, err := channel.Listen(c.cfg.Listen, channel.Config{Log: c.log, TLS: c.cfg.TLS, MaxHandshakes: c.cfg.MaxHandshakes})
	if err != nil {
		return fmt.Errorf("controller: listen for switches on %s: %w", c.cfg.Listen, err)
	}
	c.listener = l
	return nil
}

// Addr returns the address on which the controller listens for switches; nil
// before [Controller.Listen].
func (c *Controller) Addr() net.Addr {
	if c.listener == nil {
		return nil
	}
	return c.listener.Addr()
}

// Run works until ctx ends. Switches keep their entries.
func (c *Controller) Run(ctx context.Context) error {
	if c.listener == nil {
		if err := c.Listen(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k := newCore(ctx, c)
	defer close(c.done)
	var wg sync.WaitGroup
	wg.Go(func() { c.accept(ctx) })
	k.run()
	cancel()
	c.listener.Close()
	wg.Wait()
	k.sessions.Wait()
	k.rejectArrivals()
	return nil
}

// accept hands every new connection to the core.
func (c *Controller) accept(ctx context.Context) {
	for {
		conn, err := c.listener.Accept(ctx)
		if ctx.Err() != nil || errors.Is(err, channel.ErrClosed) {
			if conn != nil {
				conn.Close()
			}
			return
		}
		if err != nil {
			c.log.Warn("connection from a switch failed", "err", err)
			continue
		}
		if aux := conn.Features().AuxiliaryID; aux != 0 {
			c.log.Warn("auxiliary connection refused", "dpid", conn.DPID(), "auxiliary", aux)
			conn.Close()
			continue
		}
		if c.admit(conn) && !c.post(ctx, arrival{conn}) {
			conn.Close()
		}
	}
}

// post hands an event to the core, waiting for room. It reports whether the
// core has it: it has not if ctx or the core ends first.
func (c *Controller) post(ctx context.Context, e event) bool {
	select {
	case c.events <- e:
		return true
	case <-ctx.Done():
		return false
	case <-c.done:
		return false
	}
}

// SetCapacities changes the capacities that the configuration names for links.
// Of the links nothing else counts.
func (c *Controller) SetCapacities(links []topology.LinkOverride) {
	c.post(context.Background(), capacities(links))
}

// Drain says which switches and links are to be left alone from now on, because
// they are about to be under maintenance: best effort leaves them, make before
// break, where another way leads, and returns to those that are not named any
// more. It may be called before Run.
func (c *Controller) Drain(list []path.Element) { c.post(context.Background(), drained(list)) }

// FramesSeen takes note of how much best effort was to leave by a port of late:
// how many bit/s of frames without checksum, and how many packets/s. It does
// not block.
func (c *Controller) FramesSeen(at topology.PortID, rate bitrate.Rate, packets float64) {
	p, ok := c.Snapshot().Port(at)
	if size := topology.FrameSize(p.Capacity, rate, packets); ok && size != 0 {
		select {
		case c.lossyEvents <- framesSeen{at, size}:
		default: // it is counted again
		}
	}
}

// Snapshot returns the network as it is known now.
func (c *Controller) Snapshot() *topology.Snapshot { return c.snapshot.Load() }

// HostCounts is what has become of what hosts claim, since the start.
type HostCounts struct {
	Claims    [topology.Outcomes]uint64 // by topology.Outcome
	Unlearned topology.Unlearned
}

// HostCounts returns what has become of what hosts claim.
func (c *Controller) HostCounts() (n HostCounts) {
	for i := range c.claimed {
		n.Claims[i] = c.claimed[i].Load()
	}
	if u := c.unlearned.Load(); u != nil {
		n.Unlearned = *u
	}
	return n
}

// Changed returns a channel that is closed at the next snapshot, and when a
// circuit is lost or returns.
func (c *Controller) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *Controller) announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Restore names the circuits that are wanted from the start. It must be called
// before [Controller.Run].
func (c *Controller) Restore(circuits []path.Circuit) { c.restored = circuits }

// Install has the circuit's entries in every switch of its path and returns
// when each has answered a barrier that followed them. A circuit that is
// already installed on another path, or for other traffic, is moved: the new
// entries are confirmed before the old ones go. An error is an [*Error] that
// names the switch which is away, or what it refused; the circuit stays wanted.
func (c *Controller) Install(ctx context.Context, circuit path.Circuit) error {
	return c.submit(ctx, circuit.ID, func(reply chan<- error) event { return install{circuit, reply} })
}

// Remove takes the circuit's entries out and returns when every connected
// switch has confirmed it.
func (c *Controller) Remove(ctx context.Context, id string) error {
	return c.submit(ctx, id, func(reply chan<- error) event { return removal{id, reply} })
}

// submit puts a request about a circuit to the core and waits for its answer.
func (c *Controller) submit(ctx context.Context, id string, request func(chan<- error) event) error {
	reply := make(chan error, 1)
	if !c.post(ctx, request(reply)) {
		return context.Cause(ctx)
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		c.post(context.WithoutCancel(ctx), withdrawal{id, reply})
		return context.Cause(ctx)
	case <-c.done:
		return &Error{Op: "ask", Err: errStopped}
	}
}
