package topology

import "time"

// How long a port counts as storming or echoing after it was last reported so.
const (
	stormSpan = 30 * time.Second
	echoSpan  = 3 * time.Second
)

// spells say of ports until when, in attended time, something holds of them.
type spells map[PortID]time.Time

func (s spells) has(at PortID) bool { return !s[at].IsZero() }

// PortStorms takes note that the hosts behind a port announce addresses without
// end, and reports whether that is news. They get a budget of their own, so
// that others are heard.
func (b *Builder) PortStorms(at PortID, now time.Time) (news bool) {
	return b.beset(b.storms, at, stormSpan, now)
}

// PortEchoes takes note that many frames of hosts that are known elsewhere come
// from a port, and reports whether that is news: what is flooded seems to come
// back through it. Little of that is carried until the probes, which it drowns,
// have told.
func (b *Builder) PortEchoes(at PortID, now time.Time) (news bool) {
	return b.beset(b.echoes, at, echoSpan, now)
}

func (b *Builder) beset(by spells, at PortID, span time.Duration, now time.Time) (news bool) {
	b.clock.look(now)
	if p := b.port(at); p == nil || p.role != Edge {
		return false
	}
	news = !by.has(at)
	by[at] = b.clock.now.Add(span)
	if news {
		b.touchSwitch(at.DPID)
	}
	return news
}

// expireSpells forgets the storms and echoes that are over.
func (b *Builder) expireSpells() {
	for _, s := range []spells{b.storms, b.echoes} {
		for at, end := range s {
			if b.clock.now.After(end) {
				delete(s, at)
				b.touchSwitch(at.DPID)
			}
		}
	}
}

func (b *Builder) crowdedAt(id PortID) bool {
	c := b.behind[id.DPID][id.Port]
	return c != nil && c.crowded
}
