package allocator

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
)

// TestProjectsLeaveEachOtherAlone has two projects ask, change, renew, release
// and be limited at random, while the cable comes to carry more and less. What
// one does takes nothing of what the other was promised: neither its rate nor
// its window, and no packet that had been its. Each owns a host, and two hosts
// belong to no project.
func TestProjectsLeaveEachOtherAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 2, 20)
		trunk := w.cable(1, 2, 12)
		limits := map[string]Limits{}
		w.cfg.Limits = func(project string) Limits { return limits[project] }
		w.cfg.Owns = ownsHost
		w.open()
		m := &twoProjects{t: t, w: w, before: map[string]Allocation{}, asked: map[string]int{}}
		for range rapid.IntRange(15, 30).Draw(t, "steps") {
			by := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "by")
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "change", "change", "release", "limit", "capacity", "restart"}).Draw(t, "step") {
			case "ask":
				if v, err := w.a.Create(bg, m.request(by)); err == nil {
					m.asks(v.ID)
				}
			case "change":
				if id := m.own(by); id != "" {
					m.update(id)
				}
			case "release":
				if id := m.own(by); id != "" {
					_ = w.a.Release(bg, id, 0)
				}
			case "limit":
				limits[by] = drawLimits(t, 12)
				w.a.LimitsChanged()
			case "capacity":
				by = "" // no project's doing
				carries := rapid.SampledFrom([]bitrate.Rate{0, 4, 5, 7, 9, 12, 16}).Draw(t, "carries")
				m.crowded = m.crowdedOut(carries)
				w.change(mend(trunk, carries))
			case "restart":
				w.open()
			}
			w.plan()
			w.work()
			m.compare(by)
			for range secondsRange(0, 9).Draw(t, "pause") {
				w.pass(1)
				m.compare("")
			}
		}
	})
}

// twoProjects is what the last step has left.
type twoProjects struct {
	t       *rapid.T
	w       *world
	before  map[string]Allocation
	asked   map[string]int  // by ID, in which order
	asking  int             // the latest of them
	crowded map[string]bool // by ID, what has no room beside what asked first
}

// asks notes that an allocation has asked for what it has not.
func (m *twoProjects) asks(id string) {
	m.asking++
	m.asked[id] = m.asking
}

func (m *twoProjects) update(id string) {
	was := m.w.get(id)
	v, err := m.w.a.Update(bg, id, 0, m.change())
	if err == nil && (v.Bandwidth > was.Bandwidth || v.Duration > was.Duration || hostsOf(canonical(v.Key)) != hostsOf(canonical(was.Key))) {
		m.asks(id)
	}
}

// crowdedOut returns what has no room beside what asked first, if the cable
// carries so much.
func (m *twoProjects) crowdedOut(carries bitrate.Rate) map[string]bool {
	out, used := map[string]bool{}, map[Seconds]bitrate.Rate{}
	list := slices.SortedFunc(maps.Values(m.before), func(a, b Allocation) int { return cmp.Compare(m.asked[a.ID], m.asked[b.ID]) })
	for _, v := range list {
		if v.Bandwidth == 0 || len(v.Path) == 0 {
			continue
		}
		for at := v.Window.Start; at < v.Window.End; at++ {
			out[v.ID] = out[v.ID] || at >= m.w.now && used[at]+v.Bandwidth > carries
		}
		for at := v.Window.Start; at < v.Window.End && !out[v.ID]; at++ {
			used[at] += v.Bandwidth
		}
	}
	return out
}

// ownsHost reports whether addresses are that of the project's host.
func ownsHost(project string, addrs netip.Prefix) bool {
	return project == "p" && addrs == netip.PrefixFrom(host(1, 1), 32) || project == "q" && addrs == netip.PrefixFrom(host(2, 1), 32)
}

func (m *twoProjects) request(by string) Request {
	r := ask(1, 1, 2, 1, m.rate(), secondsRange(20, 90).Draw(m.t, "duration"))
	r.ProjectID, r.Key = by, m.key()
	if rapid.Bool().Draw(m.t, "fixed") {
		r.StartTime = m.w.now + secondsRange(0, 30).Draw(m.t, "start")
	}
	r.Lease, r.ActiveLease = secondsRange(0, 20).Draw(m.t, "lease"), secondsRange(0, 20).Draw(m.t, "active lease")
	return r
}

