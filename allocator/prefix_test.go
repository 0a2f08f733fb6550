package allocator

import (
	"net/netip"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// prefixOf returns a host or prefix.
func prefixOf(t testing.TB, text string) path.Prefix {
	t.Helper()
	p, err := path.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func edgePort(d openflow.DPID, port openflow.PortNo) topology.PortID {
	return topology.PortID{DPID: d, Port: port}
}

// seen puts a host behind a port; gone forgets it.
func seen(text string, at topology.PortID) func(*topology.Snapshot) {
	addr := netip.MustParseAddr(text)
	return func(s *topology.Snapshot) {
		s.Addrs = s.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, addr.BitLen()), At: at})
	}
}

func gone(text string) func(*topology.Snapshot) {
	return func(s *topology.Snapshot) { s.Addrs = s.Addrs.Without(netip.MustParseAddr(text)) }
}

// toPrefix returns a request from host 1 of switch 1 to a prefix.
func toPrefix(t testing.TB, text string, rate bitrate.Rate) Request {
	r := ask(1, 1, 2, 1, rate, 1000)
	r.Key.Dst = prefixOf(t, text)
	return r
}

// wantPath fails unless an allocation is active on a path to a port, for a
// reason that has a text in it, or none.
func (w *world) wantPath(id string, to topology.PortID, reason string) {
	w.Helper()
	v := w.get(id)
	if len(v.Path) == 0 {
		w.Fatalf("no path: %+v", v)
	}
	if _, at := v.Path.Ends(); v.State != Active || at != to || (reason == "") != (v.Reason == "") || !strings.Contains(v.Reason, reason) {
		w.Fatalf("%s on %s, %q; want one to %s, %q", v.State, v.Path, v.Reason, to, reason)
	}
	if is, want := v.Shortfall.Lack, map[bool]Lack{true: NoPath}[reason != ""]; is != want {
		w.Fatalf("it lacks %d, want %d", is, want)
	}
}

// A prefix waits for one of its hosts, and its path ends where they all are; it
// follows them when they move together. What appears elsewhere alone moves
// nothing, and is named, until it has gone or come; asked for anew the prefix
// is refused.
func TestHostsOfAPrefix(t *testing.T) {
	w := newWorld(t, 3, 1000)
	one, other := w.cable(1, 2, 1000), w.cable(1, 3, 1000)
	w.cable(3, 2, 1000)
	var reported []Allocation
	w.cfg.Notify = func(a Allocation, _ bool) { reported = append(reported, a) }
	w.open()
	id := w.create(toPrefix(t, "10.9.0.0/24", 10)).ID
	w.work()
	v := w.expect(id, Pending, Window{})
	if want := "no host of 10.9.0.0/24 has been seen yet and no attachment covers it"; !strings.Contains(v.Reason, want) {
		t.Errorf("%q", v.Reason)
	}
	w.change(seen("10.9.1.7", edgePort(2, 2)))
	w.work()
	w.expect(id, Pending, Window{})
	w.change(seen("10.9.0.7", edgePort(2, 3)))
	w.work()
	w.wantPath(id, edgePort(2, 3), "")
	w.change(seen("10.9.0.200", edgePort(2, 3)))
	w.work()
	w.wantPath(id, edgePort(2, 3), "")

	reported = nil
	w.change(seen("10.9.0.8", edgePort(3, 1)))
	w.work()
	const apart = "10.9.0.8 of 10.9.0.0/24 is behind port 0000000000000003:1 and not behind 0000000000000002:3, where the path ends"
	w.wantPath(id, edgePort(2, 3), apart)
	if len(reported) != 1 || reported[0].ID != id || reported[0].Shortfall.Lack != NoPath || !strings.Contains(reported[0].Reason, apart) {
		t.Errorf("reported: %+v", reported)
	}
	_, err := w.a.Create(bg, toPrefix(t, "10.9.0.0/28", 10))
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "10.9.0.7 of 10.9.0.0/28 is behind port 0000000000000002:3 and 10.9.0.8 behind port 0000000000000003:1") {
		t.Error(e)
	}
	w.create(toPrefix(t, "10.9.0.128/25", 10)) // where none is apart

	// It has its path found anew without losing its end.
	w.change(cut(one))
	w.work()
	w.wantPath(id, edgePort(2, 3), apart)
	w.change(cut(other))
	w.work()
	if v := w.get(id); v.State != Pending || len(v.Path) > 0 {
		t.Errorf("%+v", v)
	}
	w.change(mend(other, 1000))
	w.pass(10)
	w.wantPath(id, edgePort(2, 3), apart)
	w.open()
	w.work()
	w.wantPath(id, edgePort(2, 3), apart)

	reported = nil
	w.change(gone("10.9.0.8"))
	w.work()
	w.wantPath(id, edgePort(2, 3), "")
	if len(reported) != 1 || reported[0].Shortfall.Lack != NoLack {
		t.Errorf("reported: %+v", reported)
	}
	w.change(func(s *topology.Snapshot) {
		seen("10.9.0.7", edgePort(3, 1))(s)
		seen("10.9.0.200", edgePort(3, 1))(s)
	})
	w.work()
	w.wantPath(id, edgePort(3, 1), "")
}

