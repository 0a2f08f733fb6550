package flow

import (
	"testing"

	"conga/controller/purpose"
	"conga/openflow"
)

// config returns a meter as a switch reports it.
func config(number openflow.MeterID, m Meter) openflow.MeterConfig {
	mod := m.modify(number, openflow.MeterAdd)
	return openflow.MeterConfig{Meter: number, Flags: mod.Flags, Bands: mod.Bands}
}

// TestNumbersOfOthersAreSurveyed: after a survey just those numbers are taken
// for others' at which the switch has reported meters that are not ours, and
// they are given to none of ours.
func TestNumbersOfOthersAreSurveyed(t *testing.T) {
	n := NewNumbers(10, shortBurst)
	mine := purpose.PolicerID(1)
	n.assign(mine)
	read := func(number openflow.MeterID, want openflow.MeterID) {
		t.Helper()
		m := police(5000, shortBurst)
		id, got, ok := n.ReadMeter(config(number, m))
		if ok != (want != 0) || id != want || ok && got != m || !ok && got != (Meter{}) {
			t.Errorf("meter %d is read as %#x, %+v, ours %t", number, uint32(id), got, ok)
		}
	}
	read(10, mine)
	read(5, 0)
	if n.Surveyed(); n.Room() != 10 {
		t.Errorf("room for %d without a survey, want 10", n.Room())
	}
	n.Survey()
	for _, number := range []openflow.MeterID{1, 9, 11, 1000} {
		read(number, 0)
	}
	read(10, mine)
	if n.Room() != 10 {
		t.Errorf("room for %d while the survey is not over, want 10", n.Room())
	}
	if n.Surveyed(); n.Room() != 8 {
		t.Errorf("room for %d beside two others in the range, want 8", n.Room())
	}
	for want := openflow.MeterID(8); want > 1; want-- {
		if id := purpose.PolicerID(uint32(want)); !n.assign(id) || n.Number(id) != want {
			t.Errorf("the next number is %d, want %d", n.Number(id), want)
		}
	}
	if n.assign(purpose.PolicerID(99)) {
		t.Error("a number of another's is given")
	}
	n.Survey()
	read(9, 0)
	if n.Surveyed(); n.Room() != 9 || !n.assign(purpose.PolicerID(99)) || n.Number(purpose.PolicerID(99)) != 1 {
		t.Errorf("room for %d, and number %d after another's has gone", n.Room(), n.Number(purpose.PolicerID(99)))
	}
}

// TestOthersAreBounded: however many meters others have, only so many are kept.
func TestOthersAreBounded(t *testing.T) {
	n := NewNumbers(2*mostOthers, shortBurst)
	n.Survey()
	for number := range openflow.MeterID(mostOthers + 9) {
		n.ReadMeter(config(number+1, Meter{Rate: 1}))
	}
	if n.Surveyed(); n.Room() != mostOthers {
		t.Errorf("room for %d, want %d", n.Room(), mostOthers)
	}
	id := purpose.PolicerID(1)
	n.assign(id)
	before := n.Number(id)
	if n.cede(id) || n.Number(id) != before {
		t.Errorf("number %d is ceded though too many others are known", before)
	}
}

// TestAnyNumber: where a switch takes any number, identifiers are numbers.
func TestAnyNumber(t *testing.T) {
	var n *Numbers
	n.Survey()
	n.Surveyed()
	n.free(purpose.FloodID)
	for number, ours := range map[openflow.MeterID]bool{purpose.FirstID - 1: false, purpose.FirstID: true, purpose.LastID: true, purpose.LastID + 1: false} {
		id, _, ok := n.ReadMeter(config(number, Meter{Rate: 1}))
		if ok != ours || ok && id != number || n.Number(number) != number || !n.assign(number) {
			t.Errorf("meter %#x is read as %#x, ours %t", uint32(number), uint32(id), ok)
		}
	}
}

// policedEntry returns an entry of a circuit as a switch reports it that has
// meters by number.
func policedEntry(in openflow.PortNo, owner uint64, number openflow.MeterID) openflow.FlowStats {
	return openflow.FlowStats{
		Table: tableAllocations, Priority: prioAllocation, Cookie: purpose.MakeCookie(purpose.Allocation, owner),
		Match: openflow.Match{openflow.InPort(in)}, Instructions: []openflow.Instruction{openflow.Meter(number), openflow.ApplyActions(openflow.Output(9, 0))},
	}
}

