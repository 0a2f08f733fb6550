package stats

import "time"

// book is what the allocations of one project have carried.
type book struct {
	accounts map[*account]bool // those that are not filed
	filed    Direction         // the sum of the receipts, both directions together
}

// book moves an account to a project.
func (l *ledger) book(a *account, project string) {
	if b := l.projects[a.project]; b != nil {
		delete(b.accounts, a)
		if a.project != project {
			l.tidyBook(a.project)
		}
	}
	a.project = project
	l.bookOf(project).accounts[a] = true
}

// own takes note of what has become of an account's allocation.
func (l *ledger) own(a *account, o Owner, now time.Time) {
	if a.project != o.Project {
		l.book(a, o.Project)
	}
	a.complete = o.Complete
	if a.filed() {
		l.soil(a, now, true)
	}
}

func (l *ledger) bookOf(project string) *book {
	b := l.projects[project]
	if b == nil {
		b = &book{accounts: map[*account]bool{}}
		l.projects[project] = b
	}
	return b
}

// tidyBook forgets a project of which nothing is known.
func (l *ledger) tidyBook(project string) {
	if b := l.projects[project]; b != nil && len(b.accounts) == 0 && b.filed == (Direction{}) {
		delete(l.projects, project)
	}
}

// totals is the sum over a project, or over all of them for "".
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

func (b *book) sum() Direction {
	t := b.filed
	for a := range b.accounts {
		v := a.view()
		t = t.plus(v.Forward).plus(v.Reverse)
	}
	return t
}

// both is a receipt's part in the sum.
func both(ways [2]way) Direction {
	var t Direction
	for i := range ways {
		d := ways[i].direction()
		d.DroppedRate = nil
		t = t.plus(d)
	}
	return t
}

// plus is the sum of both; a counter that is not kept adds nothing.
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

// less takes the volumes of a receipt out of a sum.
func (d Direction) less(o Direction) Direction {
	d.Entered, d.Delivered, d.Dropped = d.Entered.minus(o.Entered), d.Delivered.minus(o.Delivered), d.Dropped.minus(o.Dropped)
	return d
}

// Totals returns what the allocations of a project have carried, or all allocations
// for "": both directions together, those that are complete included. An
// allocation that was just deleted may count for a few seconds more.
func (p *Poller) Totals(project string) Direction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.totals(project)
}
