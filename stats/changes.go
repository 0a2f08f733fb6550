package stats

import (
	"sync"
	"time"
)

// A pendingChanges holds changes of allocations that the ledger has still to
// take in.
type pendingChanges struct {
	mu      sync.Mutex // a leaf; guards waiting
	waiting []change
}

type change struct {
	id      string
	owner   Owner
	deleted bool
	at      time.Time
}

// Changed takes note that an allocation was changed, or deleted. It is quick
// and takes only a lock of its own, so that it may be called under others. The
// statistics follow within a few seconds.
func (p *Poller) Changed(id string, o Owner, deleted bool) {
	p.changes.mu.Lock()
	defer p.changes.mu.Unlock()
	p.changes.waiting = append(p.changes.waiting, change{id, o, deleted, time.Now()})
}

func (n *pendingChanges) take() []change {
	n.mu.Lock()
	defer n.mu.Unlock()
	waiting := n.waiting
	n.waiting = nil
	return waiting
}

// absorb takes the pending changes into the ledger. Deleted allocations that
// the ledger does not know may have left receipts.
func (p *Poller) absorb() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.absorbLocked()
}

func (p *Poller) absorbLocked() {
	for _, n := range p.changes.take() {
		a := p.ledger.accounts[n.id]
		switch {
		case n.deleted && a == nil:
			p.keeper.lost = append(p.keeper.lost, n.id)
		case n.deleted:
			p.ledger.delete(a)
		case a != nil:
			p.ledger.setOwner(a, n.owner, n.at)
		}
	}
}
