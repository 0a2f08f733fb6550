package controller

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

var (
	chaosFor  = flag.Duration("chaos", 15*time.Second, "how long TestChaos goes on")
	chaosSeed = flag.Uint64("chaosseed", 0, "what TestChaos draws its events from; 0: the time")
)

// chaos is a network to which anything happens, with the circuits that are
// wanted.
type chaos struct {
	*lab
	rng     *rand.Rand
	cfg     Config
	saved   *keeper
	calls   sync.WaitGroup
	life    context.Context
	halt    func()
	handles uint32
	spoilt  map[*ofswitch.Switch]int // how often, since it last connected

	mu     sync.Mutex
	wanted map[string]path.Circuit // guarded by mu
}

// TestChaos has links cut, switches hang, refuse and disconnect, entries vanish
// and be meddled with, circuits come, move and go, and the controller restart,
// at random and all at once. At quiet points every switch holds what is
// compiled from nothing.
func TestChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-chaosseed %d", seed)
	cfg := emulated()
	cfg.Hosts = 1
	n := ofswitch.Torus(3, 3, cfg)
	c := &chaos{
		rng: rand.New(rand.NewPCG(seed, 1)), saved: &keeper{}, wanted: map[string]path.Circuit{}, spoilt: map[*ofswitch.Switch]int{},
		cfg: Config{Audit: 300 * time.Millisecond, Patience: 2 * time.Second, Topology: topology.Config{Doubt: 2 * time.Second}},
	}
	c.cfg.SavedNetwork = c.saved
	c.lab = start(t, n, c.cfg)
	c.cfg.Listen = c.Addr().String()
	c.begin()
	c.settled(9, 18)
	c.pingAll()
	c.acquainted()
	for rounds, end := 1, time.Now().Add(*chaosFor); time.Now().Before(end) && !t.Failed(); rounds++ {
		for range 5 + c.rng.IntN(40) {
			c.happen()
			time.Sleep(time.Duration(c.rng.IntN(30)) * time.Millisecond) // events meet what earlier ones have begun
		}
		c.quiet(rounds)
	}
	c.halt()
	c.calls.Wait()
}

// begin lets calls of the controller be made until halt.
func (c *chaos) begin() {
	c.life, c.halt = context.WithCancel(context.Background())
}

// happen does one thing.
func (c *chaos) happen() {
	links, switches := c.net.Links(), c.net.Switches()
	link, sw := links[c.rng.IntN(len(links))], switches[c.rng.IntN(len(switches))]
	switch c.rng.IntN(14) {
	case 0, 1:
		link.Cut()
	case 2, 3:
		link.Restore()
	case 4:
		sw.Disconnect()
	case 5:
		c.misbehave(sw)
	case 6:
		sw.SetFaults(ofswitch.Faults{})
	case 7:
		c.spoil(sw, c.delete)
	case 8:
		c.spoil(sw, c.meddle)
	case 9:
		if c.rng.IntN(4) == 0 {
			c.restart()
		}
	case 10:
		hosts := c.net.Hosts()
		hosts[c.rng.IntN(len(hosts))].Announce()
	case 11:
		c.release()
	default:
		c.request()
	}
}

func (c *chaos) misbehave(sw *ofswitch.Switch) {
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	nth := 1 + c.rng.IntN(5)
	sw.SetFaults([]ofswitch.Faults{
		{Reject: func(n int, m openflow.Message) *openflow.Error {
			if m.Type() == openflow.TypeFlowMod && n%nth == 0 {
				return &full
			}
			return nil
		}},
		{Lose: ofswitch.LoseType(openflow.TypeBarrierReply)},
		{Delay: ofswitch.DelayType(openflow.TypeBarrierReply, 50*time.Millisecond)},
		{Lose: ofswitch.LoseType(openflow.TypeFlowRemoved)},
		{CutMidMessage: true},
		{Stall: true},
		{Mute: true},
	}[c.rng.IntN(7)])
}

// spoil has entries of a switch vanish or change. One that does not stay as it
// was left is left as it is for a while after a few times, so that the switch
// connects anew before that.
func (c *chaos) spoil(sw *ofswitch.Switch, how func(*ofswitch.Switch)) {
	if c.spoilt[sw]++; c.spoilt[sw] > 3 {
		c.spoilt[sw] = 0
		sw.Disconnect()
		return
	}
	how(sw)
}

// delete takes some entries of ours out of a switch.
func (c *chaos) delete(sw *ofswitch.Switch) {
	kind := purpose.Kind(1 + c.rng.IntN(3))
	_ = sw.Apply(&openflow.FlowMod{
		Command: openflow.FlowDelete, Table: openflow.TableAll, Cookie: purpose.MakeCookie(kind, 0), CookieMask: purpose.CookieMask | purpose.KindMask,
		BufferID: openflow.NoBuffer, OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
	})
}