// However many addresses of a prefix a stranger claims, what runs keeps its
// path, and what is planned its window, over a restart and when the path is
// cut; the reason names a stranger and where it is. A new request is refused
// only for addresses among which there are such. What moves together is
// followed.
func TestStrangersInAPrefix(t *testing.T) {
	w := newWorld(t, 3, 1000)
	one := w.cable(1, 2, 1000)
	w.cable(1, 3, 1000)
	w.cable(2, 3, 1000)
	w.open()
	w.change(seen("10.9.0.1", edgePort(2, 3)))
	r := toPrefix(t, "10.9.0.0/24", 10)
	id := w.create(r).ID
	r.StartTime, r.Key.SrcPort = w.now+900, path.Port(9)
	later := w.create(r).ID
	w.work()
	w.wantPath(id, edgePort(2, 3), "")
	planned := w.get(later)
	strangers := func(n int, at topology.PortID) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			for i := range n {
				seen(netip.AddrFrom4([4]byte{10, 9, 0, byte(100 + i)}).String(), at)(s)
			}
		}
	}
	kept := func(reason string) {
		t.Helper()
		w.work()
		w.wantPath(id, edgePort(2, 3), reason)
		if v := w.get(later); v.Window != planned.Window || !v.Path.Equal(planned.Path) || strings.Contains(v.Reason, "another path") {
			t.Fatalf("%s in %v on %v, %q", v.State, v.Window, v.Path, v.Reason)
		}
	}
	const first, beyond = "10.9.0.100 of 10.9.0.0/24 is behind port 0000000000000003:1", "there are more than 32 such hosts"
	w.change(strangers(path.MaxApart, edgePort(3, 1)))
	kept(first)
	if v := w.get(id); strings.Contains(v.Reason, beyond) {
		t.Errorf("%q", v.Reason)
	}
	for _, n := range []int{path.MaxApart + 1, 120} {
		w.change(strangers(n, edgePort(3, 1)))
		kept(beyond)
	}
	w.open()
	kept(beyond)
	w.change(cut(one))
	w.work()
	w.wantPath(id, edgePort(2, 3), first)
	w.change(mend(one, 1000))
	w.work()
	planned = w.get(later)

	_, err := w.a.Create(bg, toPrefix(t, "10.9.0.0/25", 10))
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "10.9.0.1 of 10.9.0.0/25 is behind port 0000000000000002:3 and 10.9.0.100 behind port 0000000000000003:1") ||
		!strings.Contains(e.Error(), "network.attachments") {
		t.Error(e)
	}
	w.create(toPrefix(t, "10.9.0.0/26", 10))
	w.create(toPrefix(t, "10.9.0.1", 10))

	// The port where it ends goes down and comes up again.
	at := edgePort(2, 3)
	up := func(yes bool) func(*topology.Snapshot) {
		return func(s *topology.Snapshot) {
			p := s.Switches[at.DPID].Ports[at.Port]
			p.Up = yes
			s.Switches[at.DPID].Ports[at.Port] = p
		}
	}
	w.change(up(false))
	w.work()
	if v := w.get(id); v.State != Pending || len(v.Path) > 0 {
		t.Errorf("%s on %s", v.State, v.Path)
	}
	w.change(up(true))
	w.pass(10)
	kept(beyond)

	w.change(strangers(120, edgePort(3, 2)))
	kept("0000000000000003:2")
	w.change(seen("10.9.0.1", edgePort(3, 2)))
	w.work()
	w.wantPath(id, edgePort(3, 2), "")
	w.now = planned.Window.Start - planNear
	w.work()
	if _, at := w.get(later).Path.Ends(); at != edgePort(3, 2) {
		t.Errorf("what is planned ends at %s", at)
	}
	w.change(func(s *topology.Snapshot) {
		s.Attachments = append(s.Attachments, topology.Attachment{Prefix: netip.MustParsePrefix("10.9.0.0/24"), At: edgePort(2, 1)})
	})
	w.work()
	w.wantPath(id, edgePort(2, 1), "")
}

