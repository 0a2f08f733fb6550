package path_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conga/controller/path"
)

// drawPorts draws several ports, and a set of the same.
func drawPorts(t *rapid.T, name string) (path.Ports, map[uint16]bool) {
	set := map[uint16]bool{}
	var ranges []path.PortRange
	for range rapid.IntRange(1, 5).Draw(t, name) {
		first := rapid.OneOf(rapid.IntRange(1, 70), rapid.IntRange(65400, 65535), rapid.IntRange(1, 65535)).Draw(t, "first")
		last := min(65535, first+rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 9), rapid.IntRange(0, 3000)).Draw(t, "more"))
		ranges = append(ranges, path.PortRange{First: uint16(first), Last: uint16(last)})
		for n := first; n <= last; n++ {
			set[uint16(n)] = true
		}
	}
	return path.PortsOf(ranges...), set
}

// holds reports whether ports are those of a set.
func holds(p path.Ports, set map[uint16]bool) bool {
	n := 0
	for r := range p.Ranges() {
		for i := int(r.First); i <= int(r.Last); i++ {
			if n++; !set[uint16(i)] {
				return false
			}
		}
	}
	return n == len(set) && n == p.Len()
}

func TestPortsAreTheirSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, in := drawPorts(t, "p")
		o, among := drawPorts(t, "o")
		if !holds(p, in) {
			t.Fatalf("%v are not the ports that it was made of", p)
		}
		both := map[uint16]bool{}
		for n := range in {
			if among[n] {
				both[n] = true
			}
		}
		got, ok := p.And(o)
		if ok != (len(both) > 0) || ok && !holds(got, both) {
			t.Fatalf("%v and %v have %v in common", p, o, got)
		}
		if again, okAgain := o.And(p); again != got || okAgain != ok {
			t.Fatalf("%v and %v have %v in common, the other way round %v", p, o, got, again)
		}
		if p.Cover(o) != (len(both) == len(among)) {
			t.Fatalf("%v cover %v: %t", p, o, p.Cover(o))
		}
		if read, err := path.ParsePorts(p.String()); err != nil || read != p {
			t.Fatalf("%v is read as %v, %v", p, read, err)
		}
		text, err := json.Marshal(p)
		var back path.Ports
		if err != nil || json.Unmarshal(text, &back) != nil || back != p {
			t.Fatalf("%v is %s in JSON, and read as %v", p, text, back)
		}
	})
}

// TestMasksAreTheirPorts: each port is in one mask, and no other port in any.
func TestMasksAreTheirPorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, in := drawPorts(t, "p")
		masks := p.Masks()
		for n := range 1 << 16 {
			found := 0
			for _, m := range masks {
				if uint16(n)&m.Mask == m.Value {
					found++
				}
			}
			if want := map[bool]int{true: 1}[in[uint16(n)]]; found != want {
				t.Fatalf("port %d is in %d masks of %v, want %d: %x", n, found, p, want, masks)
			}
		}
		ranges := 0
		for range p.Ranges() {
			ranges++
		}
		if len(masks) > 30*ranges || len(masks) > p.Len() {
			t.Fatalf("%d masks of %v", len(masks), p)
		}
	})
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]string{
		"443": "443", "5000-5099": "5000-5099", "5001,5003,5010-5019": "5001,5003,5010-5019", "7-7": "7", "3,1,2": "1-3", "1-65535": "1-65535",
		"9-12,10-11,13": "9-13",
		"":              "", "0": "", "65536": "", "-": "", "1-": "", "-1": "", "5-3": "", "1,": "", ",1": "", "1,,2": "", "1-2-3": "", " 1": "", "+1": "", "01": "", "1 - 2": "", "http": "", "1,0": "",
	} {
		got, err := path.ParsePorts(text)
		if ok := err == nil; ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v, %v; want %q", text, got, err, want)
		}
	}
	if _, err := path.ParsePorts("5-3"); fmt.Sprint(err) != "5-3 ends before it begins; write 3-5" {
		t.Error(err)
	}
}

func TestPortsInJSON(t *testing.T) {
	for text, want := range map[string]path.Ports{`443`: path.Port(443), `"443"`: path.Port(443), `0`: {}, `"5-6,9"`: path.PortsOf(path.PortRange{First: 9, Last: 9}, path.PortRange{First: 5, Last: 6})} {
		var got path.Ports
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{`65536`, `"x"`, `[]`, `"1-"`} {
		if err := json.Unmarshal([]byte(text), new(path.Ports)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	k := path.FlowKey{Src: path.Host(a), Dst: path.Host(b), DstPort: path.Port(443)}
	if text, err := json.Marshal(k); err != nil || string(text) != `{"src":"10.0.0.1","dst":"10.0.0.2","dst_port":443}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEntries(t *testing.T) {
	ports := func(text string) path.Ports {
		p, err := path.ParsePorts(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, test := range []struct {
		key           path.FlowKey
		masked, exact int
	}{
		{path.FlowKey{}, 1, 1},
		{path.FlowKey{Proto: path.ProtoUDP}, 1, 1},
		{path.FlowKey{DstPort: path.Port(80)}, 2, 2},
		{path.FlowKey{Proto: path.ProtoTCP, DstPort: ports("5000-5099")}, 6, 100},
		{path.FlowKey{DstPort: ports("5000-5099")}, 12, 200},
		{path.FlowKey{Proto: path.ProtoTCP, SrcPort: ports("1-65535"), DstPort: ports("5001,5003")}, 16, 65535 * 2},
		{path.FlowKey{DstPort: ports("1-65534")}, 60, 2 * 65534},
	} {
		if masked, exact := test.key.Entries(); masked != test.masked || exact != test.exact {
			t.Errorf("%+v: %d and %d entries, want %d and %d", test.key, masked, exact, test.masked, test.exact)
		}
	}
	if got := (path.Ports{}).String(); got != "0" {
		t.Errorf("any ports are %q", got)
	}
	for text, want := range map[string][]path.PortMask{
		"5001,5003": {{Value: 5001, Mask: 0xfffd}},
		"1,3,9,11":  {{Value: 1, Mask: 0xfff5}}, // what has become one may become one with another
		"59-63":     {{Value: 59, Mask: 0xffff}, {Value: 60, Mask: 0xfffc}},
		"3-8":       {{Value: 3, Mask: 0xffff}, {Value: 4, Mask: 0xfffc}, {Value: 8, Mask: 0xffff}},
	} {
		if got := ports(text).Masks(); !slices.Equal(got, want) {
			t.Errorf("%s: %x, want %x", text, got, want)
		}
	}
}
