package flow

import (
	"slices"
	"testing"
	"time"

	"conga/controller/topology"
	"conga/openflow"
)

// relay is a network as spreading has it, whose switches answer when the test
// says so.
type relay struct {
	*spreading
	test *testing.T
}

// newRelay returns switches that are joined by cables, all of them connected
// and at rest. Hosts are behind port 4.
func newRelay(t *testing.T, switches int, cables ...[2]topology.PortID) *relay {
	t.Helper()
	r := &relay{emptySpreading(switches), t}
	for _, c := range cables {
		r.plug(c[0], c[1])
	}
	r.publish()
	r.spreading.pass(3 * time.Second)
	r.publish()
	r.rest()
	return r
}

// inLine returns cables that join switches one after the other, by port 2 of
// each and port 1 of the next.
func inLine(switches int) (cables [][2]topology.PortID) {
	for d := openflow.DPID(1); d < openflow.DPID(switches); d++ {
		cables = append(cables, [2]topology.PortID{at(d, 2), at(d+1, 1)})
	}
	return cables
}

// land has a switch carry out, and confirm, all that is sent to it, but for
// what it refuses. It reports whether something was.
func (r *relay) land(d openflow.DPID) bool {
	x, some := r.devices[d], false
	for x.r != nil && x.begun {
		if x.flight = x.r.Next(1000, r.now); len(x.flight) == 0 {
			return some
		}
		x.refused, x.done, some = map[int]error{}, 0, true
		r.spreading.land(d)
	}
	return some
}

// rest has all switches do so until nothing is left to be sent, but for some.
func (r *relay) rest(but ...openflow.DPID) {
	for more := true; more; {
		more = false
		for d := range r.devices {
			more = !slices.Contains(but, d) && r.land(d) || more
		}
	}
}

// seen has a host appear at port 4 of a switch.
func (r *relay) seen(n, d openflow.DPID) {
	r.builder.HostSeen(0, at(d, 4), host(n), nil, false, r.now)
	r.publish()
}

// moves has the port of a host go down, and the host appear at port 4 of a
// switch.
func (r *relay) moves(n, d openflow.DPID) {
	was := r.at(n)
	r.builder.PortChanged(d, openflow.PortModified, openflow.Port{No: 4}, r.now)
	r.builder.PortChanged(was.DPID, openflow.PortModified, openflow.Port{No: was.Port, State: openflow.PortStateLinkDown}, r.now)
	r.spreading.pass(3 * time.Second)
	r.seen(n, d)
}

// gone has a host forgotten.
func (r *relay) gone(n openflow.DPID) {
	r.builder.PortChanged(r.at(n).DPID, openflow.PortDeleted, openflow.Port{No: r.at(n).Port}, r.now)
	r.publish()
}

func (r *relay) at(n openflow.DPID) topology.PortID {
	h, _ := r.snapshot.Hosts.Get(named(n))
	return h.At
}

// ways returns by which ports the switches send frames for a host, in their
// order: -1: they have no entry, 0: they drop.
func (r *relay) ways(n openflow.DPID) (ports []int) {
	for d := openflow.DPID(1); d <= openflow.DPID(len(r.devices)); d++ {
		rule := r.devices[d].holds.Rules[openflow.EntryKey{Table: tableForwarding, Priority: prioHost, Match: newStation(named(n)).key}]
		switch out := []openflow.PortNo(nil); {
		case rule == nil:
			ports = append(ports, -1)
		case len(outputs(rule)) == 0:
			ports = append(ports, 0)
		default:
			out = outputs(rule)
			ports = append(ports, int(out[0]))
		}
	}
	return ports
}

func (r *relay) want(when string, n openflow.DPID, ports ...int) {
	r.test.Helper()
	if got := r.ways(n); !slices.Equal(got, ports) {
		r.test.Fatalf("%s: the switches send by %v, want %v", when, got, ports)
	}
}

