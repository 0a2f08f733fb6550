package main

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/allocator"
	"conga/allocator/store/storetest"
	"conga/bitrate"
	"conga/controller/flow"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// A commons is a cable of 100 Mbit/s from switch 1 to switch 2 that two
// projects share: what the allocator has admitted, the meters that the switches
// are to hold, and what streams of both projects send, as a fluid.
type commons struct {
	*rapid.T
	now      time.Time
	snapshot *topology.Snapshot
	a        *allocator.Allocator
	limits   map[string]allocator.Limits
	wanted   *flow.Wanted
	states   map[openflow.DPID]*flow.State
	circuits map[string]path.Circuit // that are installed, by ID
	streams  []stream
}

// A stream is traffic of a project from a host of switch 1 to one of switch 2.
type stream struct {
	project string
	key     path.FlowKey
	sends   bitrate.Rate
}

const (
	cable = 100 * bitrate.Mbps
	sure  = 10 * bitrate.Mbps // of best effort: half of what is never reserved
	trunk = openflow.PortNo(9)
)

func newCommons(t *rapid.T) *commons {
	s := &topology.Snapshot{
		Revision: 1, Wiring: 1, Switches: map[openflow.DPID]topology.Switch{}, Links: map[topology.PortID]topology.Link{}, Tree: map[topology.PortID]bool{},
	}
	flooded := rapid.Bool().Draw(t, "on the tree")
	for d := openflow.DPID(1); d <= 2; d++ {
		ports := map[openflow.PortNo]topology.Port{}
		for no := openflow.PortNo(1); no <= 2; no++ {
			at := topology.PortID{DPID: d, Port: no}
			ports[no] = topology.Port{ID: at, Up: true, Role: topology.Edge, Capacity: bitrate.Gbps}
			s.Attachments = append(s.Attachments, topology.Attachment{Prefix: netip.PrefixFrom(commoner(d, no), 32), At: at})
		}
		at, to := topology.PortID{DPID: d, Port: trunk}, topology.PortID{DPID: 3 - d, Port: trunk}
		ports[trunk] = topology.Port{ID: at, Up: true, Role: topology.Trunk, Capacity: cable}
		s.Switches[d] = topology.Switch{DPID: d, Connected: true, Tables: 254, Meters: 1 << 18, Ports: ports}
		s.Tree[at] = flooded
		s.Links[at] = topology.Link{ID: topology.LinkID{From: at, To: to}, Capacity: cable, Metric: 1}
	}
	c := &commons{
		T: t, now: time.Unix(1_000_000, 0), snapshot: s, limits: map[string]allocator.Limits{},
		states: map[openflow.DPID]*flow.State{}, circuits: map[string]path.Circuit{},
		wanted: flow.NewWanted(flow.Policy{Forwarding: flow.ForwardL2, Meter: true, Spare: 0.2}),
	}
	ids := 0
	var err error
	c.a, err = allocator.Open(context.Background(), allocator.Config{
		Store: storetest.NewMemory(), Reservable: 0.8, Network: func() *topology.Snapshot { return s },
		Limits: func(project string) allocator.Limits { return c.limits[project] },
		Now:    func() time.Time { return c.now },
		NewID:  func() string { ids++; return fmt.Sprint("id", ids) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c.wanted.SetNetwork(s)
	for d := range s.Switches {
		c.states[d] = c.wanted.Watch(d).State()
		c.wanted.Compared(d, nil)
	}
	return c
}

// commoner returns the address of the host at a port of a switch.
func commoner(d openflow.DPID, no openflow.PortNo) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(d), byte(no)})
}

// work carries out what is due, as a perfect network does, and has the switches
// follow.
func (c *commons) work() {
	for range 1000 {
		more, err := c.a.Plan(context.Background())
		if err != nil {
			c.Fatal(err)
		}
		tasks, _ := c.a.Due(100)
		for _, task := range tasks {
			id, report := task.Circuit.ID, c.a.Removed
			if task.Do == allocator.Install {
				c.circuits[id], report = task.Circuit, c.a.Installed
				c.wanted.SetCircuit(id, []path.Circuit{task.Circuit})
			} else {
				delete(c.circuits, id)
				c.wanted.SetCircuit(id, nil)
			}
			if err := report(task); err != nil {
				c.Fatal(err)
			}
			c.follow()
		}
		if !more && len(tasks) == 0 {
			c.wanted.CatchUp()
			c.follow()
			return
		}
	}
	c.Fatal("the work does not come to an end")
}

// follow has the switches hold what is wanted, and checks that the meters of
// the cable let through no more than it carries.
func (c *commons) follow() {
	c.wanted.Take(1, func(d openflow.DPID, p flow.Patch) { c.states[d].Patch(p) })
	var sum bitrate.Rate
	for _, one := range c.circuits {
		if one.Rate > 0 {
			sum += max(one.Rate, c.limit(policerOf(one), 0))
		}
	}
	best, _ := purpose.PortID(trunk)
	if sum += c.limit(best, 0); sum > cable+300*bitrate.Kbps {
		c.Fatalf("the meters of a cable of %v let %v through", cable, sum)
	}
}

