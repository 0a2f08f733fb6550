package path_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// line returns a network of three switches in a row, each with a host at port
// 1, and the path from the first host to the last.
func line() (n *net, p path.Path, cables [2]topology.LinkID) {
	n = newNet(3)
	for d := openflow.DPID(1); d <= 3; d++ {
		n.port(d, 1, topology.Edge, 100)
	}
	cables = [2]topology.LinkID{n.cable(1, 2, 100, 100, 1), n.cable(2, 3, 100, 100, 1)}
	p = path.Path{
		{DPID: 1, In: 1, Out: cables[0].From.Port}, {DPID: 2, In: cables[0].To.Port, Out: cables[1].From.Port}, {DPID: 3, In: cables[1].To.Port, Out: 1},
	}
	return n, p, cables
}

// TestAliveAndSevered takes a path through all that it can lack: it is not
// alive then, for a reason, and it is severed if that is in the network itself.
func TestAliveAndSevered(t *testing.T) {
	for _, x := range []struct {
		name    string
		change  func(n *net, cables [2]topology.LinkID)
		reason  string // "": it is alive
		severed bool
	}{
		{"nothing", func(*net, [2]topology.LinkID) {}, "", false},
		{"the first switch", func(n *net, _ [2]topology.LinkID) { n.disconnect(1) }, "switch 0000000000000001 is not connected", false},
		{"the last switch", func(n *net, _ [2]topology.LinkID) { n.disconnect(3) }, "switch 0000000000000003 is not connected", false},
		{"a switch of another's", func(n *net, _ [2]topology.LinkID) {
			n.disconnect(2)
			sw := n.Switches[2]
			sw.Role = openflow.RoleSlave
			n.Switches[2] = sw
		}, "switch 0000000000000002 has another controller as its master", false},
		{"the port of the source", func(n *net, _ [2]topology.LinkID) { n.setUp(edgeOf(1, 1), false) }, "port 0000000000000001:1 is down", true},
		{"the port of the destination", func(n *net, _ [2]topology.LinkID) { n.setUp(edgeOf(3, 1), false) }, "port 0000000000000003:1 is down", true},
		{"a port of a cable", func(n *net, c [2]topology.LinkID) { n.setUp(c[1].To, false) }, "is down", true},
		{"the other port of it", func(n *net, c [2]topology.LinkID) { n.setUp(c[1].From, false) }, "is down", true},
		{"a port that is gone", func(n *net, c [2]topology.LinkID) { delete(n.Switches[2].Ports, c[0].To.Port) }, "is not there", true},
		{"the role of an end", func(n *net, _ [2]topology.LinkID) { n.port(3, 1, topology.Trunk, 100) }, "port 0000000000000003:1 now leads to another switch", true},
		{"a direction of a cable", func(n *net, c [2]topology.LinkID) { delete(n.Links, c[0].From) }, "is down", true},
		{"the other direction", func(n *net, c [2]topology.LinkID) { delete(n.Links, c[0].To) }, "is down", true},
	} {
		n, p, cables := line()
		x.change(n, cables)
		reason, alive := path.Alive(&n.Snapshot, p)
		if alive != (x.reason == "") || (reason == "") != alive || !strings.Contains(reason, x.reason) {
			t.Errorf("without %s: alive %v, %q", x.name, alive, reason)
		}
		if got := path.Severed(&n.Snapshot, p); got != x.severed {
			t.Errorf("without %s: severed %v", x.name, got)
		}
	}
}

