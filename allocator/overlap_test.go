package allocator

import (
	"net/netip"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// of returns a request of a project for some of the traffic between two hosts.
func of(project string, rate bitrate.Rate, proto uint8, src, dst uint16) Request {
	r := ask(1, 1, 2, 1, rate, 100)
	r.ProjectID, r.Key.Proto, r.Key.SrcPort, r.Key.DstPort = project, proto, path.Port(src), path.Port(dst)
	return r
}

// What another project's entries would take packets from keeps them: the other
// one is planned after it, or refused.
func TestOverlapBetweenProjects(t *testing.T) {
	const tcp, udp = path.ProtoTCP, path.ProtoUDP
	reversed := func(r Request) Request { r.Key = r.Key.Reverse(); return r }
	for name, tc := range map[string]struct {
		had, asks Request
		owners    string // the projects that own an end
		waits     bool
	}{
		"the same":                    {of("p", 1, 0, 0, 0), of("q", 1, 0, 0, 0), "", true},
		"a narrower one":              {of("p", 1, 0, 0, 0), of("q", 1, udp, 0, 0), "", true},
		"one port":                    {of("p", 1, 0, 0, 0), of("q", 1, udp, 7, 9), "q", true},
		"one port, backwards":         {of("p", 1, 0, 0, 0), reversed(of("q", 1, udp, 7, 9)), "q", true},
		"one port of a protocol":      {of("p", 1, tcp, 0, 0), of("q", 1, tcp, 0, 9), "", true},
		"one port of another":         {of("p", 1, tcp, 0, 0), of("q", 1, udp, 0, 9), "", false},
		"partly the same":             {of("p", 1, tcp, 7, 0), of("q", 1, tcp, 0, 9), "", true},
		"partly, and more precisely":  {of("p", 1, tcp, 0, 0), of("q", 1, 0, 7, 9), "", true},
		"a wider one":                 {of("p", 1, tcp, 0, 9), of("q", 1, 0, 0, 0), "", false},
		"its own, narrower":           {of("p", 1, 0, 0, 0), of("p", 1, tcp, 0, 9), "", false},
		"its own, the same":           {of("p", 1, 0, 0, 0), of("p", 1, 0, 0, 0), "", true},
		"without a rate":              {of("p", 1, 0, 0, 0), of("q", 0, udp, 7, 9), "q", true},
		"both without":                {of("p", 0, 0, 0, 0), of("q", 0, 0, 0, 0), "q", true},
		"the first without, an owner": {of("p", 0, 0, 0, 0), of("q", 1, 0, 0, 0), "q", false},
		"and one of its ports":        {of("p", 0, 0, 0, 0), of("q", 1, tcp, 7, 9), "q", false},
		"the first without, no owner": {of("p", 0, 0, 0, 0), of("q", 1, tcp, 7, 9), "", true},
		"the first without, both own": {of("p", 0, 0, 0, 0), of("q", 1, 0, 0, 0), "pq", true},
		"one of its ports, both own":  {of("p", 0, 0, 0, 0), of("q", 1, udp, 0, 9), "pq", true},
		"and asked for backwards":     {of("p", 0, 0, 0, 0), reversed(of("q", 1, udp, 0, 9)), "pq", true},
		"the first without, its own":  {of("p", 0, 0, 0, 0), of("q", 1, tcp, 7, 9), "p", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, 1000)
			w.cable(1, 2, 1000)
			w.cfg.Owns = func(project string, addrs netip.Prefix) bool {
				end := map[string]netip.Addr{"p": host(1, 1), "q": host(2, 1)}[project]
				return strings.Contains(tc.owners, project) && addrs == netip.PrefixFrom(end, 32)
			}
			w.open()
			first := w.create(tc.had)
			w.work()
			w.expect(first.ID, Active, span(0, 100))
			later := w.create(tc.asks)
			w.work()
			if !tc.waits {
				w.expect(later.ID, Active, span(0, 100))
				return
			}
			w.expect(later.ID, Pending, span(100, 200))
			fixed := tc.asks
			fixed.StartTime, fixed.Duration = w.now+1, 5
			_, err := w.a.Create(bg, fixed)
			e := refused(t, err, Conflict, "")
			if e.Offer.Later != w.now+200 {
				t.Errorf("offer %+v", e.Offer)
			}
			if text := err.Error(); strings.Contains(text, "another project") != (tc.had.ProjectID != tc.asks.ProjectID) {
				t.Error(text)
			}
			// A restart does not forget whose the traffic is.
			w.open()
			_, err = w.a.Create(bg, fixed)
			refused(t, err, Conflict, "")
			if err := w.a.Release(bg, first.ID, 0); err != nil {
				t.Fatal(err)
			}
			w.plan()
			w.work()
			w.expect(later.ID, Active, span(0, 100))
		})
	}
}

