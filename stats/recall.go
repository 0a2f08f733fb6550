package stats

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// recall reads what an earlier run has saved: the sums, and accounts some at a
// time. What has become a receipt since, or was left among the accounts by an
// earlier version, is saved as one at once, so that memory holds what is live.
func (p *Poller) recall(ctx context.Context) error {
	if err := p.loadSums(ctx); err != nil {
		return fmt.Errorf("stats: what finished allocations have carried: %w", err)
	}
	var unread []Record
	var first error
	for after := ""; ; {
		n := 0
		err := p.cfg.Archive.Range(ctx, Accounts, after, func(id string, value []byte) bool {
			after = id
			n++
			if err := p.restore(id, value); err != nil {
				if first == nil {
					first = err
				}
				unread = append(unread, Record{Bucket: Accounts, Key: id})
			}
			return n < saveMost
		})
		if err == nil {
			p.assignOwners()
			err = p.flush(ctx, time.Time{})
		}
		if err != nil {
			return fmt.Errorf("stats: what allocations have carried: %w", err)
		}
		if n < saveMost {
			break
		}
	}
	if len(unread) == 0 {
		return nil
	}
	p.cfg.Log.Warn("records that cannot be read are left out", "bucket", "statistics", "records", len(unread), "err", first)
	if err := p.cfg.Archive.Save(ctx, unread); err != nil {
		return fmt.Errorf("stats: remove what cannot be read: %w", err)
	}
	return nil
}

// restore takes in one account. Where it cannot be read the allocation is
// counted from zero.
func (p *Poller) restore(id string, value []byte) error {
	r, err := parse(id, value)
	if err == nil {
		p.keeper.restored = append(p.keeper.restored, p.ledger.restore(id, r))
	}
	return err
}

// assignOwners finds the allocations of the accounts that were just restored.
func (p *Poller) assignOwners() {
	now := time.Now()
	for _, a := range p.keeper.restored {
		o, ok := p.cfg.Owner(a.id)
		if !ok {
			p.ledger.delete(a)
			continue
		}
		p.ledger.setOwner(a, o, now)
	}
	p.keeper.restored = nil
}

// loadSums reads the sums of receipts. If one cannot be read all are made anew.
func (p *Poller) loadSums(ctx context.Context) error {
	whole := true
	err := p.cfg.Archive.Range(ctx, Sums, "", func(key string, value []byte) bool {
		f, err := parseSum(value)
		if err != nil {
			whole = false
			return false
		}
		p.ledger.projectOf(strings.TrimPrefix(key, sumKey(""))).receipts = Direction{Entered: f.Entered, Delivered: f.Delivered, Dropped: f.Dropped}
		return true
	})
	if err != nil || whole {
		return err
	}
	p.cfg.Log.Warn("a sum of receipts could not be read; all receipts are added up anew")
	clear(p.ledger.projects)
	return p.cfg.Archive.Range(ctx, Receipts, "", func(id string, value []byte) bool {
		if r, err := parse(id, value); err == nil {
			b := p.ledger.projectOf(r.Project)
			b.receipts = b.receipts.plus(both([2]directionTotals{r.Forward, r.Reverse}))
		}
		return true
	})
}

// CheckRecord returns an error if a record of an archive cannot be read.
func CheckRecord(bucket Bucket, key string, value []byte) (err error) {
	if bucket == Sums {
		_, err = parseSum(value)
	} else {
		_, err = parse(key, value)
	}
	return err
}

// archived returns the account of an allocation from the archive, or nil if
// there is none.
func (p *Poller) archived(id string) *account {
	if p.cfg.Archive == nil {
		return nil
	}
	text, err := p.cfg.Archive.Get(context.Background(), Receipts, id)
	var r *savedAccount
	if err == nil && text != nil {
		r, err = parse(id, text)
	}
	if err != nil {
		p.cfg.Log.Warn("a receipt could not be read", "allocation", id, "err", err)
	}
	if r == nil {
		return nil
	}
	a := &account{}
	a.take(r)
	newLedger().restoreCourse(a, r.Course)
	a.final = true
	return a
}
