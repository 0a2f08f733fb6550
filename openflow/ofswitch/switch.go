package ofswitch

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"conga/openflow"
)

const defaultTables = 254

// Config describes a switch. Only DPID has no useful zero value.
type Config struct {
	DPID       openflow.DPID
	Tables     uint8           // flow tables; 0: 254, as Open vSwitch
	MaxEntries int             // flow entries a table; 0: 1,000,000
	MaxPort    openflow.PortNo // the highest number of a port; 0: that of Open vSwitch
	MaxMeters  uint32          // how many meters, whatever their numbers; 0: 262144, as Open vSwitch
	NoMeters   bool            // the switch has no meters at all
	Habits     Habits          // in which the switch differs from Open vSwitch

	Manufacturer, Hardware, Software, SerialNum, Datapath string // the description, §7.3.5.1

	// Now is the clock of timeouts and meters; nil: time.Now. With a clock of
	// your own, call Tick after moving it.
	Now func() time.Time
	// Dial opens the connection to a controller; nil: TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Probe is how long the controller may be silent before an echo request,
	// and again before the connection is dropped; 0: 5 s, negative: never.
	Probe time.Duration
	// Backoff is the longest pause between attempts of Run; 0: 8 s.
	Backoff time.Duration
	Log     *slog.Logger // nil: silent
}

func (c Config) withDefaults() Config {
	c.Tables = cmp.Or(c.Tables, defaultTables)
	c.MaxEntries = cmp.Or(c.MaxEntries, 1_000_000)
	c.MaxPort = cmp.Or(c.MaxPort, maxPort)
	c.MaxMeters = cmp.Or(c.MaxMeters, 262144)
	if c.NoMeters {
		c.MaxMeters = 0
	}
	c.Manufacturer = cmp.Or(c.Manufacturer, "CONGA")
	c.Hardware = cmp.Or(c.Hardware, "emulated switch")
	c.Software = cmp.Or(c.Software, "ofswitch")
	c.SerialNum = cmp.Or(c.SerialNum, "None")
	c.Datapath = cmp.Or(c.Datapath, c.DPID.String())
	c.Probe = cmp.Or(c.Probe, 5*time.Second)
	c.Backoff = cmp.Or(c.Backoff, 8*time.Second)
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("dpid", c.DPID)
	return c
}

// A Switch is one emulated datapath. Its methods may be called from any
// goroutine.
type Switch struct {
	cfg Config
	now func() time.Time

	mu        sync.Mutex
	born      time.Time // from which the ages of entries count
	tables    []table
	programs  map[string]*program // of entries, by the instructions
	scratch   []byte
	groups    map[openflow.GroupID]*group
	meters    map[openflow.MeterID]*meter
	ports     map[openflow.PortNo]*Port
	order     []*Port // by number
	counters  Counters
	tap       func(Packet)
	onMessage func(openflow.Message) // see OnMessage
	config    openflow.SetConfig

	lagging    lagging
	timed      map[*entry]struct{} // entries with a timeout
	nextExpiry time.Time           // not before this must they be looked at; zero: none
	timer      *time.Timer         // calls Tick at nextExpiry; nil with a clock of the user's

	conns      map[*conn]struct{}
	up         int           // conns with the handshake done
	upChanged  chan struct{} // closed and replaced when up changes
	generation uint64        // of the last master election
	elected    bool          // generation is set
	deferred   *[]openflow.Message
	lazy       bool // what is queued is written by the goroutine that unlocks
	unsent     bool // something was queued while lazy

	faults        Faults
	faultsChanged chan struct{} // closed and replaced by SetFaults
	faultCount    map[openflow.Type]int
	unruly        atomic.Bool // faults say when to write
}