// TestEntriesSayWhoseMetersAre: the meter of an entry of ours gets the
// identifier of the one that is wanted in its place. One that an entry goes
// through which is not wanted is a stray, until it turns out to be wanted.
func TestEntriesSayWhoseMetersAre(t *testing.T) {
	wanted := func(in openflow.PortNo, handle uint32) *Rule {
		r := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(in)}, openflow.Meter(purpose.PolicerID(handle)), openflow.ApplyActions(openflow.Output(9, 0)))
		r.Cookie = purpose.MakeCookie(purpose.Allocation, uint64(handle))
		return r
	}
	n := NewNumbers(100, shortBurst)
	r := NewReconciler(Whole{Rules: []*Rule{wanted(1, 7), wanted(2, 8), wanted(3, 8)}}, 1)
	r.Suit(n, shortBurst)
	n.Find()
	for number := openflow.MeterID(90); number < 95; number++ {
		n.Found(config(number, police(5000, shortBurst)))
	}
	n.Found(config(95, Meter{Rate: 5000, Burst: 1})) // is not such as we add
	n.AllFound()
	for _, x := range []struct {
		name string
		fs   openflow.FlowStats
		want openflow.MeterID
	}{
		{"of a circuit that is not wanted", policedEntry(9, 99, 90), purpose.StrayIDs},
		{"of one more", policedEntry(8, 99, 91), purpose.StrayIDs + 1},
		{"of a wanted one", policedEntry(1, 7, 92), purpose.PolicerID(7)},
		{"of a wanted one, by another meter", policedEntry(1, 7, 93), purpose.StrayIDs + 2},
		{"that was taken for a stray", policedEntry(2, 8, 91), purpose.PolicerID(8)},
		{"of another entry of that circuit", policedEntry(3, 8, 91), purpose.PolicerID(8)},
		{"of another owner's entry in its place", policedEntry(3, 5, 90), purpose.StrayIDs},
		{"that is another's", policedEntry(4, 8, 95), 95},
		{"that is not there", policedEntry(4, 8, 96), 96},
	} {
		if r.Translate(&x.fs); x.fs.Instructions[0].Meter != x.want || x.fs.Instructions[1].Type != openflow.InstructionApplyActions {
			t.Errorf("a meter %s: %#x, want %#x", x.name, uint32(x.fs.Instructions[0].Meter), uint32(x.want))
		}
	}
	strange := policedEntry(1, 7, 94)
	strange.Cookie = 1
	if r.Translate(&strange); strange.Instructions[0].Meter != 94 {
		t.Errorf("an entry of another's goes through %#x", uint32(strange.Instructions[0].Meter))
	}
	r.TellMeters()
	for id, there := range map[openflow.MeterID]bool{purpose.PolicerID(7): true, purpose.PolicerID(8): true, purpose.StrayIDs: true, purpose.StrayIDs + 1: false, purpose.StrayIDs + 2: true, purpose.PolicerID(9): false} {
		if r.KnowsMeter(id) != there || there && r.meters[id].have == nil {
			t.Errorf("meter %#x is known: %t", uint32(id), !there)
		}
	}
	if n.Room() != 98 {
		t.Errorf("room for %d, want 98", n.Room())
	}
	plain := policedEntry(1, 7, 90)
	other := NewReconciler(Whole{}, 1)
	if other.Translate(&plain); plain.Instructions[0].Meter != 90 {
		t.Errorf("where numbers are identifiers %d has become %#x", 90, uint32(plain.Instructions[0].Meter))
	}
}

// TestKnows: an entry is known that is wanted, or thought to be there.
func TestKnows(t *testing.T) {
	want := newRule(purpose.Control, tableLearning, 7, openflow.Match{openflow.InPort(1)})
	have := newRule(purpose.Control, tableLearning, 7, openflow.Match{openflow.InPort(2)})
	r := NewReconciler(Whole{Rules: []*Rule{want}, Meters: map[openflow.MeterID]Meter{purpose.FloodID: {Rate: 1}}}, 1)
	stats := func(x *Rule) *openflow.FlowStats {
		return &openflow.FlowStats{Table: x.Table, Priority: x.Priority, Cookie: x.Cookie, Match: x.Match, Instructions: x.Instructions}
	}
	if !r.Knows(stats(want)) || r.Knows(stats(have)) || !r.KnowsMeter(purpose.FloodID) || r.KnowsMeter(purpose.UnknownID) {
		t.Error("what is wanted is not known, or what is not is")
	}
	r.Tell(stats(have))
	other := newRule(purpose.Control, tableLearning, 8, openflow.Match{openflow.InPort(1)})
	if !r.Knows(stats(have)) || r.Knows(stats(other)) {
		t.Error("what is there is not known, or what is not is")
	}
	strange := stats(want)
	if strange.Cookie = 5; r.Knows(strange) {
		t.Error("another's entry is known")
	}
}