// TestHostsOfAPath: a host that is seen at another port has left the path, and
// one that is not known has not.
func TestHostsOfAPath(t *testing.T) {
	n, p, _ := line()
	k := path.FlowKey{Src: path.Host(a), Dst: path.Host(b)}
	if from, to := p.Ends(); from != edgeOf(1, 1) || to != edgeOf(3, 1) {
		t.Errorf("from %v to %v", from, to)
	}
	if from, to := p[:1].Ends(); from != edgeOf(1, 1) || to != edgeOf(1, p[0].Out) {
		t.Errorf("of one switch: from %v to %v", from, to)
	}
	for _, x := range []struct {
		src, dst topology.PortID // zero: not known
		want     string
	}{
		{topology.PortID{}, topology.PortID{}, ""},
		{edgeOf(1, 1), edgeOf(3, 1), ""},
		{edgeOf(2, 1), edgeOf(3, 1), "10.0.0.1 has moved to 0000000000000002:1"},
		{edgeOf(1, 1), edgeOf(2, 1), "10.0.0.2 has moved to 0000000000000002:1"},
		{topology.PortID{}, edgeOf(3, 2), "10.0.0.2 has moved to 0000000000000003:2"},
		{edgeOf(3, 1), edgeOf(1, 1), "10.0.0.1 has moved to 0000000000000003:1"},
	} {
		n.Attachments = nil
		for addr, at := range map[netip.Addr]topology.PortID{a: x.src, b: x.dst} {
			if at != (topology.PortID{}) {
				n.Attachments = append(n.Attachments, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: at})
			}
		}
		if got := path.Elsewhere(&n.Snapshot, k, p); got != x.want {
			t.Errorf("%v and %v: %q, want %q", x.src, x.dst, got, x.want)
		}
	}
}

// TestPrefixOfAPath: a prefix has left the path when all known hosts are behind
// another port. When some are, these are apart.
func TestPrefixOfAPath(t *testing.T) {
	n, p, _ := line()
	k := path.FlowKey{Src: path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), Dst: path.Host(b)}
	one, other, third := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.1.1.1")
	for _, x := range []struct {
		at               map[netip.Addr]topology.PortID
		elsewhere, apart string
	}{
		{nil, "", ""},
		{map[netip.Addr]topology.PortID{third: edgeOf(3, 2)}, "", ""},
		{map[netip.Addr]topology.PortID{one: edgeOf(1, 1), third: edgeOf(3, 2)}, "", ""},
		{map[netip.Addr]topology.PortID{one: edgeOf(1, 1), other: edgeOf(1, 1)}, "", ""},
		{map[netip.Addr]topology.PortID{one: edgeOf(2, 1)}, "10.1.0.0/24 has moved to 0000000000000002:1", ""},
		{map[netip.Addr]topology.PortID{one: edgeOf(2, 1), other: edgeOf(2, 1)}, "10.1.0.0/24 has moved to 0000000000000002:1", ""},
		{map[netip.Addr]topology.PortID{one: edgeOf(2, 1), other: edgeOf(1, 1)}, "", "10.1.0.1 of 10.1.0.0/24 is behind port 0000000000000002:1 and not behind 0000000000000001:1"},
		{map[netip.Addr]topology.PortID{one: edgeOf(1, 1), other: edgeOf(3, 2)}, "", "10.1.0.2 of 10.1.0.0/24 is behind port 0000000000000003:2 and not behind 0000000000000001:1"},
		{map[netip.Addr]topology.PortID{one: edgeOf(2, 1), other: edgeOf(3, 2)}, "", "10.1.0.1 of 10.1.0.0/24 is behind port 0000000000000002:1 and not behind 0000000000000001:1"},
	} {
		n.Attachments, n.Addrs = nil, topology.Map[netip.Addr, topology.Attachment]{}
		for addr, at := range x.at {
			n.Addrs = n.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: at})
		}
		if got := path.Elsewhere(&n.Snapshot, k, p); got != x.elsewhere {
			t.Errorf("%v: %q, want %q", x.at, got, x.elsewhere)
		}
		if got := path.Apart(&n.Snapshot, k, p); got != x.apart && (x.apart == "" || !strings.HasPrefix(got, x.apart+", where the path begins")) {
			t.Errorf("%v: %q, want %q", x.at, got, x.apart)
		}
		if at, ok := path.Home(&n.Snapshot, k.Src); ok != (len(x.at) > 0 && x.apart == "" && !(len(x.at) == 1 && x.at[third] != topology.PortID{})) || ok && at == topology.External {
			t.Errorf("%v: all are at %v, %t", x.at, at, ok)
		}
	}
}