// limit returns what a meter of switch 1 lets through, or another rate if it
// has none.
func (c *commons) limit(id openflow.MeterID, or bitrate.Rate) bitrate.Rate {
	if m, there := c.states[1].Meters[id]; there {
		return bitrate.Rate(m.Rate) * bitrate.Kbps
	}
	return or
}

// policerOf returns the meter of a circuit in switch 1.
func policerOf(one path.Circuit) openflow.MeterID {
	if len(one.Path) > 0 && one.Path[0].DPID != 1 {
		return purpose.BackPolicerID(one.Handle)
	}
	return purpose.PolicerID(one.Handle)
}

// carriedBy returns the ID of the circuit that carries a stream, "" for best
// effort.
func (c *commons) carriedBy(s stream) (id string) {
	for _, one := range c.circuits {
		if !one.Key.Meets(s.key) {
			continue
		}
		had := c.circuits[id]
		if a, b := precedence(one), precedence(had); id == "" || a > b || a == b && one.Handle < had.Handle {
			id = one.ID
		}
	}
	if c.circuits[id].Rate == 0 {
		return ""
	}
	return id
}

// precedence returns how early entries of a circuit are met.
func precedence(one path.Circuit) int {
	p := 2 * one.Key.Specificity()
	if one.Rate > 0 {
		p++
	}
	return p
}

// offered returns what streams send by each circuit, and "" for best effort.
func (c *commons) offered() map[string]bitrate.Rate {
	offered := map[string]bitrate.Rate{}
	for _, s := range c.streams {
		offered[c.carriedBy(s)] += s.sends
	}
	return offered
}

// passed returns which part of what is offered gets through, by circuit.
func (c *commons) passed(offered map[string]bitrate.Rate) map[string]float64 {
	got, all := map[string]bitrate.Rate{}, bitrate.Rate(0)
	for id, sent := range offered {
		limit := c.limit(policerOf(c.circuits[id]), cable)
		if id == "" {
			best, _ := purpose.PortID(trunk)
			limit = c.limit(best, cable)
		}
		got[id] = min(sent, limit)
		all += got[id]
	}
	parts := map[string]float64{}
	for id, sent := range offered {
		parts[id] = float64(got[id]) / float64(max(sent, 1)) * min(1, float64(cable)/float64(max(all, 1)))
	}
	return parts
}

// pass lets a minute go by, in which meters are read every five seconds.
func (c *commons) pass() {
	for range 12 {
		c.now = c.now.Add(5 * time.Second)
		at, offered := c.now, c.offered()
		load := func(sent, limit bitrate.Rate) flow.Load {
			return flow.Load{At: at, Span: 5 * time.Second, Entered: sent, Dropped: sent - min(limit, sent)}
		}
		loads := func(d openflow.DPID, id openflow.MeterID) (flow.Load, bool) {
			kind, of := purpose.ReadMeter(id)
			switch {
			case d != 1:
			case kind == purpose.MeterBestEffort && openflow.PortNo(of) == trunk:
				return load(offered[""], c.limit(id, cable)), true
			case kind == purpose.MeterPolicer:
				for circuit, one := range c.circuits {
					if policerOf(one) == id {
						return load(offered[circuit], c.limit(id, cable)), true
					}
				}
			}
			return load(0, 0), true
		}
		for id, one := range c.circuits {
			policer := policerOf(one)
			if l := load(offered[id], c.limit(policer, cable)); l.Drops() {
				c.wanted.Dropping(1, policer)
			}
		}
		best, _ := purpose.PortID(trunk)
		if l := load(offered[""], c.limit(best, cable)); l.Drops() {
			c.wanted.Dropping(1, best)
		}
		for range 5 { // seconds
			c.wanted.Lend(loads, c.now)
			c.follow()
		}
		c.work()
	}
}

// fair returns which part of what is sent best effort would pass beside what is
// admitted, were all of it best effort that its rate does not suffice for.
func (c *commons) fair(offered map[string]bitrate.Rate) (part float64) {
	lent := c.wanted.Lent()
	pool, all := cable-(sure-min(offered[""], sure)), offered[""]
	floors, sent := []bitrate.Rate{sure}, []bitrate.Rate{offered[""]}
	for id, one := range c.circuits {
		limit := c.limit(policerOf(one), cable)
		switch {
		case one.Rate == 0:
		case offered[id] > limit || lent[id] != (flow.PerDirection{}) || limit == cable && offered[id] > one.Rate:
			all += offered[id]
			floors, sent = append(floors, one.Rate), append(sent, offered[id])
		case limit == cable:
			pool -= min(one.Rate, pool)
		default:
			pool -= min(limit, pool)
		}
	}
	for again := true; again; {
		part, again = min(float64(pool)/float64(max(all, 1)), 1), false
		for i, floor := range floors {
			if float64(sent[i])*part < float64(min(floor, sent[i])) {
				pool, all = pool-min(floor, pool), all-sent[i]
				floors[i], sent[i], again = 0, 0, true
			}
		}
	}
	return part
}