// New returns a switch without ports.
func New(cfg Config) *Switch {
	cfg = cfg.withDefaults()
	s := &Switch{
		cfg: cfg, now: cfg.Now,
		tables: make([]table, cfg.Tables), programs: map[string]*program{},
		groups: map[openflow.GroupID]*group{}, meters: map[openflow.MeterID]*meter{},
		ports: map[openflow.PortNo]*Port{}, timed: map[*entry]struct{}{},
		conns: map[*conn]struct{}{}, upChanged: make(chan struct{}), faultsChanged: make(chan struct{}),
		faultCount: map[openflow.Type]int{},
		config:     openflow.SetConfig{MissSendLen: 128},
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.born = s.now()
	for i := range s.tables {
		s.tables[i].id = openflow.TableID(i)
	}
	return s
}

// ageLocked returns how long ago the switch was made.
func (s *Switch) ageLocked() time.Duration { return s.now().Sub(s.born) }

// DPID returns the datapath identifier.
func (s *Switch) DPID() openflow.DPID { return s.cfg.DPID }

// Inject has a frame arrive at a port. The pipeline has run when it returns.
// The switch keeps the frame.
func (s *Switch) Inject(in openflow.PortNo, frame []byte) { s.receive(in, newFrame(frame)) }

func (s *Switch) receive(in openflow.PortNo, f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDueLocked(s.now())
	if p := s.ports[in]; p != nil {
		s.arriveLocked(p, f)
	}
}

// receiveLazily does as receive, but leaves what is queued for the controllers
// to be sent by the caller. It reports whether something is queued for the
// first time since it was sent last.
func (s *Switch) receiveLazily(in openflow.PortNo, f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.unsent
	s.lazy = true
	s.expireDueLocked(s.now())
	if p := s.ports[in]; p != nil {
		s.arriveLocked(p, f)
	}
	s.lazy = false
	return s.unsent && !before
}

func newFrame(data []byte) frame { return frame{data: data} }

// Tap has fn called for every frame that arrives at or leaves by a port, in
// order. fn must not call the switch or change the frame. nil ends it.
func (s *Switch) Tap(fn func(Packet)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tap = fn
}

func (s *Switch) showLocked(p *Port, f frame, out bool) {
	if s.tap != nil {
		s.tap(Packet{DPID: s.cfg.DPID, Port: p.no, Out: out, Queue: f.queue, Data: f.data})
	}
}

// Tick removes what has timed out by the clock. It happens by itself unless
// Config.Now is set.
func (s *Switch) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDueLocked(s.now())
}

// armLocked sets when timeouts are looked at next; zero: never.
func (s *Switch) armLocked(at time.Time) {
	now := s.now()
	if floor := now.Add(10 * time.Millisecond); !at.IsZero() && at.Before(floor) {
		at = floor // a dump of many entries that time out one by one is looked through less often
	}
	s.nextExpiry = at
	if s.cfg.Now != nil {
		return
	}
	switch {
	case at.IsZero() && s.timer != nil:
		s.timer.Stop()
	case s.timer != nil:
		s.timer.Reset(at.Sub(now))
	case !at.IsZero():
		s.timer = time.AfterFunc(at.Sub(now), s.Tick)
	}
}

// Apply does what a message asks without a connection, as tests and hand-built
// pipelines need it. The error is an *openflow.Error where the switch refuses.
// Messages that ask for an answer do nothing.
func (s *Switch) Apply(m openflow.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDueLocked(s.now())
	if err := s.changeLocked(m); err != nil {
		return err
	}
	return nil
}

// Flows returns the flow entries of a table, or of all with openflow.TableAll,
// in order of table, then of falling priority.
func (s *Switch) Flows(id openflow.TableID) []openflow.FlowStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireDueLocked(s.now())
	out := []openflow.FlowStats{}
	if id != openflow.TableAll && int(id) >= len(s.tables) {
		return out
	}
	for _, part := range stats(s.selectedLocked(id, &filter{outPort: openflow.PortAny, outGroup: openflow.GroupAny}), s.ageLocked()) {
		out = append(out, part...)
	}
	return out
}

// Meters returns the meters' counters in order of their numbers.
func (s *Switch) Meters() []openflow.MeterCounters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meterStatsLocked()
}

// MeterConfigs returns the meters in order of their numbers.
func (s *Switch) MeterConfigs() []openflow.MeterConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meterConfigsLocked()
}

// Groups returns the groups in order of their numbers.
func (s *Switch) Groups() []openflow.GroupDesc {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groupDescsLocked()
}

// Counters count what a switch did since it was made.
type Counters struct {
	Received         uint64 // frames that arrived
	Sent             uint64 // frames that left
	Missed           uint64 // packets without a matching entry
	Metered          uint64 // packets dropped by a meter
	Undelivered      uint64 // outputs to ports that are absent or down
	PacketIns        uint64 // sent
	PacketInsDropped uint64 // because a controller reads too slowly
	PacketOuts       uint64
	FlowMods         uint64 // flow mods received, good or bad
	Errors           uint64 // error messages sent
	Connections      uint64 // handshakes completed
}

// Counters returns what the switch has counted.
func (s *Switch) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// A Packet is a frame at a port, as Tap shows it.
type Packet struct {
	DPID  openflow.DPID
	Port  openflow.PortNo
	Out   bool   // it leaves; otherwise it arrives
	Queue uint32 // of a frame that leaves: the queue set for it
	Data  []byte
}
