package connections_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"conga/allocator/store/storetest"
	"conga/controller/path"
	"conga/httpapi/connections"
)

func ports(list []*connections.Connection) string {
	out := ""
	for _, c := range list {
		out += fmt.Sprint(c.Source.Addr.Port(), " ")
	}
	return out
}

func TestPagesAndTimes(t *testing.T) {
	clock := newClock()
	r := open(t, connections.Config{Store: storetest.NewMemory(), Now: clock.Now})
	start := clock.Now().Unix()
	for i := range 4 { // first seen at 0, 10, 20, 30
		report(t, r, "p", one(1+i))
		clock.advance(10 * time.Second)
	}
	report(t, r, "p", one(2)) // last seen at 40
	for _, test := range []struct {
		q          connections.Query
		skip, most int
		want       string
		total      int
	}{
		{connections.Query{}, 0, -1, "1 2 3 4 ", 4},
		{connections.Query{}, 0, 2, "1 2 ", 4},
		{connections.Query{}, 2, 2, "3 4 ", 4},
		{connections.Query{}, 3, 2, "4 ", 4},
		{connections.Query{}, 4, 2, "", 4},
		{connections.Query{}, 1 << 40, 2, "", 4},
		{connections.Query{Project: "p"}, 1, 1, "2 ", 4},
		{connections.Query{Project: "q"}, 0, -1, "", 0},
		{connections.Query{After: start + 20}, 0, -1, "2 3 4 ", 3},
		{connections.Query{After: start + 20}, 1, 1, "3 ", 3},
		{connections.Query{After: start + 21}, 0, -1, "2 4 ", 2},
		{connections.Query{After: start + 41}, 0, -1, "", 0},
		{connections.Query{Before: start + 20}, 0, -1, "1 2 3 ", 3},
		{connections.Query{Before: start + 19}, 0, 1, "1 ", 2},
		{connections.Query{Before: start - 1}, 0, -1, "", 0},
		{connections.Query{After: start + 15, Before: start + 25}, 0, -1, "2 3 ", 2},
	} {
		page, total := r.List(test.q, test.skip, test.most)
		if got := ports(page); got != test.want || total != test.total {
			t.Errorf("%+v from %d: %s of %d, want %s of %d", test.q, test.skip, got, total, test.want, test.total)
		}
	}
}

// side returns a host or prefix.
func side(text string) path.Prefix {
	p, err := path.ParsePrefix(text)
	if err != nil {
		panic(err)
	}
	return p
}

// Which connections are on an allocation's path, in either direction.
func TestFlows(t *testing.T) {
	r := open(t, connections.Config{Store: storetest.NewMemory()})
	add := func(proto, src, dst string) {
		report(t, r, "p", connections.Report{
			Protocol: proto, Source: connections.Source{Addr: netip.MustParseAddrPort(src)}, Destination: netip.MustParseAddrPort(dst),
		})
	}
	add("tcp", "10.0.0.2:1001", "10.0.0.1:443")
	add("tcp", "10.0.0.1:443", "10.0.0.2:1001") // the same, reported by its other end
	add("", "10.0.0.1:1002", "10.0.0.2:443")
	add("udp", "10.0.0.1:1003", "10.0.0.2:443")
	add("tcp", "10.0.0.1:1004", "10.0.0.3:443")
	add("tcp", "[2001:db8::1]:1005", "[2001:db8::2]:443")
	for _, test := range []struct {
		name  string
		proto uint8
		src   string
		sp    uint16
		dst   string
		dp    uint16
		want  string // source ports
	}{
		{"hosts", 0, "10.0.0.1", 0, "10.0.0.2", 0, "1001 443 1002 1003 "},
		{"tcp", path.ProtoTCP, "10.0.0.1", 0, "10.0.0.2", 0, "1001 443 1002 "},
		{"udp", path.ProtoUDP, "10.0.0.1", 0, "10.0.0.2", 0, "1003 "},
		{"port of the destination", 0, "10.0.0.1", 0, "10.0.0.2", 443, "1002 1003 "},
		{"port of the source", 0, "10.0.0.1", 443, "10.0.0.2", 0, "1001 443 "},
		{"both ports", path.ProtoTCP, "10.0.0.1", 1002, "10.0.0.2", 443, "1002 "},
		{"both ports, other protocol", path.ProtoUDP, "10.0.0.1", 1002, "10.0.0.2", 443, ""},
		{"ports exchanged", 0, "10.0.0.1", 443, "10.0.0.2", 1002, ""},
		{"other host", 0, "10.0.0.3", 443, "10.0.0.1", 0, "1004 "},
		{"nobody", 0, "10.0.0.3", 0, "10.0.0.2", 0, ""},
		{"IPv6", 0, "2001:db8::2", 0, "2001:db8::1", 0, "1005 "},
		{"prefix and host", 0, "10.0.0.2/31", 0, "10.0.0.1", 0, "1001 443 1002 1003 1004 "},
		{"host and prefix, a port", path.ProtoTCP, "10.0.0.1", 0, "10.0.0.2/31", 443, "1002 1004 "},
		{"several ports", path.ProtoTCP, "10.0.0.1", 1004, "10.0.0.2/31", 0, "1004 "},
		{"two prefixes", path.ProtoUDP, "10.0.0.0/31", 0, "10.0.0.2/31", 0, "1003 "},
		{"prefix of others", 0, "10.0.0.4/30", 0, "10.0.0.0/30", 0, ""},
		{"prefixes of IPv6", 0, "2001:db8::/127", 0, "2001:db8::2/127", 0, "1005 "},
		{"all of IPv6", 0, "2001:db8::2", 0, "2001:db8::1/128", 0, "1005 "},
	} {
		key := path.FlowKey{
			Src: side(test.src), Dst: side(test.dst),
			Proto: test.proto, SrcPort: path.Port(test.sp), DstPort: path.Port(test.dp),
		}
		for _, k := range []path.FlowKey{key, key.Reverse()} {
			flow := connections.Flow{Project: "p", Key: k}
			page, total := r.List(connections.Query{Flow: &flow}, 0, -1)
			if got := ports(page); got != test.want || total != len(page) {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
			if n := r.Count([]connections.Flow{flow}); n[0] != total {
				t.Errorf("%s: counted %d, listed %d", test.name, n[0], total)
			}
		}
	}
}