// An attachment says where a prefix is, whatever a host claims; longer ones in
// it do, too.
func TestAttachedPrefix(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	attach := func(prefix string, at topology.PortID) {
		w.snap.Attachments = append(w.snap.Attachments, topology.Attachment{Prefix: netip.MustParsePrefix(prefix), At: at})
	}
	attach("10.9.0.0/16", edgePort(2, 1))
	attach("10.9.8.0/24", edgePort(1, 2))
	w.open()
	id := w.create(toPrefix(t, "10.9.0.0/24", 10)).ID
	w.work()
	w.wantPath(id, edgePort(2, 1), "")
	w.change(seen("10.9.0.7", edgePort(1, 3)))
	w.work()
	w.wantPath(id, edgePort(2, 1), "")
	_, err := w.a.Create(bg, toPrefix(t, "10.9.0.0/16", 10))
	if e := refused(t, err, Conflict, "dst_ip"); !strings.Contains(e.Error(), "10.9.0.0/16 of 10.9.0.0/16 is behind port 0000000000000002:1 and 10.9.8.0/24 behind port 0000000000000001:2") {
		t.Error(e)
	}
}

// A change to a prefix is a change to other hosts: it is refused where a new
// request would be, and moves the path else.
func TestChangeToAPrefix(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	id := w.create(ask(1, 1, 2, 1, 10, 1000)).ID
	w.work()
	w.change(seen("10.9.0.7", edgePort(2, 3)))
	w.change(seen("10.9.1.7", edgePort(2, 2)))
	to := func(text string) *path.FlowKey {
		k := key(host(1, 1), host(2, 1))
		k.Dst = prefixOf(t, text)
		return &k
	}
	_, err := w.a.Update(bg, id, 0, Change{Key: to("10.9.0.0/16")})
	refused(t, err, Conflict, "dst_ip")
	for text, problem := range map[string]string{
		"10.0.1.0/24": "have hosts in common", "10.0.0.0/7": "wider than /8", "2001:db8::/64": "different families",
	} {
		_, err := w.a.Update(bg, id, 0, Change{Key: to(text)})
		if e := refused(t, err, Invalid, "dst_ip"); !strings.Contains(e.Error(), problem) {
			t.Error(e)
		}
	}
	w.update(id, Change{Key: to("10.9.0.0/24")})
	w.work()
	w.wantPath(id, edgePort(2, 3), "")
}