// TestHostsApartFromAPath: the traffic of hosts that are not behind their end
// of the path is told apart, that of so many, and the others are spoken of.
func TestHostsApartFromAPath(t *testing.T) {
	n, p, _ := line()
	k := path.FlowKey{Src: path.Host(netip.MustParseAddr("10.1.0.0")).Widen(24), Dst: path.Host(netip.MustParseAddr("10.2.0.0")).Widen(24), Proto: path.ProtoTCP}
	see := func(at topology.PortID, addrs ...string) {
		for _, text := range addrs {
			addr := netip.MustParseAddr(text)
			n.Addrs = n.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: at})
		}
	}
	see(edgeOf(1, 1), "10.1.0.1")
	see(edgeOf(3, 1), "10.2.0.1")
	if got := k.ApartKeys(&n.Snapshot, p); len(got) != 0 {
		t.Errorf("%v are apart", got)
	}
	see(edgeOf(2, 1), "10.1.0.2", "10.2.0.2")
	source, destination := k, k
	source.Src, destination.Dst = path.Host(netip.MustParseAddr("10.1.0.2")), path.Host(netip.MustParseAddr("10.2.0.2"))
	if diff := cmp.Diff([]path.FlowKey{source, destination}, k.ApartKeys(&n.Snapshot, p)); diff != "" {
		t.Error(diff)
	}
	for extra := range path.MaxApart {
		text := path.Apart(&n.Snapshot, k, p)
		if few, said := extra+2 <= path.MaxApart, strings.Contains(text, "there are more than 32 such hosts"); said == few {
			t.Errorf("of %d hosts it is said: %s", extra+2, text)
		}
		if got := len(k.ApartKeys(&n.Snapshot, p)); got != min(extra+2, path.MaxApart) {
			t.Errorf("of %d hosts %d are told apart", extra+2, got)
		}
		see(edgeOf(2, 1), netip.AddrFrom4([4]byte{10, 1, 0, byte(10 + extra)}).String())
	}
	back := path.FlowKey{Src: path.Host(a), Dst: k.Dst}
	if got := path.Apart(&n.Snapshot, back, p); !strings.Contains(got, "10.2.0.2 of 10.2.0.0/24 is behind port 0000000000000002:1 and not behind 0000000000000003:1, where the path ends") {
		t.Errorf("of the destination it is said: %s", got)
	}
	hosts := path.FlowKey{Src: path.Host(a), Dst: path.Host(b)}
	if got := append(hosts.ApartKeys(&n.Snapshot, p), k.ApartKeys(&n.Snapshot, nil)...); got != nil || path.Apart(&n.Snapshot, hosts, p) != "" || path.Apart(&n.Snapshot, k, nil) != "" {
		t.Errorf("%v are apart", got)
	}
}

// TestLatencyIsTheSum of all cables, and is known only if each of them is.
func TestLatencyIsTheSum(t *testing.T) {
	n, p, cables := line()
	set := func(id topology.LinkID, d time.Duration) {
		l := n.Links[id.From]
		l.Latency = d
		n.Links[id.From] = l
	}
	for _, x := range []struct {
		first, second, want time.Duration
		known               bool
	}{{0, 0, 0, false}, {3, 0, 0, false}, {0, 4, 0, false}, {3, 4, 7, true}} {
		set(cables[0], x.first)
		set(cables[1], x.second)
		set(cables[0].Reverse(), 100) // the way back does not count
		if got, known := path.Latency(&n.Snapshot, p); got != x.want || known != x.known {
			t.Errorf("%d and %d: %d, known %v", x.first, x.second, got, known)
		}
	}
	if got, known := path.Latency(&n.Snapshot, p[:1]); got != 0 || !known {
		t.Errorf("of one switch: %d, known %v", got, known)
	}
	for most, met := range map[time.Duration]bool{0: true, 6: false, 7: true} {
		if got := (&path.Constraints{MaxLatency: most}).Met(&n.Snapshot, p); got != met {
			t.Errorf("within %d: %v", most, got)
		}
	}
}