// A change takes nothing of another project's either, and many ports between
// two hosts are looked at as few are.
func TestOverlapByChange(t *testing.T) {
	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	for port := range uint16(2 * fewFlows) {
		w.create(of("p", 1, path.ProtoTCP, 7, 100+port))
	}
	w.create(of("p", 1, path.ProtoUDP, 0, 0))
	q := w.create(of("q", 1, path.ProtoTCP, 8, 100))
	w.work()
	w.expect(q.ID, Active, span(0, 100))
	for _, k := range []path.FlowKey{of("", 0, path.ProtoTCP, 7, 100).Key, of("", 0, path.ProtoUDP, 8, 100).Key} {
		_, err := w.a.Update(bg, q.ID, 0, Change{Key: &k})
		refused(t, err, Conflict, "")
		if !strings.Contains(err.Error(), "an allocation of another project") {
			t.Error(err)
		}
	}
	free := of("", 0, path.ProtoTCP, 9, 100).Key
	w.update(q.ID, Change{Key: &free})
}

// Fragments name no port, so an older allocation is not changed to traffic
// between the addresses of another project's: its entries come first.
func TestChangeTakesNoFragments(t *testing.T) {
	const tcp, udp = path.ProtoTCP, path.ProtoUDP
	six := func(r Request) Request {
		r.Key.Src, r.Key.Dst = path.Host(netip.MustParseAddr("2001:db8::1")), path.Host(netip.MustParseAddr("2001:db8::2"))
		return r
	}
	for name, tc := range map[string]struct {
		had, now Request
		refused  bool
	}{
		"another port":              {of("p", 1, udp, 0, 9), of("q", 1, udp, 0, 10), true},
		"a port of either protocol": {of("p", 1, udp, 0, 9), of("q", 1, 0, 0, 10), true},
		"another protocol":          {of("p", 1, udp, 0, 9), of("q", 1, tcp, 0, 10), false},
		"its own":                   {of("q", 1, udp, 0, 9), of("q", 1, udp, 0, 10), false},
		"without ports":             {of("p", 1, udp, 0, 9), of("q", 1, tcp, 0, 0), false},
		"a port of TCP":             {of("p", 1, tcp, 0, 9), of("q", 1, 0, 0, 10), false},
		"IPv6, another protocol":    {six(of("p", 1, udp, 0, 9)), six(of("q", 1, tcp, 0, 0)), false},
		"IPv6, a port of either":    {six(of("p", 1, udp, 0, 0)), six(of("q", 1, 0, 0, 10)), true},
		"IPv6, all":                 {six(of("p", 1, udp, 0, 9)), six(of("q", 1, 0, 0, 0)), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newKeyCalendar()
			first := tc.had // of traffic without fragments of its own
			first.Key.Proto, first.Key.DstPort = tcp, path.Port(7)
			b.add(reservation[ownedKey]{ownedKeyOf(&first), span(0, 100), 1})
			b.add(reservation[ownedKey]{ownedKeyOf(&tc.had), span(0, 100), 1})
			for range 2 * fewFlows { // until there is a timeline for each
				if got := b.fragmentsOwned(ownedKeyOf(&tc.now), ownedKey{}); got != tc.refused {
					t.Fatalf("fragments are another's: %t", got)
				}
				b.add(reservation[ownedKey]{ownedKeyOf(&tc.had), span(100, 200), 1})
			}
		})
	}

	w := newWorld(t, 2, 1000)
	w.cable(1, 2, 1000)
	w.open()
	older := of("q", 1, udp, 0, 9)
	older.Key.Dst = path.Host(host(2, 2))
	q := w.create(older)
	w.create(of("p", 1, udp, 0, 9))
	w.work()
	key, elsewhere := of("q", 1, udp, 0, 10).Key, q.Key
	elsewhere.DstPort = path.Port(10) // towards the host that it had
	_, err := w.a.Update(bg, q.ID, 0, Change{Key: &key})
	refused(t, err, Conflict, "dst_port")
	if _, err := w.a.Update(bg, q.ID, 0, Change{Key: &elsewhere}); err != nil {
		t.Errorf("another port to another host: %v", err)
	}
	w.create(of("q", 1, udp, 0, 11)) // a new one comes after
}

// TestPartOfTheTrafficIsTaken: what waits for an allocation that has some of
// its ports says so.
func TestPartOfTheTrafficIsTaken(t *testing.T) {
	w, _ := pair(t)
	ports := func(text string) Request {
		r := ask(1, 1, 2, 1, 1, 100)
		r.Key.Proto = path.ProtoTCP
		var err error
		if r.Key.DstPort, err = path.ParsePorts(text); err != nil {
			t.Fatal(err)
		}
		return r
	}
	w.create(ports("5000-5003"))
	w.work()
	for text, want := range map[string]string{"5002-5005": "until then another allocation has part of this traffic", "5001-5002": "until then another allocation has this traffic"} {
		id := w.create(ports(text)).ID
		if got := w.expect(id, Pending, span(100, 200)); !strings.Contains(got.Reason, want) {
			t.Errorf("%s: %q, want %q", text, got.Reason, want)
		}
		if err := w.a.Release(bg, id, 0); err != nil {
			t.Fatal(err)
		}
	}
}
