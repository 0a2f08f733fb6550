package allocator

import "math"

// keyCalendar is the calendar of traffic: when which of it is reserved. All
// keys are canonical, and a reservation's rate is 1. Reservations are grouped
// by the two hosts or prefixes, most of which have one at a time: that one
// needs nothing besides its slot in the map.
type keyCalendar struct {
	four map[[8]byte]traffic  // between IPv4 addresses
	six  map[[32]byte]traffic // between IPv6 addresses
	wide widePairs            // where a side is a prefix
}

// traffic is what is reserved between two hosts.
type traffic struct {
	first flow
	more  *flows // the other reservations; nil: none
}

// flow is a reservation: which of the hosts' traffic, and when. The zero flow
// is none.
type flow struct {
	from, to uint32 // UNIX seconds
	selector selector
	used     bool
}

// flows are reservations that are looked through one by one while they are few,
// and have a timeline for each selector when they are many, or do not fit a
// [flow].
type flows struct {
	few  []flow
	many map[selector]*timeline
	by   map[keyOwner]int // with many: how many of these are whose

	several map[selector]bool // those of many that have several ports
}

// fewFlows is how many reservations are looked through.
const fewFlows = 16

func newKeyCalendar() keyCalendar {
	return keyCalendar{map[[8]byte]traffic{}, map[[32]byte]traffic{}, newWidePairs()}
}

func pairOf4(h hosts) (p [8]byte, ok bool) {
	if !h[0].Is4() || !h[1].Is4() {
		return p, false
	}
	s, d := h[0].Addr().As4(), h[1].Addr().As4()
	copy(p[:4], s[:])
	copy(p[4:], d[:])
	return p, true
}

func pairOf6(h hosts) (p [32]byte) {
	s, d := h[0].Addr().As16(), h[1].Addr().As16()
	copy(p[:16], s[:])
	copy(p[16:], d[:])
	return p
}

// between returns the traffic that canonical keys between two hosts or prefixes
// have.
func (b *keyCalendar) between(h hosts) traffic {
	if h.wide() {
		return b.wide.traffic[h]
	}
	if p, ok := pairOf4(h); ok {
		return b.four[p]
	}
	return b.six[pairOf6(h)]
}

func (b *keyCalendar) set(h hosts, t traffic) {
	if h.wide() {
		b.wide.set(h, t)
	} else if p, ok := pairOf4(h); ok {
		put(b.four, p, t)
	} else {
		put(b.six, pairOf6(h), t)
	}
}

func put[K comparable](m map[K]traffic, k K, t traffic) {
	if t == (traffic{}) {
		delete(m, k)
	} else {
		m[k] = t
	}
}

// flowOf returns a reservation in its short form; ok is false if its window
// does not fit.
func flowOf(x reservation[ownedKey]) (f flow, ok bool) {
	w := x.window
	if w.Start < 0 || w.End > math.MaxUint32 {
		return f, false
	}
	return flow{uint32(w.Start), uint32(w.End), selectorOf(x.on), true}, true
}

// add enters a reservation. Its window must not be empty.
func (b *keyCalendar) add(x reservation[ownedKey]) {
	t := b.between(hostsOf(x.on.FlowKey))
	f, short := flowOf(x)
	switch {
	case short && !t.first.used:
		t.first = f
	case t.more == nil:
		t.more = &flows{}
		fallthrough
	default:
		if short && t.more.many == nil && len(t.more.few) < fewFlows {
			t.more.few = append(t.more.few, f)
		} else {
			t.more.spread()
			t.more.change(x, 1)
		}
	}
	b.set(hostsOf(x.on.FlowKey), t)
}

// remove takes out a reservation that add has entered.
func (b *keyCalendar) remove(x reservation[ownedKey]) {
	t := b.between(hostsOf(x.on.FlowKey))
	f, short := flowOf(x)
	if short && t.first == f {
		t.first = flow{}
	} else if t.more != nil {
		t.more.remove(x, f)
		if len(t.more.few) == 0 && len(t.more.many) == 0 {
			t.more = nil
		}
	}
	b.set(hostsOf(x.on.FlowKey), t)
}

func (m *flows) remove(x reservation[ownedKey], f flow) {
	if m.many != nil {
		m.change(x, -1)
		return
	}
	for i, o := range m.few {
		if o == f {
			m.few[i] = m.few[len(m.few)-1]
			m.few = m.few[:len(m.few)-1]
			return
		}
	}
}

// spread goes over to timelines.
func (m *flows) spread() {
	if m.many != nil {
		return
	}
	m.many, m.by, m.several = map[selector]*timeline{}, map[keyOwner]int{}, map[selector]bool{}
	for _, f := range m.few {
		m.line(f.selector).add(f.window(), 1)
	}
	m.few = nil
}

func (f flow) window() Window { return Window{Seconds(f.from), Seconds(f.to)} }

func (m *flows) line(k selector) *timeline {
	l := m.many[k]
	if l == nil {
		l = &timeline{}
		m.many[k] = l
		if m.by[k.by()]++; k.hasSeveral() {
			m.several[k] = true
		}
	}
	return l
}

func (m *flows) change(x reservation[ownedKey], by int64) {
	k := selectorOf(x.on)
	l := m.line(k)
	if l.add(x.window, by); len(l.blocks) == 0 {
		delete(m.many, k)
		delete(m.several, k)
		if m.by[k.by()]--; m.by[k.by()] == 0 {
			delete(m.by, k.by())
		}
	}
}

// fit returns the earliest start, not before w's, at which a window of w's
// length finds nothing reserved of exactly this traffic.
func (b *keyCalendar) fit(k ownedKey, w Window) Seconds {
	return b.clear(k, w, func(f flow) Seconds { return Seconds(f.to) }, (*timeline).fit)
}

// clear moves a window, of which it returns the start, until nothing is
// reserved in it of exactly this traffic. past returns the start beyond a flow
// that is in the way, fit that which a timeline leaves.
func (b *keyCalendar) clear(k ownedKey, w Window, past func(flow) Seconds, fit func(*timeline, Window, int64) Seconds) Seconds {
	t := b.between(hostsOf(k.FlowKey))
	length, want := w.End-w.Start, selectorOf(k)
	for {
		at := w.Start
		move := func(start Seconds) { w = Window{start, start + length} }
		pass := func(f flow) {
			if f.used && f.selector == want && f.window().Overlaps(w) {
				move(past(f))
			}
		}
		if pass(t.first); t.more != nil {
			for _, f := range t.more.few {
				pass(f)
			}
			if l := t.more.many[want]; l != nil {
				move(fit(l, w, 0))
			}
		}
		if w.Start == at {
			return at
		}
	}
}

// taken reports whether some of the window is reserved for exactly this
// traffic.
func (b *keyCalendar) taken(k ownedKey, w Window) bool { return b.fit(k, w) != w.Start }
