package topology

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/openflow"
)

// A history drives a builder at random.
type history struct {
	*Builder
	now      time.Time
	port     *rapid.Generator[PortID]
	recalled []SavedLink
}

const historySwitches, historyPorts = 7, 3

func newHistory(t *rapid.T) *history {
	cfg := Config{
		DefaultCapacity: bitrate.Gbps, MaxLearned: rapid.SampledFrom([]int{1, 5, 100}).Draw(t, "learned"), MaxHosts: 2, MaxAddrs: 2, MaxAway: rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "away"), Absence: time.Second, Grace: 3 * time.Second, Doubt: 5 * time.Second, LinkTimeout: 2 * time.Second,
		Links: []LinkOverride{{A: at(1, 1), B: at(2, 1), Metric: 3, Capacity: bitrate.Mbps}, {A: at(3, 2), B: at(1, 2), Metric: 2}},
	}
	h := &history{
		Builder: NewBuilder(cfg, t0), now: t0,
		port: rapid.Custom(func(t *rapid.T) PortID {
			return at(openflow.DPID(rapid.IntRange(1, historySwitches).Draw(t, "d")), openflow.PortNo(rapid.IntRange(1, historyPorts).Draw(t, "p")))
		}),
	}
	for range rapid.IntRange(0, 5).Draw(t, "recalled") {
		x, y := h.port.Draw(t, "x"), h.port.Draw(t, "y")
		h.recalled = append(h.recalled, SavedLink{LinkID: LinkID{From: x, To: y}}, SavedLink{LinkID: LinkID{From: y, To: x}})
	}
	h.Recall(Saved{Links: h.recalled}, t0)
	for d := openflow.DPID(1); d <= historySwitches && rapid.Bool().Draw(t, "up"); d++ {
		up(h.Builder, d, historyPorts, t0)
	}
	return h
}

// step lets something happen.
func (h *history) step(t *rapid.T) {
	x, y := h.port.Draw(t, "x"), h.port.Draw(t, "y")
	switch rapid.IntRange(0, 21).Draw(t, "event") {
	case 0:
		h.SwitchUp(Switch{DPID: x.DPID, Tables: 254}, ports(rapid.IntRange(1, historyPorts).Draw(t, "ports")), h.now)
	case 1, 2:
		h.SwitchUp(Switch{DPID: x.DPID, Tables: 254}, ports(historyPorts), h.now)
		h.SwitchReady(x.DPID, h.now)
	case 3:
		h.SwitchDown(x.DPID, h.now)
	case 4:
		p := openflow.Port{No: x.Port, CurrSpeed: 1000, Supported: openflow.PortFeature10GFull}
		h.PortChanged(x.DPID, openflow.PortModified, p, h.now)
	case 5:
		h.PortChanged(x.DPID, openflow.PortModified, openflow.Port{No: x.Port, State: openflow.PortStateLinkDown}, h.now)
	case 6:
		h.PortChanged(x.DPID, openflow.PortDeleted, openflow.Port{No: x.Port}, h.now)
	case 7, 8, 9, 14, 15, 16, 17, 18:
		plug(h.Builder, x, y, h.now)
	case 10:
		h.LinkSeen(x, y, h.now)
	case 11:
		mac := openflow.MAC{0, byte(rapid.IntRange(1, 6).Draw(t, "mac"))}
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(1, 6).Draw(t, "addr"))})
		h.HostSeen(0, x, mac, []netip.Addr{addr}, true, h.now)
	case 19, 20:
		h.WideSeen(x, y, h.now)
	case 21:
		var switches []openflow.DPID
		if rapid.Bool().Draw(t, "drained switch") {
			switches = append(switches, x.DPID)
		}
		var cables []LinkID
		for range rapid.IntRange(0, 2).Draw(t, "drained cables") {
			cables = append(cables, LinkID{From: y, To: h.port.Draw(t, "z")})
		}
		if c := h.cableAt(y); c != nil && rapid.Bool().Draw(t, "drained cable") {
			cables = append(cables, c.id(1))
		}
		h.SetDrained(switches, cables)
	case 12:
		h.SetQueues(x.DPID, 1, []openflow.PortNo{x.Port})
	case 13:
		pass(h.Builder, time.Duration(rapid.IntRange(1, 30).Draw(t, "ticks"))*100*time.Millisecond)
		h.now = h.clock.wall
	}
}