// meddle changes one entry, of which the switch tells nothing.
func (c *chaos) meddle(sw *ofswitch.Switch) {
	flows := sw.Flows(openflow.TableAll)
	if len(flows) == 0 {
		return
	}
	f := flows[c.rng.IntN(len(flows))]
	_ = sw.Apply(&openflow.FlowMod{
		Command: openflow.FlowModifyStrict, Table: f.Table, Priority: f.Priority, Match: f.Match, BufferID: openflow.NoBuffer,
		OutPort: openflow.PortAny, OutGroup: openflow.GroupAny, Instructions: []openflow.Instruction{openflow.ApplyActions(openflow.Output(1, 0))},
	})
}

// request has a circuit installed or moved, on a path that there is now.
func (c *chaos) request() {
	hosts := c.net.Hosts()
	from, to := hosts[c.rng.IntN(len(hosts))], hosts[c.rng.IntN(len(hosts))]
	id := fmt.Sprint("c", c.rng.IntN(12))
	s := c.Snapshot()
	a, okA := s.Locate(from.Addr())
	b, okB := s.Locate(to.Addr())
	q := path.Query{From: a, To: b}
	if c.rng.IntN(2) == 0 { // any way, so that it may move
		weights := map[topology.LinkID]bitrate.Rate{}
		q.Free = func(l topology.Link) bitrate.Rate {
			if _, drawn := weights[l.ID]; !drawn {
				weights[l.ID] = bitrate.Rate(1 + c.rng.IntN(100))
			}
			return weights[l.ID]
		}
	}
	p, ok := path.Find(s, q)
	if from == to || !okA || !okB || !ok {
		return
	}
	want := path.Circuit{
		ID: id, Rate: bitrate.Rate(c.rng.IntN(3)) * bitrate.Mbps, Path: p,
		Key: path.FlowKey{Src: path.Host(from.Addr()), Dst: path.Host(to.Addr()), Proto: path.ProtoUDP, DstPort: path.Port(uint16(100 + len(id) + int(id[len(id)-1])))},
	}
	c.mu.Lock()
	if was, moves := c.wanted[id]; moves {
		want.Handle = was.Handle
		if c.rng.IntN(2) == 0 {
			want.Key = was.Key
		}
	} else {
		c.handles++
		want.Handle = c.handles
	}
	c.wanted[id] = want
	c.mu.Unlock()
	c.calls.Go(func() {
		ctx, cancel := context.WithTimeout(c.life, time.Second)
		defer cancel()
		_ = c.Install(ctx, want) // it may be refused, or be overtaken; it stays wanted
	})
}

func (c *chaos) release() {
	id := fmt.Sprint("c", c.rng.IntN(12))
	c.mu.Lock()
	delete(c.wanted, id)
	c.mu.Unlock()
	c.calls.Go(func() {
		ctx, cancel := context.WithTimeout(c.life, time.Second)
		defer cancel()
		_ = c.Remove(ctx, id)
	})
}

// restart ends the controller, at once or in order, and starts another one.
func (c *chaos) restart() {
	c.halt()
	c.calls.Wait()
	c.stop()
	again := c.cfg
	again.Priority = c.lab.cfg.Priority
	next, err := New(again)
	if err != nil {
		c.Fatal(err)
	}
	next.Restore(slices.Collect(maps.Values(c.wanted)))
	if err := next.Listen(); err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := next.Run(ctx); err != nil {
			c.Error(err)
		}
	}()
	c.lab.Controller = next
	c.lab.stop = sync.OnceFunc(func() { cancel(); <-done })
	c.Cleanup(c.lab.stop)
	c.begin()
}

// quiet heals everything and waits until every switch holds what it should.
func (c *chaos) quiet(round int) {
	c.Helper()
	for _, sw := range c.net.Switches() {
		sw.SetFaults(ofswitch.Faults{})
	}
	for _, l := range c.net.Links() {
		l.Restore()
	}
	c.calls.Wait()
	c.mu.Lock()
	wanted := maps.Clone(c.wanted)
	c.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(wanted)) { // what the last calls were about, in order
		ctx, cancel := context.WithTimeout(c.life, patience)
		_ = c.Install(ctx, wanted[id])
		cancel()
	}
	for i := range 12 {
		if id := fmt.Sprint("c", i); wanted[id].Path == nil {
			ctx, cancel := context.WithTimeout(c.life, patience)
			if err := c.Remove(ctx, id); err != nil {
				c.Errorf("round %d: remove %s: %v", round, id, err)
			}
			cancel()
		}
	}
	c.settled(9, 18)
	for _, sw := range c.net.Switches() {
		for _, f := range sw.Flows(openflow.TableAll) {
			kind, owner := purpose.ReadCookie(f.Cookie)
			known := func(w path.Circuit) bool { return uint64(w.Handle) == owner }
			if kind == purpose.Allocation && !slices.ContainsFunc(slices.Collect(maps.Values(wanted)), known) {
				c.Errorf("round %d: switch %v still holds an entry of circuit %d: %v", round, sw.DPID(), owner, f.Match)
			}
		}
	}
}
