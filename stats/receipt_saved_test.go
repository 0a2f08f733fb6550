package stats

import (
	"errors"
	"slices"
	"testing"
	"time"

	"conga/controller/path"
)

// fail has nothing saved from now on for a reason; nil: it is saved again.
func (c *memoryArchive) fail(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = reason
}

// TestReceiptIsFinalOnceSaved: after a crash a receipt that is not saved would
// be open again, so it is not told as final before.
func TestReceiptIsFinalOnceSaved(t *testing.T) {
	kept := newCupboard()
	with := func(c *Config) {
		c.Archive = kept
		c.Owner = func(string) (Owner, bool) { return Owner{Project: "p"}, true }
	}
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		src.send(Volume{10, 1000})
		pass(time.Minute)
		kept.fail(errors.New("full"))
		p.Leave("a")
		p.Changed("a", Owner{Project: "p", Complete: true}, false)
		pass(time.Minute)
		if r := p.Receipt("a"); r.Final || r.Forward.Entered != (Volume{10, 1000}) {
			t.Errorf("unsaved the receipt is %+v", r)
		}
		kept.fail(nil)
		pass(time.Minute)
		if r := p.Receipt("a"); !r.Final || kept.len(Receipts) != 1 {
			t.Errorf("saved the receipt is %+v", r)
		}
	})
}

// TestMoveHasItsReason: what was told when an allocation was to have another
// path is the reason of the move, also if it was not taken in before the
// switches confirmed that path.
func TestMoveHasItsReason(t *testing.T) {
	kept := newCupboard()
	with := func(c *Config) { c.Archive = kept }
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		tell := func(c path.Circuit, why string) {
			p.Changed("a", Owner{Project: "p", Started: true, Path: c.Path, Moving: why}, false)
		}
		one, two := circuitOver(1), circuitOver(1, 2)
		src.install(p, one)
		p.Confirmed(one)
		tell(one, "")
		pass(time.Minute)
		for _, c := range []path.Circuit{two, one} {
			tell(c, "link 1 is down")
			src.install(p, c)
			p.Confirmed(c)
			tell(c, "")
		}
		tell(one, "it was changed") // which moved nothing
		p.Confirmed(one)
		tell(two, "link 2 is down")
		tell(two, "it was changed") // before the move was confirmed
		src.install(p, two)
		p.Confirmed(two)
		tell(two, "")
		tell(two, "it was changed")
		tell(one, "")
		p.Confirmed(one)
		want := []string{"link 1 is down", "link 1 is down", "link 2 is down", ""}
		if r := p.Receipt("a"); r.Moves != len(want) || !slices.EqualFunc(r.Moved, want, func(m Move, why string) bool { return m.Why == why }) {
			t.Errorf("the receipt is %+v", r)
		}
	})
}