// TestCircuits: two circuits are one in the switches only if all is the same
// that their entries follow from.
func TestCircuits(t *testing.T) {
	p := path.Path{{DPID: 1, In: 1, Out: 2}, {DPID: 2, In: 1, Out: 3}}
	backup := path.Path{{DPID: 1, In: 1, Out: 4}, {DPID: 2, In: 5, Out: 3}}
	c := path.Circuit{ID: "a", Handle: 1, Key: path.FlowKey{Src: path.Host(a), Dst: path.Host(b)}, Rate: 5, Path: p, Backup: backup}
	for name, change := range map[string]func(*path.Circuit){
		"handle": func(c *path.Circuit) { c.Handle = 2 }, "key": func(c *path.Circuit) { c.Key.DstPort = path.Port(1) }, "rate": func(c *path.Circuit) { c.Rate = 6 },
		"rate back": func(c *path.Circuit) { c.Reverse = path.Reverse{Apart: true, Rate: 5} }, "path": func(c *path.Circuit) { c.Path = backup },
		"backup": func(c *path.Circuit) { c.Backup = nil },
	} {
		o := c
		if !c.Same(&o) {
			t.Fatal("a circuit is not the same as itself")
		}
		if change(&o); c.Same(&o) || o.Same(&c) {
			t.Errorf("circuits of another %s are the same", name)
		}
	}
	into, out := topology.LinkID{To: edgeOf(1, 1)}, topology.LinkID{From: edgeOf(2, 3)}
	first, second := topology.LinkID{From: edgeOf(1, 2), To: edgeOf(2, 1)}, topology.LinkID{From: edgeOf(1, 4), To: edgeOf(2, 5)}
	if diff := cmp.Diff([]topology.LinkID{into, first, out, second}, c.Links()); diff != "" {
		t.Error(diff)
	}
	for _, x := range []struct {
		rate    bitrate.Rate
		reverse path.Reverse
		forth   bitrate.Rate // what leaves towards the destination; 0: nothing
		back    bitrate.Rate
	}{{5, path.Reverse{}, 5, 5}, {5, path.Reverse{Apart: true, Rate: 2}, 5, 2}, {5, path.Reverse{Apart: true}, 5, 0}, {0, path.Reverse{}, 0, 0}, {0, path.Reverse{Apart: true, Rate: 2}, 0, 2}} {
		o := c
		o.Rate, o.Reverse = x.rate, x.reverse
		want, got := map[topology.PortID]bitrate.Rate{}, map[topology.PortID]bitrate.Rate{}
		for at, rate := range map[topology.PortID]bitrate.Rate{
			edgeOf(1, 2): x.forth, edgeOf(1, 4): x.forth, edgeOf(2, 3): x.forth, edgeOf(2, 1): x.back, edgeOf(2, 5): x.back, edgeOf(1, 1): x.back,
		} {
			if rate > 0 {
				want[at] = rate
			}
		}
		for by, rate := range o.Egress() {
			got[by.PortID] = rate
			if back := rate == x.back; by.Back != back && x.forth != x.back {
				t.Errorf("%+v: at %v what goes back is %t", x, by.PortID, by.Back)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: %s", x, diff)
		}
		n := 0
		for range o.Egress() {
			if n++; n == 2 {
				break
			}
		}
		if most := min(2, len(want)); n != most {
			t.Errorf("%+v: %d are yielded to one that wants two", x, n)
		}
	}
}

// TestUnqueued finds the first port of a path that does not use the queue.
func TestUnqueued(t *testing.T) {
	n, p, cables := line()
	mark := func(at topology.PortID, unqueued bool) {
		port := n.Switches[at.DPID].Ports[at.Port]
		port.Unqueued = unqueued
		n.Switches[at.DPID].Ports[at.Port] = port
	}
	mark(edgeOf(1, 2), true) // not on the path
	if at, ok := path.Unqueued(&n.Snapshot, p); ok || at != topology.External {
		t.Errorf("%v does not use the queue", at)
	}
	for _, want := range [...]topology.PortID{edgeOf(3, 1), cables[1].To, cables[0].To, cables[0].From, edgeOf(1, 1)} {
		mark(want, true)
		if at, ok := path.Unqueued(&n.Snapshot, p); !ok || at != want {
			t.Errorf("%v does not use the queue, want %v", at, want)
		}
	}
}