// scratch returns the snapshot that follows from what a builder knows, made of
// nothing but that; was is the one before.
func (b *Builder) scratch(was *Snapshot) *Snapshot {
	b.settleSegments()
	s := emptySnapshot()
	for dpid, sw := range b.switches {
		s.Switches[dpid] = b.assemble(sw)
	}
	for dpid, cables := range b.cables {
		for no, c := range cables {
			if from := at(dpid, no); b.carries(c) {
				s.Links[from] = b.link(c, from)
			}
		}
	}
	for id, h := range b.hosts {
		s.Hosts = s.Hosts.With(id, h.Host)
		for _, a := range h.Addrs {
			s.Addrs = s.Addrs.With(a, Attachment{Prefix: netip.PrefixFrom(a, a.BitLen()), At: h.At})
		}
	}
	s.Tree = spanningTree(s.Links, func(l LinkID) bool { return was.Tree[l.From] && was.Links[l.From].ID == l })
	return s
}

// checkStandings finds the standings about segments to be those that follow
// when everything is looked at, and the pairs that are near to be those that
// hear each other.
func (h *history) checkStandings(t *rapid.T) {
	was := maps.Clone(h.judged)
	h.joined, h.changed.hearings = nil, true
	h.settleSegments()
	h.changed.clear()
	if !maps.Equal(was, h.judged) {
		t.Fatalf("the standings are %v; want %v", was, h.judged)
	}
	near := nearPairs{}
	for from, tos := range h.heard {
		for to, one := range tos {
			if one.near {
				near.add(from, to, 1)
			}
		}
	}
	if !reflect.DeepEqual(near, h.near) {
		t.Fatalf("near are %v; want %v", h.near, near)
	}
}

// spanningTree returns the tree that follows the one before: by Kruskal's
// algorithm, with the links that were of it first.
func spanningTree(links map[PortID]Link, was func(LinkID) bool) map[PortID]bool {
	order := slices.SortedFunc(maps.Values(links), func(a, b Link) int {
		first := map[bool]int{true: 0, false: 1}
		return cmp.Or(first[b.Late || b.Drained]-first[a.Late || a.Drained], first[was(a.ID)]-first[was(b.ID)], cmp.Compare(a.Metric, b.Metric), CompareLinks(a.ID, b.ID))
	})
	root := map[openflow.DPID]openflow.DPID{}
	find := func(d openflow.DPID) openflow.DPID {
		for root[d] != 0 {
			d = root[d]
		}
		return d
	}
	tree := map[PortID]bool{}
	for _, l := range order {
		if a, z := find(l.ID.From.DPID), find(l.ID.To.DPID); a != z {
			root[a] = z
			tree[l.ID.From], tree[l.ID.To] = true, true
		}
	}
	return tree
}

// differs says in what two snapshots differ; when hosts spoke does not count.
func differs(a, b *Snapshot) string {
	if d := Diff(a, b); !d.Empty() {
		return fmt.Sprintf("%+v", d)
	}
	if x, y := maps.Collect(a.Addrs.All()), maps.Collect(b.Addrs.All()); !maps.Equal(x, y) {
		return fmt.Sprintf("addresses %v and %v", x, y)
	}
	return ""
}

func sortDelta(d Delta) Delta {
	slices.Sort(d.Switches)
	slices.SortFunc(d.Links, ComparePorts)
	slices.SortFunc(d.Tree, ComparePorts)
	slices.SortFunc(d.Hosts, CompareHosts)
	return d
}

// copySnapshot returns a copy that shares nothing with s.
func copySnapshot(s *Snapshot) *Snapshot {
	out := *s
	out.Links, out.Tree, out.Switches = maps.Clone(s.Links), maps.Clone(s.Tree), maps.Clone(s.Switches)
	for d, sw := range out.Switches {
		sw.Ports = maps.Clone(sw.Ports)
		out.Switches[d] = sw
	}
	out.Hosts, out.Addrs = MapOf(maps.Collect(s.Hosts.All())), MapOf(maps.Collect(s.Addrs.All()))
	return &out
}

// After any history a snapshot is the one made from nothing, its delta names
// what differs from the one before and nothing else, and those of the past are
// as they were.
func TestSnapshotsAreWhatFollows(t *testing.T) {
	type kept struct{ s, copied *Snapshot }
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		last := emptySnapshot()
		var past []kept
		for range rapid.IntRange(1, 40).Draw(t, "snapshots") {
			for range rapid.IntRange(1, 12).Draw(t, "events") {
				h.step(t)
			}
			want := h.scratch(last)
			s := h.Snapshot(h.now)
			if d := differs(want, s); d != "" {
				t.Fatalf("the snapshot is not what follows from the state: %s", d)
			}
			h.checkStandings(t)
			if wrong := h.checkFullest(); wrong != "" {
				t.Fatal(wrong)
			}
			h.checkOwners(t, s)
			if got, want := sortDelta(s.Delta), sortDelta(Diff(last, s)); !reflect.DeepEqual(got, want) {
				t.Fatalf("delta %+v; want %+v", got, want)
			}
			if wired := s.Wiring == s.Revision; wired != rewired(last, s) {
				t.Fatalf("wiring %d at revision %d; something has changed for paths: %v", s.Wiring, s.Revision, !wired)
			}
			last = s
			past = append(past, kept{s, copySnapshot(s)})
			earlier := past[rapid.IntRange(0, len(past)-1).Draw(t, "earlier")].s
			since, ok := s.Since(earlier.Revision)
			if diff := sortDelta(Diff(earlier, s)); !ok || !covers(since, diff) {
				t.Fatalf("since revision %d: %+v, %v; want at least %+v", earlier.Revision, since, ok, diff)
			}
		}
		for _, k := range past {
			if d := differs(k.s, k.copied); d != "" {
				t.Fatalf("an old snapshot has changed: %s", d)
			}
		}
	})
}

