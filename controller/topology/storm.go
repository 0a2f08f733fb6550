package topology

import "time"

// stormSpan is how long a port counts as storming after it was last reported.
const stormSpan = 30 * time.Second

// PortStorms takes note that the hosts behind a port announce addresses without
// end, and reports whether that is news. They get a budget of their own, so
// that others are heard.
func (b *Builder) PortStorms(at PortID, now time.Time) (news bool) {
	b.clock.look(now)
	if p := b.port(at); p == nil || p.role != Edge {
		return false
	}
	news = b.storms[at].IsZero()
	b.storms[at] = b.clock.now.Add(stormSpan)
	if news {
		b.touchSwitch(at.DPID)
	}
	return news
}

// expireStorms forgets the storms that are over.
func (b *Builder) expireStorms() {
	for at, end := range b.storms {
		if b.clock.now.After(end) {
			delete(b.storms, at)
			b.touchSwitch(at.DPID)
		}
	}
}

func (b *Builder) crowdedAt(id PortID) bool {
	c := b.behind[id.DPID][id.Port]
	return c != nil && c.crowded
}
