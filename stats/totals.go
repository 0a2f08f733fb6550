package stats

import "time"

// A projectAccounts is what the allocations of one project have carried.
type projectAccounts struct {
	accounts map[*account]bool // without receipts that are saved
	receipts Direction         // the sum of the receipts, both directions together
}

// assign moves an account to a project.
func (l *ledger) assign(a *account, project string) {
	if b := l.projects[a.project]; b != nil {
		delete(b.accounts, a)
		if a.project != project {
			l.tidyProject(a.project)
		}
	}
	a.project = project
	l.projectOf(project).accounts[a] = true
}

// setOwner takes note of the project and state of an account's allocation.
func (l *ledger) setOwner(a *account, o Owner, now time.Time) {
	a.spare = o.Spare
	if a.project != o.Project {
		l.assign(a, o.Project)
	}
	a.complete = o.Complete
	if o.Started && !o.Complete && a.intend(o.way(), o.Moving) {
		l.markDirty(a, now, true)
	}
	a.plan(o)
	if o.Complete {
		a.degraded.why[Loss], o.Shortfall = "", Shortfall{}
	}
	l.fallShort(a, o.Shortfall, now)
	if a.isReceipt() {
		l.markDirty(a, now, true)
	}
}

// plan takes note of when the allocation is to be carried. Once it has started
// its end alone can change, until it is complete.
func (a *account) plan(o Owner) {
	switch {
	case o.Complete || o.Window == (Span{}):
	case !o.Started || a.planned == (Span{}):
		a.planned = o.Window
	default:
		a.planned.End = o.Window.End
	}
}

func (l *ledger) projectOf(project string) *projectAccounts {
	b := l.projects[project]
	if b == nil {
		b = &projectAccounts{accounts: map[*account]bool{}}
		l.projects[project] = b
	}
	return b
}

// tidyProject forgets a project without accounts and receipts.
func (l *ledger) tidyProject(project string) {
	if b := l.projects[project]; b != nil && len(b.accounts) == 0 && b.receipts == (Direction{}) {
		delete(l.projects, project)
	}
}

// totals returns the sum over a project, or over all of them for "".
func (l *ledger) totals(project string) (t Direction) {
	if project != "" {
		if b := l.projects[project]; b != nil {
			t = b.sum()
		}
		return t
	}
	for _, b := range l.projects {
		t = t.plus(b.sum())
	}
	return t
}

func (b *projectAccounts) sum() Direction {
	t := b.receipts
	for a := range b.accounts {
		v := a.view()
		t = t.plus(v.Forward).plus(v.Reverse)
	}
	return t
}

// both returns what a receipt adds to the sum.
func both(ways [2]directionTotals) Direction {
	var t Direction
	for i := range ways {
		d := ways[i].view()
		d.DroppedRate = nil
		t = t.plus(d)
	}
	return t
}

// plus returns the sum of both; a counter that is not kept adds nothing.
func (d Direction) plus(o Direction) Direction {
	add := func(v *Volume, r **Rate, w Volume, s *Rate) {
		if w.kept() {
			*v, *r = v.Plus(w), (*r).add(s)
		}
	}
	add(&d.Entered, &d.EnteredRate, o.Entered, o.EnteredRate)
	add(&d.Delivered, &d.DeliveredRate, o.Delivered, o.DeliveredRate)
	add(&d.Dropped, &d.DroppedRate, o.Dropped, o.DroppedRate)
	return d
}

// less returns the sum without the volumes of a receipt.
func (d Direction) less(o Direction) Direction {
	d.Entered, d.Delivered, d.Dropped = d.Entered.minus(o.Entered), d.Delivered.minus(o.Delivered), d.Dropped.minus(o.Dropped)
	return d
}

// Totals returns what the allocations of a project have carried, or all
// allocations for "": both directions together, those that are complete
// included. An allocation that was just deleted may count for a few seconds
// more.
func (p *Poller) Totals(project string) Direction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.totals(project)
}
