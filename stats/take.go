package stats

import (
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// An inflow says in which directions an allocation's traffic enters a switch,
// by a sample, and whether it also leaves the network there.
type inflow struct {
	enters [2]bool
	exits  [2]bool
}

// take takes in a sample whose questions were asked at a moment, and what the
// switch counts of allocations' entries, if reported says that it was asked. It
// sets in the sample, which is not handed out yet, the allocations that are
// known.
func (l *ledger) take(s *Sample, tallies []tally, reported bool, asked time.Time, span time.Duration) {
	inflows := map[*account]*inflow{}
	if reported {
		l.takeFlows(s, tallies, asked, span, inflows)
	}
	for a, in := range inflows {
		for w := range a.directions {
			if in.enters[w] { // unless a policer says otherwise
				a.directions[w].droppedRate, a.directions[w].insideRate = Volume{}.rate(span), nil
			}
		}
	}
	l.takeMeters(s, asked, span, inflows)
	if reported {
		l.watch(s, asked, span)
	}
}

// takeFlows counts the entries of allocations in a switch, and forgets those
// that are no longer listed and whose flow-removed message has not come.
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
			if e.gone.IsZero() && !e.seen.IsZero() && s.At.Sub(e.seen) > lateRemoval {
				l.drop(e)
			}
		}
	}
}

// addRate adds the rate of an entry to its allocation's.
func (a *account) addRate(dpid openflow.DPID, p position, r *Rate) {
	if r == nil || !p.counts() {
		return
	}
	at := a.rates[dpid]
	if at == nil {
		if a.rates == nil {
			a.rates = map[openflow.DPID]*[2]endRates{}
		}
		at = &[2]endRates{}
		a.rates[dpid] = at
	}
	if p.Entrance {
		at[p.Direction].entered = at[p.Direction].entered.add(r)
	}
	if p.Exit {
		at[p.Direction].left = at[p.Direction].left.add(r)
	}
}

// takeFlow counts one entry of an allocation.
func (l *ledger) takeFlow(s *Sample, t *tally, a *account, asked time.Time, span time.Duration, inflows map[*account]*inflow) {
	var e *countedEntry
	if sh := l.switches[s.DPID]; sh != nil {
		e = sh.entries[t.key]
	}
	if e != nil && asked.Before(e.gone) {
		return // the answer may be older than the flow-removed message
	}
	lasting := e != nil && e.gone.IsZero()
	var before *Volume // what the sample before has shown of it
	if lasting && s.At.Sub(e.seen) == span {
		v := e.last
		before = &v
	}
	if !lasting || e.account != a {
		fresh := a.newEntry(s.DPID, t.key, t.match, t.volume)
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
	elapsed := a.unseen(e.seen, s.At) + e.missed
	if lasting && t.volume.less(e.last) || e.missed > 0 || !tells(t.volume.Bytes) || !tells(t.volume.Packets) {
		a.blur() // it began anew, or what it counts is of more than the time since the last sample
	}
	e.seen, e.missed = s.At, 0
	if !l.doubts.believes(s.DPID, d, elapsed) {
		a.blur()
		e.missed = elapsed // what it counts later is compared with what was believed
		return
	}
	e.last = t.volume
	e.born = asked.Add(-t.lived)
	l.count(a, e.position, d, s.At)
	a.addRate(s.DPID, e.position, freshRate(t.volume, before, t.lived, span))
	if e.position.Entrance {
		in := inflows[a]
		if in == nil {
			in = &inflow{}
			inflows[a] = in
		}
		in.enters[e.position.Direction] = true
		in.exits[e.position.Direction] = in.exits[e.position.Direction] || e.position.Exit
	}
}

// count adds what an entry has counted.
func (l *ledger) count(a *account, p position, v Volume, now time.Time) {
	if v == (Volume{}) || !p.counts() {
		return
	}
	l.markDirty(a, now, false)
	if p.Entrance {
		a.directions[p.Direction].Entered = a.directions[p.Direction].Entered.Plus(v)
	}
	if p.Exit {
		a.directions[p.Direction].Left = a.directions[p.Direction].Left.Plus(v)
	}
}

// takeMeters counts what policers dropped.
func (l *ledger) takeMeters(s *Sample, asked time.Time, span time.Duration, inflows map[*account]*inflow) {
	var seen map[uint32]bool
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Kind != purpose.MeterPolicer {
			continue
		}
		a := l.policerOf(m.Of)
		if a == nil {
			continue
		}
		if seen == nil {
			seen = map[uint32]bool{}
		}
		seen[m.Of], m.Allocation = true, a.id
		known := l.policer(a, s.DPID, m.Of)
		d := l.dropped(known, m.Dropped, asked, s.At)
		if in := inflows[a]; in != nil {
			known.inflow = in
		}
		l.addDropped(known, d, s.At)
		known.setDroppedRates(d.Plus(known.between), span)
		known.between = Volume{}
	}
	sh := l.switches[s.DPID]
	if sh == nil {
		return
	}
	for of, m := range sh.policers {
		if !seen[of] {
			l.dropPolicer(m) // a later meter with its identifier begins at zero
		}
	}
}

