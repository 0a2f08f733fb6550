package stats

import "time"

// Ends says which ends of an allocation's path a sample is of, by direction.
type ends struct{ entrance, exit [2]bool }

// endsIn returns the accounts of which a sample has counted entries, and at
// which ends of their present paths.
func (l *ledger) endsIn(s *Sample) map[*account]ends {
	sh := l.switches[s.DPID]
	if sh == nil {
		return nil
	}
	found := map[*account]ends{}
	for _, e := range sh.entries {
		a := e.account
		if !e.seen.Equal(s.At) || !e.gone.IsZero() || len(a.circuits) == 0 {
			continue
		}
		if p, ok := e.locate(&a.circuits[0]); ok && p.counts() {
			at := found[a]
			at.entrance[p.Direction] = at.entrance[p.Direction] || p.Entrance
			at.exit[p.Direction] = at.exit[p.Direction] || p.Exit
			found[a] = at
		}
	}
	return found
}

// watch takes note of how fast what a sample has counted went, and whether
// something is lost. The switch was asked at a moment.
func (l *ledger) watch(s *Sample, asked time.Time, span time.Duration) {
	for a, at := range l.endsIn(s) {
		changed := false
		for w := range a.directions {
			if at.exit[w] && span > 0 {
				a.spreadOut(w, s, span)
				l.markQuiet(a, s.At)
			}
			if at.entrance[w] != at.exit[w] && a.promised(w) > 0 {
				changed = a.watchEnd(w, at.entrance[w], s.At, asked) || changed
			}
		}
		if changed {
			l.degrade(a, Loss, a.losing(), s.At)
		}
	}
}

// spreadOut counts the rate at which a direction was delivered.
func (a *account) spreadOut(direction int, s *Sample, span time.Duration) {
	if at := a.rates[s.DPID]; at != nil && at[direction].left != nil {
		a.spread[direction].add(at[direction].left.minus(a.directions[direction].insideRate).Bits, span)
	}
}

// watchEnd takes in what was counted at an end of a path of several switches.
// It reports whether a loss was found, or is over.
func (a *account) watchEnd(direction int, entrance bool, at, asked time.Time) (changed bool) {
	if a.losses == nil {
		a.losses = &[2]lossWatch{}
	}
	w, d := &a.losses[direction], &a.directions[direction]
	if entrance {
		w.enter(asked, at, d.Entered, d.Dropped, a.promised(direction))
		return false
	}
	return w.leave(asked, at, d.Left, a.promised(direction))
}

// losing returns which direction loses how much, in words for the user; "" if
// none does.
func (a *account) losing() string {
	for direction := range a.directions {
		if a.losses != nil && a.losses[direction].lost {
			return lossWords(direction, a.losses[direction].share)
		}
	}
	return ""
}

// recount has losses looked for anew, since other entries count from now on.
func (a *account) recount() {
	if a.losses != nil {
		a.losses[forward].restart()
		a.losses[reverse].restart()
	}
}
