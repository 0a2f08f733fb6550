package allocator

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// TestKept keeps any record and makes it again.
func TestKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		none := newExtra()
		it := none.newItem()
		for range rapid.IntRange(1, 3).Draw(t, "states") {
			r := drawRecord(t)
			it.pack(r)
			got := it.unpack()
			if diff := cmp.Diff(r, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
				t.Fatal(diff)
			}
			short := true
			for _, at := range []Seconds{r.Created, r.StartTime, r.Window.Start, r.Window.End, r.Duration} {
				short = short && at <= math.MaxUint32
			}
			if short != (it.rare.full == nil) {
				t.Fatalf("all of %+v is kept: %v", r, it.rare.full != nil)
			}
			if len(got.Path) > 0 { // it is the caller's own
				got.Path[0].DPID++
			}
			if it.seq() != r.Seq || it.id() != r.ID || it.state() != r.State || it.window() != r.Window || !it.path().Equal(r.Path) ||
				it.key() != r.Key || it.hasPath() != (len(r.Path) > 0) || it.project() != r.ProjectID || it.started != r.Started {
				t.Fatalf("%+v tells something else than %+v", it.packed, r)
			}
			for _, now := range []Seconds{0, 1, 1_800_000_000, math.MaxUint32, math.MaxUint32 + 7} {
				if it.placed(now) != r.placed(now) {
					t.Fatalf("%+v at %d is placed: %v", r, now, it.placed(now))
				}
			}
			if at, may := it.lapse(); func() bool { want, wants := r.lapse(); return at != want || may != wants }() {
				t.Fatalf("%+v lapses at %d, %v", r, at, may)
			}
			if len(r.Path) > 0 {
				if from, to := r.Path.Ends(); it.ends() != [2]topology.PortID{from, to} {
					t.Fatalf("%v ends at %v", r.Path, it.ends())
				}
			}
		}
		if !none.idle() {
			t.Fatalf("what all entries share was written: %+v", none)
		}
	})
}

// TestCodec writes any record and reads it again, and reads what it is not made
// of without a panic.
func TestCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		text, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		got := new(record)
		if err := (&decoder{rest: text[1:], id: rapid.SampledFrom([]string{"", r.ID}).Draw(t, "key")}).fields(got, recordVersion); err != nil {
			t.Fatal(err)
		}
		got.Version = recordVersion
		if diff := cmp.Diff(r, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		cut := text[1:rapid.IntRange(1, len(text)-1).Draw(t, "cut")]
		if err := (&decoder{rest: cut}).fields(new(record), recordVersion); err == nil {
			t.Fatal("a record that was cut short was read")
		}
	})
}

// TestDecoderCut: a number of which the end is missing, or that has no end in
// as many bytes as one may have, is cut, and nothing after it is read.
func TestDecoderCut(t *testing.T) {
	endless := bytes.Repeat([]byte{0x80}, 11)
	for _, rest := range [][]byte{nil, {0x80}, append(endless, 1)} {
		d := decoder{rest: rest}
		if d.signed(); !d.cut || d.rest != nil {
			t.Errorf("signed %x: cut is %v, left is %x", rest, d.cut, d.rest)
		}
		d = decoder{rest: rest}
		if d.number(); !d.cut || d.rest != nil {
			t.Errorf("%x: cut is %v, left is %x", rest, d.cut, d.rest)
		}
	}
	d := decoder{rest: []byte{2, 3, 7}}
	if a, b := d.signed(), d.signed(); a != 1 || b != -2 || d.cut || len(d.rest) != 1 {
		t.Errorf("read %d and %d, left is %x", a, b, d.rest)
	}
}

func FuzzDecode(f *testing.F) {
	r := record{Seq: 1, Allocation: Allocation{ID: "x", State: Pending, Handle: 1, Path: path.Path{{DPID: 1, In: 2, Out: 3}}}}
	text, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := decodeRecord("", text); err == nil && r.problem("") != "" {
			t.Error(r.problem(""))
		}
	})
}

// drawPorts draws any ports, one or several.
func drawPorts(t *rapid.T, side string) path.Ports {
	n := rapid.Uint16().Draw(t, side)
	if rapid.Bool().Draw(t, side+" one") {
		return path.Port(n)
	}
	n = max(n, 1)
	return path.PortsOf(path.PortRange{First: n, Last: n}, path.PortRange{First: max(n/2, 1), Last: max(n/2, 1)})
}

