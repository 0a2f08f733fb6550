package stats

import (
	"sync"
	"time"
)

// news is what was told of allocations and is still to be drawn from.
type news struct {
	mu      sync.Mutex // a leaf; guards waiting
	waiting []notice
}

type notice struct {
	id      string
	owner   Owner
	deleted bool
}

// Changed tells that an allocation was changed, or deleted. It is quick and takes
// only a lock of its own, so that it may be called under others. Consequences are
// drawn in the next few seconds.
func (p *Poller) Changed(id string, o Owner, deleted bool) {
	p.news.mu.Lock()
	defer p.news.mu.Unlock()
	p.news.waiting = append(p.news.waiting, notice{id, o, deleted})
}

func (n *news) take() []notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	waiting := n.waiting
	n.waiting = nil
	return waiting
}

// absorb draws the consequences of what was told. Deleted allocations that the
// ledger does not know may have left receipts.
func (p *Poller) absorb() {
	waiting, now := p.news.take(), time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range waiting {
		a := p.ledger.accounts[n.id]
		switch {
		case n.deleted && a == nil:
			p.keeping.lost = append(p.keeping.lost, n.id)
		case n.deleted:
			p.ledger.delete(a)
		case a != nil:
			p.ledger.own(a, n.owner, now)
		}
	}
}
