package stats

import (
	"errors"
	"testing"
	"time"
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
