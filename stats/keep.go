package stats

import (
	"context"
	"time"
)

// keep closes what has ended and saves what is due to be saved.
func (p *Poller) keep(ctx context.Context) {
	now := time.Now()
	p.mu.Lock()
	p.ledger.settle(now.Add(-farewell), now)
	due := p.urgent || now.Sub(p.saved) >= saveEvery
	purge := now.Sub(p.purged) >= purgeEvery
	p.mu.Unlock()
	if purge {
		p.purge(ctx, now)
	}
	if due {
		p.save(ctx)
	}
}

// save writes down the totals that have changed. A failure leaves them for the
// next time.
func (p *Poller) save(ctx context.Context) {
	p.mu.Lock()
	records := p.ledger.save()
	p.urgent, p.saved = false, time.Now()
	p.mu.Unlock()
	if p.cfg.Archive == nil || len(records) == 0 {
		return
	}
	if err := p.cfg.Archive.Save(ctx, records); err != nil {
		p.log.Warn("what allocations have carried could not be saved", "count", len(records), "err", err)
		p.mu.Lock()
		p.ledger.soil(records)
		p.mu.Unlock()
	}
}

// purge drops the receipts of allocations that have been deleted.
func (p *Poller) purge(ctx context.Context, now time.Time) {
	var final []string
	p.mu.Lock()
	p.purged = now
	for id, a := range p.ledger.accounts {
		if a.final {
			final = append(final, id)
		}
	}
	p.mu.Unlock()
	gone := map[string][]byte{}
	for _, id := range final {
		if !p.cfg.Known(id) {
			gone[id] = nil
		}
	}
	if len(gone) == 0 {
		return
	}
	if p.cfg.Archive != nil {
		if err := p.cfg.Archive.Save(ctx, gone); err != nil {
			p.log.Warn("receipts of deleted allocations could not be dropped", "count", len(gone), "err", err)
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range gone {
		p.ledger.forget(id)
	}
}