func drawRecord(t *rapid.T) *record {
	moment := func(label string) Seconds {
		return rapid.SampledFrom([]Seconds{0, 1, 1_800_000_000, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64}).Draw(t, label)
	}
	four := rapid.Bool().Draw(t, "IPv4")
	side := func(label string) path.Prefix {
		n := byte(rapid.IntRange(0, 255).Draw(t, label))
		a := netip.AddrFrom16([16]byte{0xfd, n, 15: 1})
		if four {
			a = netip.AddrFrom4([4]byte{10, n, 0, 1})
		}
		if rapid.IntRange(0, 2).Draw(t, label+" prefix") > 0 {
			return path.Host(a)
		}
		return path.PrefixOf(netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, label+" length")))
	}
	r := &record{Version: recordVersion, Seq: rapid.Uint64().Draw(t, "seq"), Done: rapid.SampledFrom([]Seconds{0, 0, 5}).Draw(t, "done")}
	r.Started = rapid.Bool().Draw(t, "started")
	r.ID = rapid.SampledFrom([]string{"", "id1", uuid.Nil.String(), uuid.Max.String(), "F0000000-0000-4000-8000-000000000000",
		"f0000000-0000-4000-8000-00000000000g", "f0000000 0000-4000-8000-000000000000", "", "x"}).Draw(t, "ID")
	if r.ID == "" {
		r.ID = fmt.Sprintf("%08x-1234-4567-89ab-0123456789ab", rapid.Uint32().Draw(t, "UUID"))
	}
	r.Handle, r.Revision = rapid.Uint32().Draw(t, "handle"), rapid.Uint64().Draw(t, "revision")
	r.Created, r.Duration, r.StartTime = moment("created"), moment("duration"), moment("start")
	r.Window = Window{moment("from"), moment("to")}
	r.Lease, r.LeaseEnd = rapid.SampledFrom([]Seconds{0, 0, 30}).Draw(t, "lease"), rapid.SampledFrom([]Seconds{0, 0, 77}).Draw(t, "lease end")
	r.Earliest, r.Deadline, r.Since = moment("earliest"), moment("deadline"), moment("since")
	r.Volume, r.MinBandwidth, r.MaxBandwidth = rapid.Uint64Range(0, MaxVolume).Draw(t, "volume"), bitrate.Rate(rapid.Uint64Range(0, 1<<62).Draw(t, "least")), bitrate.Rate(rapid.Uint64Range(0, 1<<62).Draw(t, "most"))
	r.FixedRate, r.Carried = rapid.Bool().Draw(t, "fixed rate"), rapid.Uint64().Draw(t, "carried")
	r.ActiveLease = rapid.SampledFrom([]Seconds{0, 0, 30}).Draw(t, "active lease")
	r.State, r.Reason = rapid.SampledFrom(stateOf[1:]).Draw(t, "state"), rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason")
	r.UserID, r.ProjectID = rapid.SampledFrom([]string{"", "u"}).Draw(t, "user"), rapid.SampledFrom([]string{"p", "q"}).Draw(t, "project")
	r.Bandwidth = bitrate.Rate(rapid.Uint64().Draw(t, "rate"))
	r.Class = rapid.SampledFrom([]Class{Normal, Normal, Scavenger}).Draw(t, "class")
	r.ChangedBy = rapid.SampledFrom([]string{"", "v"}).Draw(t, "changed by")
	if rapid.Bool().Draw(t, "of a series") {
		r.Series, r.Recurrence = "s", Recurrence{"FREQ=DAILY;COUNT=2", rapid.SampledFrom([]string{"", "Europe/Paris"}).Draw(t, "zone")}
	}
	r.Key = path.FlowKey{Src: side("src"), Dst: side("dst"), Proto: rapid.Byte().Draw(t, "proto"), SrcPort: drawPorts(t, "source"), DstPort: drawPorts(t, "destination")}
	if rapid.Bool().Draw(t, "in steps") {
		at := secondsRange(0, 1<<40).Draw(t, "first step")
		for range rapid.IntRange(2, MaxProfile).Draw(t, "steps") {
			end := at + secondsRange(1, MaxDuration).Draw(t, "length")
			r.Profile = append(r.Profile, Step{Window{at, end}, bitrate.Rate(rapid.Uint64Range(1, 1<<62-1).Draw(t, "rate of a step"))})
			at = end
		}
	}
	r.Asked = rapid.SampledFrom([]uint64{0, 0, 9, math.MaxUint64}).Draw(t, "asked")
	for _, p := range []*path.Path{&r.Path, &r.Lost} {
		for range rapid.IntRange(0, 4).Draw(t, "hops") {
			*p = append(*p, path.Hop{
				DPID: openflow.DPID(rapid.Uint64().Draw(t, "switch")),
				In:   openflow.PortNo(rapid.Uint32().Draw(t, "in")), Out: openflow.PortNo(rapid.Uint32().Draw(t, "out")),
			})
		}
	}
	return r
}

// TestUUIDsComeOutAsTheyWentIn: what is kept in sixteen bytes is read from them
// again, and what would be another text then is not kept so.
func TestUUIDsComeOutAsTheyWentIn(t *testing.T) {
	const id = "01234567-89ab-cdef-0123-456789abcdef"
	if i, ok := parseUUID(id); !ok || i.String() != id {
		t.Errorf("%s comes out as %s, %v", id, i, ok)
	}
	for at := range id {
		for _, c := range []byte("AFGfgz/:@`-0 ") {
			text := id[:at] + string(c) + id[at+1:]
			i, ok := parseUUID(text)
			dash := at == 8 || at == 13 || at == 18 || at == 23
			if want := c == '-' && dash || (c == 'f' || c == '0') && !dash; ok != want || ok && i.String() != text {
				t.Errorf("%s comes out as %s, %v", text, i, ok)
			}
		}
	}
	for _, text := range []string{"", id[1:], id + "0"} {
		if i, ok := parseUUID(text); ok {
			t.Errorf("%q comes out as %s", text, i)
		}
	}
}
