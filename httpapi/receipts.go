package httpapi

import (
	"context"
	"sync"
	"time"

	"conga/allocator"
	"conga/stats"
)

// carried is what allocations have carried together.
type carried struct{ entered, delivered, dropped sum }

func (c *carried) add(s stats.Allocation) {
	for _, d := range []stats.Direction{s.Forward, s.Reverse} {
		c.entered.add(d.Entered, d.EnteredRate)
		c.delivered.add(d.Delivered, d.DeliveredRate)
		c.dropped.add(d.Dropped, d.DroppedRate)
	}
}

// receiptsFor is how long the sum of many receipts stands, unless another allocation
// becomes complete: the last receipts may not be final at first.
const receiptsFor = 30 * time.Second

// fewReceipts are summed up each time.
const fewReceipts = 1000

// receipts remembers what the complete allocations of each project have carried, so
// that their IDs are not read again for each request. The zero value is ready.
type receipts struct {
	mu    sync.Mutex
	known map[string]receipt
}

// receipt is the sum over so many complete allocations.
type receipt struct {
	sum   carried
	count int
	until time.Time
}

// carried sums up what the allocations of a project, or of all for "", have carried,
// and how many are in each state.
func (a *api) carried(ctx context.Context, project string) (carried, map[allocator.State]int, error) {
	counts := a.Allocations.Counts(project)
	live := a.Allocations.Live(project)
	c, err := a.receiptsOf(ctx, project, counts[allocator.Complete], live)
	if err != nil {
		return carried{}, nil, err
	}
	for _, al := range live {
		c.add(a.Statistics.Allocation(al.ID))
	}
	return c, counts, nil
}

// receiptsOf sums up what the complete allocations have carried, of which there are
// so many. Those that became complete since live was read are in live.
func (a *api) receiptsOf(ctx context.Context, project string, count int, live []allocator.Allocation) (c carried, err error) {
	if count == 0 {
		return c, nil
	}
	now := a.Now()
	a.receipts.mu.Lock()
	r, ok := a.receipts.known[project]
	a.receipts.mu.Unlock()
	if ok && r.count == count && now.Before(r.until) {
		return r.sum, nil
	}
	counted := make(map[string]bool, len(live))
	for _, al := range live {
		counted[al.ID] = true
	}
	err = a.Allocations.Past(ctx, project, func(id string) error {
		if !counted[id] {
			c.add(a.Statistics.Allocation(id))
		}
		return nil
	})
	if err == nil && count >= fewReceipts {
		a.receipts.mu.Lock()
		defer a.receipts.mu.Unlock()
		if a.receipts.known == nil {
			a.receipts.known = map[string]receipt{}
		}
		a.receipts.known[project] = receipt{c, count, now.Add(receiptsFor)}
	}
	return c, err
}
