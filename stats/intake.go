package stats

import (
	"time"

	"conga/openflow"
)

// inflow is what entered a switch in each direction of one allocation between
// two samples, and whether it also leaves the network there.
type inflow struct {
	bytes  [2]uint64
	enters [2]bool
	exits  [2]bool
}

// take takes in a sample whose questions were asked at a moment. It names in
// the sample, which nobody else sees yet, the allocations that are known.
func (l *ledger) take(s *Sample, asked time.Time, span time.Duration) {
	sh := l.shelf(s.DPID)
	inflows := map[*account]*inflow{}
	for _, e := range sh.entries {
		delete(e.account.rates, s.DPID)
	}
	for i := range s.Flows {
		f := &s.Flows[i]
		if f.Kind != KindAllocation {
			continue
		}
		if a := l.handles[uint32(f.owner)]; a != nil {
			f.Allocation = a.id
			l.takeFlow(sh, s, f, a, asked, inflows)
		}
	}
	sh.tidy(s)
	for a, in := range inflows {
		for w := range a.ways {
			if in.enters[w] { // unless a policer says otherwise
				a.ways[w].droppedRate, a.ways[w].insideRate = Volume{}.rate(span), nil
			}
		}
	}
	l.takeMeters(sh, s, span, inflows)
}

// tidy forgets entries that are not listed any more and of whose end no news
// came.
func (sh *shelf) tidy(s *Sample) {
	for k, e := range sh.entries {
		if e.gone.IsZero() && !e.seen.IsZero() && s.At.Sub(e.seen) > lateNews {
			delete(sh.entries, k)
		}
	}
}

// pace adds the rate of an entry to its allocation's.
func (a *account) pace(dpid openflow.DPID, p place, r *Rate) {
	at := a.rates[dpid]
	if at == nil {
		at = &[2]ends{}
		a.rates[dpid] = at
	}
	if p.Entrance {
		at[p.Way].entered = at[p.Way].entered.add(r)
	}
	if p.Exit {
		at[p.Way].left = at[p.Way].left.add(r)
	}
}

// takeFlow counts one entry of an allocation.
func (l *ledger) takeFlow(sh *shelf, s *Sample, f *Flow, a *account, asked time.Time, inflows map[*account]*inflow) {
	k := keyOf(&f.FlowStats)
	e := sh.entries[k]
	if e != nil && asked.Before(e.gone) {
		return // the answer may be older than the news that the entry has gone
	}
	if e == nil || !e.gone.IsZero() || e.account != a {
		fresh := a.entry(s.DPID, f.Match)
		if fresh == nil {
			return
		}
		if e != nil && e.gone.IsZero() {
			fresh.last = e.last // the entry has changed hands, and may have kept its counters
		}
		e = fresh
		sh.entries[k] = e
	}
	now := f.volume()
	d := now.since(e.last)
	e.last, e.seen = now, s.At
	e.born = asked.Add(-age(f.DurationSec, f.DurationNsec))
	a.count(e.place, d)
	a.pace(s.DPID, e.place, f.Rate)
	if e.place.Entrance {
		in := inflows[a]
		if in == nil {
			in = &inflow{}
			inflows[a] = in
		}
		in.bytes[e.place.Way] += d.Bytes
		in.enters[e.place.Way] = true
		in.exits[e.place.Way] = in.exits[e.place.Way] || e.place.Exit
	}
}

// takeMeters counts what policers dropped.
func (l *ledger) takeMeters(sh *shelf, s *Sample, span time.Duration, inflows map[*account]*inflow) {
	seen := map[uint32]bool{}
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Kind != MeterPolicer {
			continue
		}
		a := l.policers[m.Of]
		if a == nil {
			continue
		}
		seen[m.Of], m.Allocation = true, a.id
		known := sh.meters[m.Of]
		if known == nil || known.account != a {
			known = &meter{account: a}
			sh.meters[m.Of] = known
		}
		d := m.Dropped.since(known.last)
		known.last = m.Dropped
		a.drop(d, span, inflows[a])
	}
	for of := range sh.meters {
		if !seen[of] {
			delete(sh.meters, of) // what comes under its name next begins at nothing
		}
	}
}

// drop splits what a policer dropped over the directions that it polices.
func (a *account) drop(v Volume, span time.Duration, in *inflow) {
	if in == nil {
		in = &inflow{enters: [2]bool{true, false}} // the entries are gone, the meter is not yet
	}
	share := 1.0
	switch sum := in.bytes[forward] + in.bytes[reverse]; {
	case !in.enters[forward]:
		share = 0
	case in.enters[reverse] && sum > 0:
		share = float64(in.bytes[forward]) / float64(sum)
	}
	parts := [2]Volume{forward: v.scaled(share)}
	parts[reverse] = v.minus(parts[forward])
	if v != (Volume{}) {
		a.dirty = true
	}
	for w, part := range parts {
		if !in.enters[w] {
			continue
		}
		to := &a.ways[w]
		to.Dropped, to.droppedRate, to.insideRate = to.Dropped.Plus(part), part.rate(span), nil
		if in.exits[w] {
			to.Inside, to.insideRate = to.Inside.Plus(part), to.droppedRate
		}
	}
}

// remove takes in the news that an entry is gone, with its last counters.
func (l *ledger) remove(dpid openflow.DPID, handle uint32, fr *openflow.FlowRemoved, now time.Time) {
	a := l.handles[handle]
	if a == nil {
		return
	}
	sh := l.shelf(dpid)
	k := flowKey{fr.Table, fr.Priority, fr.Match.Key()}
	e := sh.entries[k]
	born := now.Add(-age(fr.DurationSec, fr.DurationNsec))
	switch {
	case e == nil || e.account != a:
		if e = a.entry(dpid, fr.Match); e == nil {
			return
		}
		sh.entries[k] = e
	case !e.gone.IsZero():
		e.last = Volume{} // another one, which came and went between two samples
	case !e.born.IsZero() && born.Before(e.born.Add(-bornSlack)):
		return // of a predecessor: the entry has been put back and looked at since
	}
	last := Volume{fr.PacketCount, fr.ByteCount}
	a.count(e.place, last.since(e.last))
	e.last, e.gone = last, now
}