// Of two projects the one that was there first keeps its packets, whether the
// other's prefix is within its own, or across it.
func TestOverlapOfPrefixes(t *testing.T) {
	key := func(src, dst string, proto uint8, port uint16) path.FlowKey {
		return path.FlowKey{Src: prefixOf(t, src), Dst: prefixOf(t, dst), Proto: proto, DstPort: path.Port(port)}
	}
	const tcp, udp = path.ProtoTCP, path.ProtoUDP
	for name, tc := range map[string]struct {
		had, asks path.FlowKey
		blocked   bool // of another project; none of its own is
	}{
		"a host of it":               {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.1.0.7", "10.2.0.1", 0, 0), true},
		"a part of it":               {key("10.1.0.0/24", "10.2.0.0/24", 0, 0), key("10.1.0.0/25", "10.2.0.0/24", 0, 0), true},
		"back":                       {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.2.0.1", "10.1.0.7", 0, 0), true},
		"whatever the ports":         {key("10.1.0.0/24", "10.2.0.1", tcp, 80), key("10.1.0.7", "10.2.0.1", 0, 0), true},
		"other ports":                {key("10.1.0.0/24", "10.2.0.1", tcp, 80), key("10.1.0.7", "10.2.0.1", tcp, 81), false},
		"other ports with fragments": {key("10.1.0.0/24", "10.2.0.1", udp, 80), key("10.1.0.7", "10.2.0.1", udp, 81), true},
		"all around it":              {key("10.1.0.7", "10.2.0.1", 0, 0), key("10.1.0.0/24", "10.2.0.1", tcp, 80), false},
		"beside it":                  {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.1.1.0/24", "10.2.0.1", 0, 0), false},
		"across, with fewer":         {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.1.0.7", "10.2.0.0/25", 0, 0), true},
		"across, with more":          {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.1.0.7", "10.2.0.0/23", 0, 0), false},
		"across, low":                {key("10.1.0.0/24", "10.2.0.1", 0, 0), key("10.1.0.7", "10.2.0.0/24", 0, 0), true},
		"across, high":               {key("10.1.0.7", "10.2.0.0/24", 0, 0), key("10.1.0.0/24", "10.2.0.1", 0, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			had, asks := Request{ProjectID: "p", Key: tc.had, Bandwidth: 1}, Request{ProjectID: "q", Key: tc.asks, Bandwidth: 1}
			b := newCalendars()
			b.keys.add(reservation[ownedKey]{ownedKeyOf(&had), span(0, 100), 1})
			if got := b.conflicting(asks); (len(got) == 1) != tc.blocked || len(got) > 0 && got[0] != ownedKeyOf(&had) {
				t.Errorf("%v is in the way, want one: %t", got, tc.blocked)
			}
			asks.ProjectID = "p"
			if got := b.conflicting(asks); len(got) > 0 {
				t.Errorf("of one project, %v is in the way", got)
			}
			asks.Key = tc.had.Reverse()
			if got := b.conflicting(asks); len(got) != 1 {
				t.Errorf("the same is blocked by %v", got)
			}
		})
	}
}

// What has been planned for a prefix keeps its window when a host of it shows
// up elsewhere, and so its end when its path is cut, over a restart and when it
// is changed. Only what is new in a change is refused.
func TestPlannedPrefixThatIsSplit(t *testing.T) {
	for name, start := range map[string]Seconds{"with a start": 5000, "as early as it fits": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, 1000)
			one := w.cable(1, 2, 1000)
			w.cable(1, 3, 1000)
			w.open()
			w.change(seen("10.9.0.7", edgePort(2, 3)))
			if start == 0 {
				w.create(ask(1, 1, 2, 1, 1000, 5000))
			}
			r := toPrefix(t, "10.9.0.0/24", 1000)
			if start != 0 {
				r.StartTime = w.now + start
			}
			id := w.create(r).ID
			w.work()
			planned := w.get(id)
			window := planned.Window
			keeps := func(when string) {
				t.Helper()
				w.work()
				v := w.get(id)
				if len(v.Path) == 0 || v.Window != window {
					t.Fatalf("%s: %s in %v on %v, %q; want %v", when, v.State, v.Window, v.Path, v.Reason, window)
				}
				if _, at := v.Path.Ends(); at != edgePort(2, 3) {
					t.Fatalf("%s: it ends at %s", when, at)
				}
			}
			keeps("at first")
			w.change(seen("10.9.0.8", edgePort(3, 1)))
			keeps("split")
			_, err := w.a.Create(bg, toPrefix(t, "10.9.0.0/24", 1))
			refused(t, err, Conflict, "dst_ip")

			// A change of other things is none of where it ends.
			w.update(id, Change{Bandwidth: new(bitrate.Rate(900))})
			keeps("at another rate")
			k := r.Key
			k.Proto, k.DstPort = path.ProtoTCP, path.Port(80)
			w.update(id, Change{Key: &k})
			keeps("for a port")
			k.Dst = prefixOf(t, "10.9.0.0/25")
			_, err = w.a.Update(bg, id, 0, Change{Key: &k})
			refused(t, err, Conflict, "dst_ip")

			// It has its window again when a cut is mended.
			w.now = window.Start - 10
			w.change(cut(one))
			w.work()
			if v := w.get(id); v.State != Pending || len(v.Path) > 0 || strings.Contains(v.Reason, "degraded") {
				t.Fatalf("without a way: %+v", v)
			}
			w.open()
			w.change(mend(one, 1000))
			if start == 0 {
				window = w.get(id).Window // there is no room for it before
			}
			w.work()
			if v := w.get(id); len(v.Path) == 0 || start != 0 && v.Window != window {
				t.Fatalf("mended: %+v", v)
			} else if _, at := v.Path.Ends(); at != edgePort(2, 3) {
				t.Fatalf("mended: %s", v.Path)
			}
			w.now = w.get(id).Window.Start
			w.work()
			w.wantPath(id, edgePort(2, 3), "10.9.0.8 of 10.9.0.0/24 is behind port 0000000000000003:1")
			k.Dst, k.DstPort = r.Key.Dst, path.Port(81)
			w.update(id, Change{Key: &k})
			w.work()
			w.wantPath(id, edgePort(2, 3), "10.9.0.8 of 10.9.0.0/24")
		})
	}
}

// What waits for the hosts of a prefix is not refused because they are behind
// several ports when they show up: it waits on, and goes where they come
// together. It does not end where hosts of another prefix were.
func TestWaitingPrefixThatIsSplit(t *testing.T) {
	w := newWorld(t, 3, 1000)
	w.cable(1, 2, 1000)
	w.cable(1, 3, 1000)
	w.open()
	id := w.create(toPrefix(t, "10.9.0.0/24", 10)).ID
	w.change(func(s *topology.Snapshot) {
		seen("10.9.0.7", edgePort(2, 3))(s)
		seen("10.9.0.8", edgePort(3, 1))(s)
	})
	w.work()
	waits := func(text string) {
		t.Helper()
		if v := w.get(id); v.State != Pending || len(v.Path) > 0 || !strings.Contains(v.Reason, text) {
			t.Errorf("%s on %v, %q; want %q", v.State, v.Path, v.Reason, text)
		}
	}
	waits("10.9.0.7 of 10.9.0.0/24 is behind port 0000000000000002:3 and 10.9.0.8 behind port 0000000000000003:1")
	w.update(id, Change{Bandwidth: new(bitrate.Rate(20))})
	waits("10.9.0.7 of 10.9.0.0/24")
	w.change(func(s *topology.Snapshot) {
		gone("10.9.0.8")(s)
		seen("10.9.0.9", edgePort(3, 1))(s)
	})
	waits("and 10.9.0.9 behind port 0000000000000003:1")
	w.change(gone("10.9.0.9"))
	w.change(seen("10.9.0.8", edgePort(3, 1)))
	w.change(seen("10.9.0.7", edgePort(3, 1)))
	w.work()
	w.wantPath(id, edgePort(3, 1), "")

	k := toPrefix(t, "10.9.1.0/24", 10).Key
	r := toPrefix(t, "10.9.0.0/24", 10)
	r.Key.SrcPort, r.StartTime = path.Port(9), w.now+100
	id = w.create(r).ID
	w.work()
	w.update(id, Change{Key: &k})
	waits("no host of 10.9.1.0/24")
	w.change(func(s *topology.Snapshot) {
		seen("10.9.1.7", edgePort(2, 3))(s)
		seen("10.9.1.8", edgePort(2, 2))(s)
	})
	w.work()
	waits("10.9.1.7 of 10.9.1.0/24 is behind port")
}