// read takes in what policers of a switch have counted, between two samples. It
// returns now, or asked if something that was asked later has been taken in.
func (l *ledger) read(dpid openflow.DPID, counts openflow.MeterStatsReply, asked, now time.Time) (as time.Time) {
	as = now
	for i := range counts {
		kind, of := purpose.ReadMeter(counts[i].Meter)
		a := l.policerOf(of)
		if kind != purpose.MeterPolicer || a == nil {
			continue
		}
		known := l.policer(a, dpid, of)
		if known.overtook(asked) {
			as = asked
			continue
		}
		d := l.dropped(known, droppedBy(&counts[i]), asked, now)
		known.between = known.between.Plus(d)
		l.addDropped(known, d, now)
	}
	return as
}

// dropped returns what a policer has dropped since it was looked at last;
// nothing if that is not to be believed.
func (l *ledger) dropped(m *policer, v Volume, asked, at time.Time) Volume {
	if m.overtook(asked) {
		return Volume{}
	}
	last, elapsed := m.last, m.account.unseen(m.at, at)+m.missed
	if v.Packets < last.Packets {
		m.account.recount() // it began anew, and what it dropped last is not known
	}
	d := m.count(v, asked, at)
	if m.missed > 0 {
		m.account.blur()
	}
	m.missed = 0
	if !l.doubts.believes(m.dpid, d, elapsed) {
		m.account.blur()
		m.last, m.missed = last, elapsed // what it counts later is compared with what was believed
		return Volume{}
	}
	return d
}

// policer returns what is known of an account's policer in a switch.
func (l *ledger) policer(a *account, dpid openflow.DPID, of uint32) *policer {
	known := l.countersOf(dpid).policers[of]
	if known == nil || known.account != a {
		known = &policer{account: a, dpid: dpid, of: of}
		l.putPolicer(known)
	}
	return known
}

// policerOf returns whose a policer is; nil if that is not known.
func (l *ledger) policerOf(of uint32) *account {
	circuit, _ := purpose.Backwards(of)
	return l.policers[circuit]
}

// polices returns the direction that a policer is for, and whether what it
// drops has been counted as having left: the path is one switch then. That is
// as it was by the last sample that had entries, or as the path is.
func (m *policer) polices() (direction int, exits bool) {
	if _, back := purpose.Backwards(m.of); back {
		direction = reverse
	}
	if m.inflow != nil && m.inflow.enters[direction] {
		return direction, m.inflow.exits[direction]
	}
	if cs := m.account.circuits; len(cs) > 0 && len(cs[0].Path) > 0 {
		p := cs[0].Path
		exits = p[0].DPID == m.dpid && p[len(p)-1].DPID == m.dpid
	}
	return direction, exits
}

// addDropped adds what a policer dropped to the direction that it polices.
func (l *ledger) addDropped(m *policer, v Volume, now time.Time) {
	if v == (Volume{}) {
		return
	}
	l.markDirty(m.account, now, false)
	direction, exits := m.polices()
	to := &m.account.directions[direction]
	if to.Dropped = to.Dropped.Plus(v); exits {
		to.Inside = to.Inside.Plus(v)
	}
}

// setDroppedRates sets the rates of what a policer dropped between two samples.
func (m *policer) setDroppedRates(v Volume, span time.Duration) {
	direction, exits := m.polices()
	to := &m.account.directions[direction]
	if to.droppedRate, to.insideRate = v.rate(span), nil; exits {
		to.insideRate = to.droppedRate
	}
}

// remove takes in the flow-removed message of an entry, with its last counters.
func (l *ledger) remove(dpid openflow.DPID, handle uint32, fr *openflow.FlowRemoved, now time.Time) {
	a := l.handles[handle]
	if a == nil {
		return
	}
	k := fr.Key()
	last := Volume{fr.PacketCount, fr.ByteCount}
	var e *countedEntry
	if sh := l.switches[dpid]; sh != nil {
		e = sh.entries[k]
	}
	born := now.Add(-age(fr.DurationSec, fr.DurationNsec))
	switch {
	case e == nil || e.account != a:
		if e = a.newEntry(dpid, k, fr.Match, last); e == nil {
			return
		}
		l.put(e)
	case !e.gone.IsZero():
		e.last = Volume{} // another one, which came and went between two samples
	case !e.born.IsZero() && born.Before(e.born.Add(-bornSlack)):
		return // of a predecessor: the entry has been put back and looked at since
	}
	if d := last.since(e.last); l.doubts.believes(dpid, d, a.unseen(e.seen, now)+e.missed) {
		l.count(a, e.position, d, now)
		e.last = last
	}
	e.gone = now
	a.recount()
	l.gone.add(e, now)
	l.markDirty(a, now, true)
}
