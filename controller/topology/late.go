package topology

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"conga/openflow"
)

// Since the start, or since all switches were out of reach, one that is not
// here keeps its links for [Config.Grace]: it may forward all the while, and
// needs time to connect. Or it is dead. So one that has not come for
// [Config.Absence] after the last of the others is late: its links are still
// there, but others are preferred.
type latecomers struct {
	of    map[openflow.DPID]bool
	since time.Time // attended, when one that was waited for came last
	alarm alarm

	weighed bool // cables have become late, or are no longer, since the last snapshot
}

// excuse gives all switches that are away as much time to connect as a restart
// does. It is called when the first switch returns after all were gone: then it
// is the controller that was out of reach.
func (b *Builder) excuse() {
	for dpid, sw := range b.switches {
		sw.excused = true
		delete(b.late.of, dpid)
		b.keepLinks(sw, b.cfg.Grace)
	}
}

// arrive takes note that a switch has connected. If it was waited for, the
// others have time anew.
func (b *Builder) arrive(dpid openflow.DPID) {
	if b.late.of[dpid] {
		delete(b.late.of, dpid)
		b.touchCables(dpid)
	}
	sw := b.switches[dpid]
	if !b.unmet[dpid] && (sw == nil || !sw.excused) {
		return
	}
	if sw != nil {
		sw.excused = false
	}
	b.late.since = b.clock.now
	b.late.alarm.set(&b.due, deadline{b.clock.now.Add(b.cfg.Absence), othersLate, External})
}

// expireLate finds out which switches are late.
func (b *Builder) expireLate(d deadline) {
	if !b.late.alarm.rings(d) || b.sessions == 0 {
		return // with none there is none to prefer
	}
	if end := b.late.since.Add(b.cfg.Absence); end.After(b.clock.now) {
		b.late.alarm.set(&b.due, deadline{end, othersLate, External})
		return
	}
	for dpid, sw := range b.switches {
		if sw.excused && sw.linksKept {
			b.late.of[dpid] = true
			b.touchCables(dpid)
		}
	}
	for dpid := range b.unmet {
		if b.counts(dpid) {
			b.late.of[dpid] = true
			b.touchCables(dpid)
		}
	}
}

// tardy reports whether a cable leads to a switch that is late.
func (b *Builder) tardy(c *cable) bool {
	return b.late.of[c.ends[0].DPID] || b.late.of[c.ends[1].DPID]
}

// weigh takes note of whether a cable that carries is late, or drained.
func (b *Builder) weigh(c *cable) {
	late := b.tardy(c) || b.drained.has(c)
	if late != c.late {
		c.late, b.late.weighed = late, true
	}
}

// overtaken returns the cables of the tree that are late, or drained, the one
// that is preferred least first, if others may take over from them by now: some
// came to carry, or became late, or are no longer.
func (b *Builder) overtaken(came bool) (cables []*cable) {
	if !came && !b.late.weighed {
		return nil
	}
	b.late.weighed = false
	for dpid := range b.late.of {
		cables = slices.AppendSeq(cables, maps.Values(b.cables[dpid]))
	}
	cables = append(cables, b.drained.of(b)...)
	cables = slices.DeleteFunc(cables, func(c *cable) bool { return !c.tree || !c.carries })
	slices.SortFunc(cables, func(x, y *cable) int { return -x.compare(y) })
	return slices.Compact(cables)
}

// compare orders cables as the tree takes them: first those that are
// neither late nor drained, and of these the cheaper.
func (c *cable) compare(o *cable) int {
	if c.late != o.late {
		if o.late {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(c.metric, o.metric), CompareLinks(c.id(0), o.id(0)))
}