// Entries towards a host spread from its switch outward, one switch after the
// other, as each confirms, and follow it when it moves.
func TestEntriesSpreadOutward(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	for _, d := range []openflow.DPID{1, 2, 3} {
		if r.land(d) {
			t.Errorf("switch %d is asked for something before the host's own switch has confirmed", d)
		}
	}
	r.land(4)
	r.want("its own switch has confirmed", 1, -1, -1, -1, 4)
	if r.land(1) || r.land(2) {
		t.Error("an entry is asked for of switches behind one that has none")
	}
	r.land(3)
	r.want("the next one has confirmed", 1, -1, -1, 2, 4)
	r.land(2)
	r.land(1)
	r.want("all have", 1, 2, 2, 2, 4)

	r.moves(1, 1)
	r.rest(1)
	r.want("it has moved, and its new switch says nothing", 1, 2, 2, 2, 4)
	r.rest()
	r.want("it has moved", 1, 4, 1, 1, 1)
}

// A switch gives its entry up as well if the one that led there turns out to
// have lost its own.
func TestEntriesGoWhereNoneLeadsAfterAll(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.want("at rest", 1, 2, 2, 2, 4)
	r.disconnect(2)
	r.devices[2].holds = NewState()
	r.connect(2)
	for _, id := range []topology.PortID{at(3, 2), at(4, 1)} {
		delete(r.cables, id)
		r.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port, State: openflow.PortStateLinkDown}, r.now)
	}
	r.publish()
	r.compare(2)
	r.rest()
	r.want("the last cable is cut", 1, -1, -1, -1, 4)
}

// Entries go the other way round: a switch gives its own up when no other leads
// there any more.
func TestEntriesGoFromTheFarEnd(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.want("at first", 1, 2, 2, 2, 4)
	r.gone(1)
	r.rest(1)
	r.want("the farthest one says nothing", 1, 2, 2, 2, 0)
	r.land(1)
	r.want("that has given it up", 1, -1, 2, 2, 0)
	r.land(2)
	r.land(3)
	r.want("so have the next ones", 1, -1, -1, -1, 0)
	r.rest()
	r.want("all have", 1, -1, -1, -1, -1)
	if len(r.wanted.stations) != 0 || len(r.wanted.slots) != 1 || len(r.wanted.free) != 1 {
		t.Errorf("%d hosts, %d slots of which %d are free", len(r.wanted.stations), len(r.wanted.slots), len(r.wanted.free))
	}
	for n := openflow.DPID(2); n <= 3; n++ {
		r.builder.HostSeen(0, at(1, 5), host(n), nil, false, r.now)
		r.publish()
		r.rest()
		r.want("another one", n, 5, 1, 1, 1)
	}
	if len(r.wanted.slots) != 2 || len(r.wanted.free) != 0 {
		t.Errorf("%d slots, of which %d are free", len(r.wanted.slots), len(r.wanted.free))
	}
}

// Behind a switch that refuses an entry others go without, and lose what they
// had; when it takes it they have theirs again.
func TestEntriesBehindARefusal(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.devices[3].refuses[host(1)] = true
	r.seen(1, 4)
	r.rest()
	r.want("refused", 1, -1, -1, -1, 4)
	if r.wanted.refusals != 1 {
		t.Errorf("%d refusals", r.wanted.refusals)
	}
	retry := func() {
		for range 3 {
			r.now = r.now.Add(time.Minute)
			for _, x := range r.devices {
				x.r.Retry(r.now)
			}
			r.rest()
		}
	}
	retry()
	r.want("refused again", 1, -1, -1, -1, 4)
	r.devices[3].refuses[host(1)] = false
	retry()
	r.want("taken", 1, 2, 2, 2, 4)
	if r.wanted.refusals != 0 {
		t.Errorf("%d refusals", r.wanted.refusals)
	}
	r.devices[3].refuses[host(1)] = true // and it loses the one that it has
	key := openflow.EntryKey{Table: tableForwarding, Priority: prioHost, Match: newStation(named(1)).key}
	cookie := r.devices[3].holds.Rules[key].Cookie
	delete(r.devices[3].holds.Rules, key)
	if !r.devices[3].r.Vanished(key, cookie) {
		t.Fatal("the entry was not known")
	}
	r.report(3)
	r.rest()
	r.want("lost and refused", 1, -1, -1, -1, 4)
}

