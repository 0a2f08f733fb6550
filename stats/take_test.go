package stats

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// read has the ledger read the policer of a switch.
func (f *fabric) read(dpid openflow.DPID) {
	f.ledger.read(dpid, f.answer(dpid).meters, f.now, f.now)
}

// modify has a switch modify its policer, which sets its counts to nothing, and
// the policer read before and after.
func (f *fabric) modify(dpid openflow.DPID) {
	f.now = f.now.Add(time.Millisecond)
	f.read(dpid)
	f.dropped[dpid] = &Volume{}
	f.now = f.now.Add(time.Millisecond)
	f.read(dpid)
}

// What a policer has dropped before it is changed or deleted is in the receipt.
func TestDropsOutliveChangesOfTheMeter(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2))
	f.dropped[1] = &Volume{}
	f.poll()
	for range 3 {
		f.send(1, 1, Volume{1000, 100_000})
		f.send(2, 1, Volume{600, 60_000})
		f.dropped[1] = &Volume{400, 40_000}
		f.modify(1)
		f.send(1, 1, Volume{700, 70_000})
		f.send(2, 1, Volume{200, 20_000})
		f.dropped[1] = &Volume{500, 50_000} // more than before it was changed
		f.poll()
	}
	want := Volume{3 * 900, 3 * 90_000}
	got := f.view(t).Forward
	if got.Dropped != want || got.Entered.minus(got.Delivered) != want {
		t.Errorf("dropped are %v, want %v, of %v that entered and %v that were delivered", got.Dropped, want, got.Entered, got.Delivered)
	}
	if r := got.DroppedRate; r == nil || r.Packets < 179 || r.Packets > 181 { // 900 in 5 s
		t.Errorf("the rate of what is dropped is %+v", r)
	}
	f.dropped[1].Packets, f.dropped[1].Bytes = 510, 51_000
	f.now = f.now.Add(time.Second)
	f.read(1)
	delete(f.dropped, 1)
	f.poll()
	if got := f.view(t).Forward.Dropped; got != want.Plus(Volume{10, 1000}) {
		t.Errorf("with what was read before the meter was deleted dropped are %v", got)
	}
}

// A sample that was asked for before the meter was read may show what it was
// before: it counts nothing.
func TestReadingsCountNothingTwice(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2))
	f.dropped[1] = &Volume{400, 40_000}
	f.poll()
	f.now = f.now.Add(4 * time.Second)
	late := f.answer(1)
	f.modify(1)
	late.at = f.now.Add(time.Millisecond)
	f.take(late)
	f.poll()
	if got, want := f.view(t).Forward.Dropped, (Volume{400, 40_000}); got != want {
		t.Errorf("dropped are %v, want %v", got, want)
	}
}

// What is carried back has a policer of its own, which says so wherever it is.
func TestReadingsKnowTheirDirection(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1, 2))
	f.fallen[2] = &Volume{5, 500}
	f.read(2)
	if got := f.view(t); got.Forward.Dropped != (Volume{}) || got.Reverse.Dropped != (Volume{5, 500}) {
		t.Errorf("dropped are %v forward and %v back", got.Forward.Dropped, got.Reverse.Dropped)
	}
	f.ledger.read(2, openflow.MeterStatsReply{{Meter: purpose.BackPolicerID(8)}, {Meter: purpose.FloodID}}, f.now, f.now)
	if got := f.view(t); got.Reverse.Dropped != (Volume{5, 500}) {
		t.Errorf("meters of others are counted: %v", got.Reverse.Dropped)
	}
}

// Of what a switch lists, the entries of circuits that only pass by are left
// out, and those of a circuit that ended there before are not.
func TestPassingCircuitsAreNotTallied(t *testing.T) {
	l := newLedger()
	circuit := func(handle uint32, dpids ...openflow.DPID) path.Circuit {
		c := path.Circuit{ID: fmt.Sprint(handle), Handle: handle}
		for _, dpid := range dpids {
			c.Path = append(c.Path, path.Hop{DPID: dpid, In: 1, Out: 2})
		}
		return c
	}
	l.install(circuit(1, 1, 2, 3))
	l.install(circuit(2, 2, 3))
	l.install(circuit(3, 4, 2, 5))
	l.install(circuit(3, 4, 2)) // it ended elsewhere before
	var flows openflow.FlowStatsReply
	for owner := range uint64(5) {
		flows = append(flows, openflow.FlowStats{Cookie: purpose.MakeCookie(purpose.Allocation, owner)})
	}
	for dpid, want := range map[openflow.DPID][]uint64{1: {1}, 2: {2, 3}, 3: {1, 2}, 4: {3}, 5: {3}, 6: nil} {
		var got []uint64
		for _, y := range readTallies(flows, l.counted(dpid)) {
			got = append(got, y.owner)
		}
		if !slices.Equal(got, want) {
			t.Errorf("switch %d: entries of %v are tallied, want %v", dpid, got, want)
		}
	}
}