// check finds that each stream gets its part of what the allocation that it is
// part of was promised, or what best effort would give it if that is more.
func (c *commons) check(after string) {
	offered := c.offered()
	parts, fair := c.passed(offered), c.fair(offered)
	for _, s := range c.streams {
		id := c.carriedBy(s)
		want := fair
		if id != "" {
			want = max(fair, min(1, float64(c.circuits[id].Rate)/float64(max(offered[id], 1))))
		}
		if got := parts[id]; s.sends > 100*bitrate.Kbps && got < 0.6*want {
			c.Fatalf("after %s a stream of %s, %v, has %.2f of %v by %q of %v, which is sent %v; %.2f would be right, and best effort is sent %v and passes %.2f",
				after, s.project, s.key, got, s.sends, id, c.circuits[id].Rate, offered[id], want, offered[""], parts[""])
		}
	}
}

// key draws traffic of streams: all between two hosts, or that of some ports.
func (c *commons) key() path.FlowKey {
	k := rapid.SampledFrom(c.streams).Draw(c.T, "of").key
	switch rapid.SampledFrom([]string{"all", "to", "from", "both"}).Draw(c.T, "ports") {
	case "all":
		k.Proto, k.SrcPort, k.DstPort = path.ProtoAny, path.Ports{}, path.Ports{}
	case "to":
		k.SrcPort = path.Ports{}
	case "from":
		k.DstPort = path.Ports{}
	}
	if rapid.Bool().Draw(c.T, "back") {
		return k.Reverse()
	}
	return k
}

func (c *commons) rate() bitrate.Rate {
	return rapid.SampledFrom([]bitrate.Rate{0, 100 * bitrate.Kbps, bitrate.Mbps, 5 * bitrate.Mbps, 20 * bitrate.Mbps, 60 * bitrate.Mbps}).Draw(c.T, "rate")
}

// own returns the ID of an allocation of a project, "" if it has none.
func (c *commons) own(by string) string {
	list := c.a.Live(by)
	if len(list) == 0 {
		return ""
	}
	return rapid.SampledFrom(list).Draw(c.T, "one").ID
}

// TestProjectsTakeNoShare has two projects ask for each other's traffic,
// change, release and be limited at random, while streams of both send more and
// less. No operation takes of any stream what it was promised, or what best
// effort would give it beside what is admitted, once the meters have been read
// for a minute. That is to within what loans are rounded by.
func TestProjectsTakeNoShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCommons(t)
		sends := rapid.SampledFrom([]bitrate.Rate{0, bitrate.Mbps, 10 * bitrate.Mbps, 50 * bitrate.Mbps, 120 * bitrate.Mbps})
		for i := range rapid.IntRange(2, 6).Draw(t, "streams") {
			k := path.FlowKey{
				Src: path.Host(commoner(1, openflow.PortNo(1+i%2))), Dst: path.Host(commoner(2, openflow.PortNo(1+i/2%2))),
				Proto: path.ProtoTCP, SrcPort: path.Port(uint16(1000 + i)), DstPort: path.Port(uint16(80 + i%3)),
			}
			c.streams = append(c.streams, stream{[]string{"p", "q"}[i%2], k, sends.Draw(t, "sends")})
		}
		for range rapid.IntRange(2, 8).Draw(t, "steps") {
			by := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "by")
			step := rapid.SampledFrom([]string{"ask", "ask", "ask", "change", "release", "limit", "send"}).Draw(t, "step")
			switch step {
			case "ask":
				for range rapid.IntRange(1, 3).Draw(t, "requests") {
					_, _ = c.a.Create(context.Background(), allocator.Request{UserID: "u", ProjectID: by, Key: c.key(), Bandwidth: c.rate(), Duration: 3600})
				}
			case "change":
				if id := c.own(by); id != "" {
					ch := allocator.Change{Bandwidth: new(c.rate())}
					if rapid.Bool().Draw(t, "other traffic") {
						ch = allocator.Change{Key: new(c.key())}
					}
					_, _ = c.a.Update(context.Background(), id, 0, ch)
				}
			case "release":
				if id := c.own(by); id != "" {
					_ = c.a.Release(context.Background(), id, 0)
				}
			case "limit":
				c.limits[by] = allocator.Limits{Bandwidth: new(rapid.SampledFrom([]bitrate.Rate{0, 20 * bitrate.Mbps}).Draw(t, "limit"))}
				c.a.LimitsChanged()
			case "send":
				c.streams[rapid.IntRange(0, len(c.streams)-1).Draw(t, "stream")].sends = sends.Draw(t, "sends")
			}
			c.work()
			c.pass()
			c.check(step)
		}
	})
}