// A port that comes to lead to another switch drops what still goes out there,
// until the way from that switch is known to be whole; one that leads where it
// led goes on.
func TestPortThatLeadsElsewhere(t *testing.T) {
	r := newRelay(t, 4, append(inLine(4), [2]topology.PortID{at(1, 3), at(4, 3)})...)
	r.seen(1, 2)
	r.rest()
	r.want("at first", 1, 2, 4, 1, 1)
	r.disconnect(4)
	r.connect(4) // what it holds is not known yet
	a, b := at(1, 2), at(4, 5)
	r.drop(a, at(2, 1))
	r.drop(at(1, 3), at(4, 3))
	r.cables[a], r.cables[b] = b, a
	for _, id := range []topology.PortID{a, b} {
		r.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port}, r.now)
	}
	r.builder.LinkSeen(a, b, r.now)
	r.builder.LinkSeen(b, a, r.now)
	r.publish()
	r.rest(4)
	r.want("the port leads to a switch of which nothing is known", 1, 0, 4, 1, 1)
	r.compare(4)
	r.rest()
	r.want("that has an entry", 1, 2, 4, 1, 1)
}

// drop takes out a cable; both ports go down.
func (r *relay) drop(ids ...topology.PortID) {
	for _, id := range ids {
		delete(r.cables, id)
		r.builder.PortChanged(id.DPID, openflow.PortModified, openflow.Port{No: id.Port, State: openflow.PortStateLinkDown}, r.now)
	}
}

// After a connection a switch goes on by a way that is as short as any, and is
// led on by the way that is found where that is longer.
func TestComparedWaysAreKept(t *testing.T) {
	ring := append(inLine(4), [2]topology.PortID{at(1, 3), at(4, 3)})
	for name, c := range map[string]struct {
		course Course
		want   int
	}{
		"the same":           {Course{named(1), 2}, 2},
		"as short":           {Course{named(1), 3}, 3},
		"none":               {Course{named(1), 0}, 2},
		"to no switch":       {Course{named(1), 5}, 2},
		"of no host we know": {Course{named(9), 3}, 2},
	} {
		r := newRelay(t, 4, ring...)
		r.seen(1, 3)
		r.rest()
		if got := r.ways(1); got[0] != 2 {
			t.Fatalf("%s: at first %v", name, got)
		}
		x := r.wanted.stations[named(1)]
		live := x.live
		r.disconnect(1)
		r.connect(1)
		r.wanted.Compared(1, []Course{c.course})
		if h := r.wanted.sites[1].hopOf(x); c.course.Host == named(1) && h.port != c.course.Port {
			t.Errorf("%s: it is taken to send by %d", name, h.port)
		}
		if want := live; c.course.Host == named(1) && c.course.Port == 0 && x.live != want-1 || c.course.Port != 0 && x.live != want {
			t.Errorf("%s: %d switches may have an entry, of %d", name, x.live, live)
		}
		r.take()
		if h := r.wanted.sites[1].hopOf(x); int(h.port) != c.want {
			t.Errorf("%s: it is to send by %d, want %d", name, h.port, c.want)
		}
	}
}

// What is known of a whole way is forgotten when a switch on it is asked for
// another: a switch that is looked at meanwhile is not led to one that still
// leads to it.
func TestWaysThatChangeAreNotWhole(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.moves(1, 1)
	r.rest(2) // it does not answer
	if got := r.ways(1); got[2] != 2 {
		t.Fatalf("%v", got)
	}
	r.disconnect(4)
	r.connect(4)
	r.compare(4)
	r.rest(2)
	if got := r.ways(1); got[3] == 1 {
		t.Errorf("a frame goes to and fro: %v", got)
	}
	r.rest()
	r.want("all have answered", 1, 4, 1, 1, 1)
}

// An entry that a switch is found to have, and was not to have yet, counts: a
// host that goes is known as long as that may be there.
func TestEntryThatIsFound(t *testing.T) {
	r := newRelay(t, 3, inLine(3)[1:]...) // no link leads to switch 1
	r.seen(1, 3)
	r.rest()
	x := r.wanted.stations[named(1)]
	live := x.live
	r.disconnect(1)
	r.connect(1)
	r.wanted.Compared(1, []Course{{named(1), 2}})
	if h := r.wanted.sites[1].hopOf(x); x.live != live+1 || h.port != 2 {
		t.Errorf("%d switches may have an entry, before %d; it is taken to send by %d", x.live, live, h.port)
	}
	if r.take(); r.wanted.sites[1].hopOf(x).port != 0 {
		t.Error("an entry that leads nowhere is left")
	}
}
