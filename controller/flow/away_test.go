package flow

import (
	"testing"
	"time"

	"conga/openflow"
)

// A switch whose session has ended goes on leading by what it had confirmed:
// one that comes back empty is asked for its entries over it at once, and not
// over one of which that is not certain.
func TestEntriesOverASwitchThatIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*relay) // it goes
		want   []int
	}{
		"it had confirmed": {func(*relay) {}, []int{2, 2, 2, 4}},
		"it was asked for another": {func(r *relay) {
			r.moves(1, 1)
			r.rest(2)
			r.moves(1, 4)
			r.rest(2)
		}, nil},
		"it had lost it": {func(r *relay) {
			r.devices[2].refuses[host(1)] = true
			key := openflow.EntryKey{Table: tableForwarding, Priority: prioHost, Match: newStation(named(1)).key}
			rule := r.devices[2].holds.Rules[key]
			delete(r.devices[2].holds.Rules, key)
			r.devices[2].r.Vanished(key, rule.Cookie)
			r.report(2)
			r.rest()
		}, []int{-1, -1, 2, 4}},
		"it had not been compared": {func(r *relay) {
			r.disconnect(2)
			r.connect(2)
		}, []int{-1, 2, 2, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t, 4, inLine(4)...)
			r.seen(1, 4)
			r.rest()
			c.before(r)
			r.disconnect(2)
			r.disconnect(1)
			r.devices[1].holds = NewState() // it has been off
			r.connect(1)
			r.compare(1)
			r.rest()
			if c.want != nil {
				r.want("one is away, the other empty", 1, c.want...)
			} else if got := r.ways(1); got[0] != -1 && got[0] != 0 {
				t.Errorf("it is led over a switch that may hold another port: %v", got)
			}
			clear(r.devices[2].refuses)
			r.connect(2)
			r.compare(2)
			for range 3 {
				r.now = r.now.Add(time.Minute)
				for _, x := range r.devices {
					x.r.Retry(r.now)
				}
				r.rest()
			}
			r.want("all are back", 1, 2, 2, 2, 4)
		})
	}
}

// What a switch that is away held of a host that has gone is not taken for what
// it holds of another one that has the slot.
func TestSlotOfASwitchThatIsAway(t *testing.T) {
	r := newRelay(t, 3, inLine(3)...)
	r.seen(1, 3)
	r.rest()
	r.disconnect(2)
	r.gone(1)
	r.rest()
	r.builder.PortChanged(3, openflow.PortAdded, openflow.Port{No: 5}, r.now)
	r.spreading.pass(3 * time.Second)
	r.publish()
	r.builder.HostSeen(0, at(3, 5), host(2), nil, false, r.now)
	r.publish()
	r.rest()
	if r.wanted.stations[named(2)].slot != 0 {
		t.Error("the slot is not used again")
	}
	r.disconnect(1)
	r.connect(1)
	r.compare(1) // its entries are decided anew
	r.rest()
	if got := r.ways(2); got[0] != -1 || got[2] != 5 {
		t.Errorf("%v", got)
	}
	r.connect(2)
	r.compare(2)
	r.rest()
	r.want("it is back", 2, 2, 2, 5)
}

// A switch that comes back without its entry, while another leads to it, drops
// until the way beyond it is known to be whole again; one to which no other
// leads waits.
func TestSwitchThatLostItsEntryDrops(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.disconnect(3)
	r.connect(3) // what it holds is not known yet
	for _, d := range []openflow.DPID{1, 2} {
		r.disconnect(d)
		r.devices[d].holds = NewState()
		r.connect(d)
	}
	r.compare(2)
	r.rest(3)
	r.want("none is known to lead to it", 1, -1, -1, 2, 4)

	r.compare(3)
	r.compare(1)
	r.rest()
	r.want("all are known", 1, 2, 2, 2, 4)
	r.disconnect(3)
	r.connect(3)
	r.disconnect(2)
	r.devices[2].holds = NewState()
	r.connect(2)
	r.compare(2)
	r.rest(3)
	r.want("one leads to it", 1, 2, 0, 2, 4)
	r.compare(3)
	r.rest()
	r.want("all are known again", 1, 2, 2, 2, 4)
}

// Entries towards a host that has gone, which stay because a switch leads to
// them, go when the session of that switch ends.
func TestEntriesThatLingerForASwitchThatGoes(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.gone(1)
	r.rest(1)
	r.want("it does not answer", 1, 2, 2, 2, 0)
	r.disconnect(1)
	r.publish()
	r.rest()
	r.want("it has gone", 1, 2, -1, -1, -1)
}

// A switch behind one that is away is asked for its entry when the one beyond
// has confirmed its own.
func TestBehindOneThatIsAway(t *testing.T) {
	r := newRelay(t, 4, inLine(4)...)
	r.seen(1, 4)
	r.rest()
	r.disconnect(2) // goes on forwarding
	r.disconnect(1)
	r.devices[1].holds = NewState() // it has been off
	r.disconnect(3)
	r.connect(3)
	r.connect(1)
	r.compare(1) // before 3 is
	r.rest()
	r.compare(3)
	r.rest()
	r.want("3 holds what it should, and so does 2", 1, 2, 2, 2, 4)
}