func (m *twoProjects) rate() bitrate.Rate {
	return rapid.SampledFrom([]bitrate.Rate{0, 1, 3, 4, 5, 8}).Draw(m.t, "rate")
}

func (m *twoProjects) key() path.FlowKey {
	k := key(host(1, rapid.SampledFrom([]int{1, 2}).Draw(m.t, "host")), host(2, rapid.SampledFrom([]int{1, 2}).Draw(m.t, "host")))
	k.Src, k.Dst = drawWider(m.t, k.Src), drawWider(m.t, k.Dst)
	k.Proto = rapid.SampledFrom([]uint8{path.ProtoAny, path.ProtoTCP}).Draw(m.t, "protocol")
	k.SrcPort, k.DstPort = drawFewPorts(m.t, "from"), drawFewPorts(m.t, "to")
	if rapid.Bool().Draw(m.t, "back") {
		return k.Reverse()
	}
	return k
}

func (m *twoProjects) change() (c Change) {
	switch rapid.SampledFrom([]string{"rate", "rate", "duration", "lease", "key"}).Draw(m.t, "change") {
	case "rate":
		c.Bandwidth = new(m.rate())
	case "duration":
		c.Duration = new(secondsRange(20, 90).Draw(m.t, "duration"))
	case "lease":
		c.Lease, c.ActiveLease = new(secondsRange(0, 20).Draw(m.t, "lease")), new(secondsRange(0, 20).Draw(m.t, "active lease"))
	case "key":
		c.Key = new(m.key())
	}
	return c
}

// own returns the ID of an allocation of the project, "" if it has none.
func (m *twoProjects) own(by string) string {
	list := m.w.a.Live(by)
	if len(list) == 0 {
		return ""
	}
	return rapid.SampledFrom(list).Draw(m.t, "one").ID
}

// compare checks what a step of one project, or of time for "", has made of
// what the others had.
func (m *twoProjects) compare(by string) {
	after := map[string]Allocation{}
	for _, v := range m.w.a.Live("") {
		after[v.ID] = v
	}
	for id, had := range m.before {
		has, there := after[id]
		switch {
		case had.ProjectID == by || had.Window == (Window{}) || had.Window.End <= m.w.now || lapsed(had, m.w.now) || m.crowded[id]:
		case !there:
			m.t.Fatalf("%+v is gone", had)
		case has.Bandwidth != had.Bandwidth || has.Window.Start > had.Window.Start && has.Window.Start > m.w.now ||
			has.Window.End-has.Window.Start < had.Window.End-had.Window.Start || had.State == Active && has.State != Active:
			m.t.Fatalf("%+v became less: %+v", had, has)
		}
	}
	for _, x := range after {
		for id, had := range m.before {
			if y := after[id]; y.Window == had.Window && y.Key == had.Key && y.Bandwidth == had.Bandwidth {
				m.spares(x, y)
			}
		}
	}
	m.before, m.crowded = after, nil
}

// spares checks that x, if it is new where it is, takes no packets of y.
func (m *twoProjects) spares(x, y Allocation) {
	if x.ProjectID == y.ProjectID || !x.Window.Overlaps(y.Window) || !x.Key.Meets(y.Key) || x.Key.Precedence() < y.Key.Precedence() {
		return
	}
	if was, there := m.before[x.ID]; there && was.Window.Overlaps(y.Window) && was.Key == x.Key {
		return // it was there first
	}
	if owns := func(v Allocation) bool {
		a, b := canonical(x.Key), canonical(y.Key)
		return ownsHost(v.ProjectID, path.Narrower(a.Src, b.Src).Net()) || ownsHost(v.ProjectID, path.Narrower(a.Dst, b.Dst).Net())
	}; owns(x) && x.Bandwidth > 0 &&
		!owns(y) && y.Bandwidth == 0 {
		return // it owns an end and was promised a rate, the other neither
	}
	m.t.Fatalf("%+v takes packets of %+v", x, y)
}

// lapsed reports whether a lease of an allocation may have ended by now.
func lapsed(v Allocation, now Seconds) bool {
	begun := v.ActiveLease != 0 && v.Window.Start+v.ActiveLease <= now // the other lease counts from the start
	return v.LeaseEnd != 0 && v.LeaseEnd <= now || begun
}