// checkOwners checks that a snapshot has each address at the host that has it.
func (h *history) checkOwners(t *rapid.T, s *Snapshot) {
	addrs := 0
	for id, host := range s.Hosts.All() {
		addrs += len(host.Addrs)
		for _, a := range host.Addrs {
			if owner, ok := s.HostAt(a); !ok || owner != id {
				t.Fatalf("%s is %v's, and found at %v, %v", a, id, owner, ok)
			}
		}
	}
	if addrs != s.owners.Len() || addrs != s.Addrs.Len() {
		t.Fatalf("%d addresses of hosts, %d have owners, %d positions", addrs, s.owners.Len(), s.Addrs.Len())
	}
}

// covers reports whether d names all that want names.
func covers(d, want Delta) bool {
	all := Delta{
		Switches: append(d.Switches, want.Switches...), Links: append(d.Links, want.Links...),
		Tree: append(d.Tree, want.Tree...), Hosts: append(d.Hosts, want.Hosts...),
	}
	return len(distinct(all.Switches)) == len(d.Switches) && len(distinct(all.Links)) == len(d.Links) &&
		len(distinct(all.Tree)) == len(d.Tree) && len(distinct(all.Hosts)) == len(d.Hosts)
}

func rewired(a, b *Snapshot) bool {
	return !maps.Equal(a.Links, b.Links) || !maps.EqualFunc(a.Switches, b.Switches, sameWiring)
}

// The changes that are saved add up to all that is worth saving, wherever the
// history is cut.
func TestWhatIsSavedIsWhatIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		links, ports, hosts := map[LinkID]SavedLink{}, map[PortID]SavedPort{}, map[HostID]Host{}
		for _, l := range h.recalled {
			links[l.LinkID] = l
		}
		for range rapid.IntRange(1, 30).Draw(t, "saves") {
			for range rapid.IntRange(1, 6).Draw(t, "events") {
				h.step(t)
			}
			h.Snapshot(h.now)
			c := h.Save()
			for _, l := range c.Links {
				links[l.LinkID] = l
			}
			for _, p := range c.Ports {
				ports[p.PortID] = p
			}
			for _, x := range c.Hosts {
				hosts[x.ID()] = x
			}
			for _, id := range c.GoneLinks {
				delete(links, id)
			}
			for _, id := range c.GonePorts {
				delete(ports, id)
			}
			for _, id := range c.GoneHosts {
				delete(hosts, id)
			}
			m := h.Saved()
			if len(m.Links) != len(links) || len(m.Ports) != len(ports) || len(m.Hosts) != len(hosts) {
				t.Fatalf("saved %v %v %v; known %+v", links, ports, hosts, m)
			}
			for _, l := range m.Links {
				if links[l.LinkID] != l {
					t.Fatalf("link %v is saved as %v", l, links[l.LinkID])
				}
			}
			for _, p := range m.Ports {
				if ports[p.PortID] != p {
					t.Fatalf("port %v is saved as %v", p, ports[p.PortID])
				}
			}
			for _, x := range m.Hosts {
				if !sameHost(hosts[x.ID()], x) {
					t.Fatalf("host %v is saved as %v", x, hosts[x.ID()])
				}
			}
		}
	})
}

// drawAddr draws one of few addresses, of all kinds.
func drawAddr(t *rapid.T) netip.Addr {
	n := byte(rapid.IntRange(0, 15).Draw(t, "n"))
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return netip.AddrFrom16([16]byte{0x20, 1, 13: n, 15: n})
	case 1:
		return netip.AddrFrom16([16]byte{0xfe, 0x80, 15: n}).WithZone("eth0")
	case 2:
		return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 10, 15: n})
	}
	return netip.AddrFrom4([4]byte{10, n, 0, n})
}

func drawAttachments(t *rapid.T, s *Snapshot) {
	var cfg Config
	for i := range rapid.IntRange(0, 12).Draw(t, "attachments") {
		a := drawAddr(t).WithZone("")
		prefix := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))
		cfg.Attachments = append(cfg.Attachments, Attachment{Prefix: prefix, At: at(1, openflow.PortNo(i+1))})
	}
	s.Attachments = cfg.withDefaults().Attachments
}
