package stats

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// TestIntents: a move has the reason for which its path was chosen, whatever is
// told before and after.
func TestIntents(t *testing.T) {
	told := func(seq ...intent) []intent { return seq }
	for name, tc := range map[string]struct {
		told      []intent
		confirmed []uint64
		moves     []string
		left      int
	}{
		"another path":               {told(intent{6, "cut"}), []uint64{6}, []string{"cut"}, 0},
		"told again with another":    {told(intent{6, "cut"}, intent{6, "changed"}, intent{6, ""}), []uint64{6}, []string{"cut"}, 0},
		"the same path":              {told(intent{5, "changed"}), []uint64{5, 6}, []string{""}, 0},
		"lost, then another":         {told(intent{0, "cut"}, intent{6, ""}), []uint64{6}, []string{"cut"}, 0},
		"lost, then for a reason":    {told(intent{0, "cut, no path"}, intent{6, "cut"}), []uint64{6}, []string{"cut"}, 0},
		"lost, then the same":        {told(intent{0, "cut"}, intent{5, ""}, intent{6, "changed"}), []uint64{6}, []string{"changed"}, 0},
		"on its way, lost and there": {told(intent{6, "cut"}, intent{0, "another cut"}, intent{6, ""}), []uint64{6}, []string{"cut"}, 0},
		"two, one overtaken":         {told(intent{6, "cut"}, intent{7, "changed"}), []uint64{7}, []string{"changed"}, 0},
		"two, one after the other":   {told(intent{6, "cut"}, intent{7, "changed"}), []uint64{6, 7}, []string{"cut", "changed"}, 0},
		"there and back, overtaken":  {told(intent{6, "cut"}, intent{5, "whole"}), []uint64{5}, nil, 0},
		"there and back, both":       {told(intent{6, "cut"}, intent{5, "whole"}), []uint64{6, 5}, []string{"cut", "whole"}, 0},
		"not told":                   {told(intent{6, "cut"}), []uint64{7}, []string{""}, 1},
		"more than are kept, in all": {told(intent{6, "a"}, intent{7, "b"}, intent{6, "c"}, intent{7, "d"}, intent{6, "e"}, intent{7, "f"}, intent{6, "g"}, intent{7, "h"}, intent{6, "i"}), nil, nil, lastMoves},
	} {
		f := newFabric()
		f.install(circuitOver(1))
		a := f.ledger.accounts["a"]
		f.ledger.confirmed(a, 5, f.now)
		for _, one := range tc.told {
			a.intend(one.Way, one.Why)
		}
		for _, way := range tc.confirmed {
			f.ledger.confirmed(a, way, f.now)
		}
		if !slices.EqualFunc(a.moved, tc.moves, func(m Move, why string) bool { return m.Why == why }) || a.moves != len(tc.moves) || len(a.intents) != tc.left {
			t.Errorf("%s: moved %+v, want %q; still to come %+v", name, a.moved, tc.moves, a.intents)
		}
	}
}

// TestIntentIsSaved: why an allocation is to move is saved with the next batch,
// and so is that it has moved; what changes nothing is not saved.
func TestIntentIsSaved(t *testing.T) {
	f := newFabric()
	f.install(circuitOver(1))
	a := f.ledger.accounts["a"]
	one, two := circuitOver(1).Path, circuitOver(1, 2).Path
	f.ledger.confirmed(a, digest(one), f.now)
	urgent := func() int {
		batch := f.ledger.pick(f.now.Add(-time.Hour), f.now, 1000)
		f.ledger.saved(batch)
		return len(batch.records())
	}
	urgent()
	for _, step := range []struct {
		name string
		o    Owner
		want int
	}{
		{"on its path", Owner{Started: true, Path: one, Moving: "it was changed"}, 0},
		{"to move", Owner{Started: true, Path: two, Moving: "a link is down"}, 1},
		{"still to move", Owner{Started: true, Path: two}, 0},
		{"without a path", Owner{Started: true, Moving: "another link is down"}, 1},
		{"complete", Owner{Started: true, Complete: true, Path: one}, 0},
	} {
		if f.ledger.setOwner(a, step.o, f.now); urgent() != step.want {
			t.Errorf("%s: %d records are saved at once, want %d", step.name, 1-step.want, step.want)
		}
	}
}

// TestEarlierReason reads the reason of a move to come as it was saved before
// it belonged to a path.
func TestEarlierReason(t *testing.T) {
	text, err := json.Marshal(savedAccount{Version: recordVersion, Course: savedCourse{Way: 5, Moving: "cut"}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFabric()
	f.restore(t, []Record{{Value: text}})
	a := f.ledger.accounts["a"]
	a.intend(6, "")
	if f.ledger.confirmed(a, 6, f.now); len(a.moved) != 1 || a.moved[0].Why != "cut" {
		t.Errorf("moved %+v", a.moved)
	}
}
