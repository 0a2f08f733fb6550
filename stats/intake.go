package stats

import (
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// inflow is what entered a switch in each direction of one allocation between
// two samples, and whether it also leaves the network there.
type inflow struct {
	bytes  [2]uint64
	enters [2]bool
	exits  [2]bool
}

// take takes in a sample whose questions were asked at a moment, and what the
// switch counts of allocations' entries; told is false if it was not asked. take
// names in the sample, which is not handed out yet, the allocations that are
// known.
func (l *ledger) take(s *Sample, tallies []tally, told bool, asked time.Time, span time.Duration) {
	inflows := map[*account]*inflow{}
	if told {
		l.takeFlows(s, tallies, asked, span, inflows)
	}
	for a, in := range inflows {
		for w := range a.ways {
			if in.enters[w] { // unless a policer says otherwise
				a.ways[w].droppedRate, a.ways[w].insideRate = Volume{}.rate(span), nil
			}
		}
	}
	l.takeMeters(s, span, inflows)
}

// takeFlows counts the entries of allocations in a switch, and forgets those
// that are not listed any more and of whose end no news came.
func (l *ledger) takeFlows(s *Sample, tallies []tally, asked time.Time, span time.Duration, inflows map[*account]*inflow) {
	if sh := l.switches[s.DPID]; sh != nil {
		for _, e := range sh.entries {
			delete(e.account.rates, s.DPID)
		}
	}
	for i := range tallies {
		if a := l.handles[uint32(tallies[i].owner)]; a != nil {
			l.takeFlow(s, &tallies[i], a, asked, span, inflows)
		}
	}
	if sh := l.switches[s.DPID]; sh != nil {
		for _, e := range sh.entries {
			if e.gone.IsZero() && !e.seen.IsZero() && s.At.Sub(e.seen) > lateNews {
				l.drop(e)
			}
		}
	}
}

// pace adds the rate of an entry to its allocation's.
func (a *account) pace(dpid openflow.DPID, p place, r *Rate) {
	if r == nil || !p.counts() {
		return
	}
	at := a.rates[dpid]
	if at == nil {
		if a.rates == nil {
			a.rates = map[openflow.DPID]*[2]ends{}
		}
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
func (l *ledger) takeFlow(s *Sample, t *tally, a *account, asked time.Time, span time.Duration, inflows map[*account]*inflow) {
	var e *entry
	if sh := l.switches[s.DPID]; sh != nil {
		e = sh.entries[t.key]
	}
	if e != nil && asked.Before(e.gone) {
		return // the answer may be older than the news that the entry has gone
	}
	lasting := e != nil && e.gone.IsZero()
	var before *Volume // what the sample before has shown of it
	if lasting && s.At.Sub(e.seen) == span {
		v := e.last
		before = &v
	}
	if !lasting || e.account != a {
		fresh := a.entry(s.DPID, t.key, t.match, t.volume)
		if fresh == nil {
			return
		}
		if lasting {
			fresh.last = e.last // the entry has changed hands, and may have kept its counters
		}
		e = fresh
		l.put(e)
	}
	d := t.volume.since(e.last)
	e.last, e.seen = t.volume, s.At
	e.born = asked.Add(-t.lived)
	l.count(a, e.place, d, s.At)
	a.pace(s.DPID, e.place, freshRate(t.volume, before, t.lived, span))
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

// count adds what an entry has counted.
func (l *ledger) count(a *account, p place, v Volume, now time.Time) {
	if v == (Volume{}) || !p.counts() {
		return
	}
	l.soil(a, now, false)
	if p.Entrance {
		a.ways[p.Way].Entered = a.ways[p.Way].Entered.Plus(v)
	}
	if p.Exit {
		a.ways[p.Way].Left = a.ways[p.Way].Left.Plus(v)
	}
}

// takeMeters counts what policers dropped.
func (l *ledger) takeMeters(s *Sample, span time.Duration, inflows map[*account]*inflow) {
	var seen map[uint32]bool
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Kind != purpose.MeterPolicer {
			continue
		}
		a := l.policers[m.Of]
		if a == nil {
			continue
		}
		if seen == nil {
			seen = map[uint32]bool{}
		}
		seen[m.Of], m.Allocation = true, a.id
		known := l.shelf(s.DPID).meters[m.Of]
		if known == nil || known.account != a {
			known = &meter{account: a, dpid: s.DPID, of: m.Of}
			l.putMeter(known)
		}
		d := m.Dropped.since(known.last)
		known.last = m.Dropped
		l.police(a, d, span, inflows[a], s.At)
	}
	sh := l.switches[s.DPID]
	if sh == nil {
		return
	}
	for of, m := range sh.meters {
		if !seen[of] {
			l.dropMeter(m) // what comes under its name next begins at nothing
		}
	}
}

// police splits what a policer dropped over the directions that it polices.
func (l *ledger) police(a *account, v Volume, span time.Duration, in *inflow, now time.Time) {
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
		l.soil(a, now, false)
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
	k := fr.Key()
	last := Volume{fr.PacketCount, fr.ByteCount}
	var e *entry
	if sh := l.switches[dpid]; sh != nil {
		e = sh.entries[k]
	}
	born := now.Add(-age(fr.DurationSec, fr.DurationNsec))
	switch {
	case e == nil || e.account != a:
		if e = a.entry(dpid, k, fr.Match, last); e == nil {
			return
		}
		l.put(e)
	case !e.gone.IsZero():
		e.last = Volume{} // another one, which came and went between two samples
	case !e.born.IsZero() && born.Before(e.born.Add(-bornSlack)):
		return // of a predecessor: the entry has been put back and looked at since
	}
	l.count(a, e.place, last.since(e.last), now)
	e.last, e.gone = last, now
	l.gone.add(e, now)
	l.soil(a, now, true)
}
