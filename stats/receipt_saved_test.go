package stats

import (
	"errors"
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

// TestMoveHasItsReason: what was told before the switches confirmed another
// path is the reason of the move, also if it was not taken in by then.
func TestMoveHasItsReason(t *testing.T) {
	kept := newCupboard()
	with := func(c *Config) { c.Archive = kept }
	watch(t, with, func(t *testing.T, p *Poller, src *fakeNetwork) {
		src.install(p, circuitOver(1))
		p.Confirmed(circuitOver(1))
		pass(time.Minute)
		for _, c := range []path.Circuit{circuitOver(1, 2), circuitOver(1)} {
			p.Changed("a", Owner{Project: "p", Started: true, Moving: "link 1 is down"}, false)
			src.install(p, c)
			p.Confirmed(c)
			p.Changed("a", Owner{Project: "p", Started: true}, false)
		}
		if r := p.Receipt("a"); r.Moves != 2 || len(r.Moved) != 2 || r.Moved[0].Why != "link 1 is down" || r.Moved[1].Why != "link 1 is down" {
			t.Errorf("the receipt is %+v", r)
		}
	})
}
