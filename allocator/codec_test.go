package allocator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
)

// read decodes a record and returns the bare reason why that cannot be done.
func read(text []byte) error { return new(decoder).read(new(record), "", text) }

// kept returns a record with something changed as it is stored.
func kept(t *testing.T, change func(*record)) []byte {
	t.Helper()
	r := record{Seq: 7, Allocation: Allocation{
		ID: "x", State: Pending, Handle: 1, Window: Window{20, 30}, Path: path.Path{{DPID: 1, In: 3, Out: 4}},
		Request: Request{UserID: "u", ProjectID: "p", Key: key(host(1, 0), host(2, 0)), Duration: 10},
	}}
	change(&r)
	text, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// firstDiffering returns the index of the first byte in which two texts differ.
func firstDiffering(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// TestFlagsOutOfRange: what is one of a few is no other.
func TestFlagsOutOfRange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*record)
		last   byte // that it may be
	}{
		"state":     {func(r *record) { r.State = Active }, 3},
		"started":   {func(r *record) { r.Started = true }, 1},
		"fixed":     {func(r *record) { r.FixedRate = true }, 1},
		"protected": {func(r *record) { r.Protected = true }, 1},
		"swapped":   {func(r *record) { r.Swapped = true }, 1},
		"class":     {func(r *record) { r.Class = Scavenger }, 1},
		"prefix":    {func(r *record) { r.Key.Src = r.Key.Src.Widen(24) }, 8},
	} {
		text, changed := kept(t, func(*record) {}), kept(t, c.change)
		i := firstDiffering(text, changed)
		if err := read(changed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text[i] = c.last; read(text) != nil {
			t.Errorf("%s is %d: %v", name, c.last, read(text))
		}
		if text[i] = c.last + 1; read(text) != errCut {
			t.Errorf("%s is %d: %v", name, text[i], read(text))
		}
		if text[i] = 33; read(text) != errCut { // more bits than an address has
			t.Errorf("%s is %d: %v", name, text[i], read(text))
		}
	}
	text, apart := kept(t, func(*record) {}), kept(t, func(r *record) { r.Reverse.Apart = true })
	i := firstDiffering(text, apart)
	if read(apart) != nil {
		t.Error(read(apart))
	}
	for _, flag := range []byte{1, 2} { // there is no rate back behind it
		if text[i] = flag; read(text) != errCut {
			t.Errorf("%d says that there is a rate back: %v", flag, read(text))
		}
	}
}

// TestNumbersOutOfRange: a number may be as much as its field may, and no more.
func TestNumbersOutOfRange(t *testing.T) {
	const mark = 0xABCDEF // is found in the text
	step := func(w Window, rate bitrate.Rate) func(*record) {
		return func(r *record) { r.Profile = []Step{{w, rate}} }
	}
	for name, c := range map[string]struct {
		change func(*record)
		most   uint64
	}{
		"handle":  {func(r *record) { r.Handle = mark }, 1<<32 - 1},
		"in":      {func(r *record) { r.Path[0].In = mark }, 1<<32 - 1},
		"out":     {func(r *record) { r.Path[0].Out = mark }, 1<<32 - 1},
		"hops":    {func(r *record) { r.MaxHops = mark }, MaxHops},
		"latency": {func(r *record) { r.MaxLatency = mark }, uint64(MaxLatency)},
		"rate":    {step(Window{20, 30}, mark), 1<<62 - 1},
		"time":    {step(Window{20, 20 + mark}, 5), uint64(MaxDuration)},
		"no rate": {step(Window{20, 30}, mark), 0},
		"no time": {step(Window{20, 20 + mark}, 5), 0},
		"reverse": {func(r *record) { r.Reverse = path.Reverse{Apart: true, Rate: mark} }, 1<<62 - 1},
		"number":  {func(r *record) { r.Seq = mark }, 1<<64 - 1},
	} {
		text := kept(t, c.change)
		with := func(n uint64) error {
			old := binary.AppendUvarint(nil, mark)
			if bytes.Count(text, old) != 1 {
				t.Fatalf("%s is not found", name)
			}
			return read(bytes.Replace(text, old, binary.AppendUvarint(nil, n), 1))
		}
		refused := name == "no rate" || name == "no time"
		if err := with(c.most); (err == errCut) != refused {
			t.Errorf("%s is %d: %v", name, c.most, err)
		}
		if refused || c.most == 1<<64-1 {
			continue
		}
		if err := with(c.most + 1); err == nil || name != "reverse" && err != errCut {
			t.Errorf("%s is %d: %v", name, c.most+1, err)
		}
	}
	steps := func(n int) []byte {
		return kept(t, func(r *record) {
			for i := range Seconds(n) {
				r.Profile = append(r.Profile, Step{Window{20 + i, 21 + i}, bitrate.Rate(1 + i)})
			}
		})
	}
	if err := read(steps(MaxProfile)); err == errCut {
		t.Error(err)
	}
	if err := read(steps(MaxProfile + 1)); err != errCut {
		t.Errorf("so many steps: %v", err)
	}
}

// TestAddressOfAPrefix: the bits of an address that are open are 0.
func TestAddressOfAPrefix(t *testing.T) {
	one, wide := kept(t, func(*record) {}), kept(t, func(r *record) { r.Key.Src = r.Key.Src.Widen(24) })
	i := firstDiffering(one, wide)
	for open, good := range map[byte]bool{0: true, 1: true, 8: true, 9: false, 16: false, 32: false, 33: false} {
		if one[i] = open; (read(one) == nil) != good {
			t.Errorf("10.0.1.0 with %d open bits: %v", open, read(one))
		}
	}
}

// TestVersions: a record is of version 1, which is JSON, or of one that this
// program writes or has written.
func TestVersions(t *testing.T) {
	text := kept(t, func(*record) {})
	for version, want := range map[byte]error{0: versionError(0), 1: versionError(1), recordVersion + 1: versionError(recordVersion + 1)} {
		if text[0] = version; !errors.Is(read(text), want) {
			t.Errorf("version %d: %v", version, read(text))
		}
	}
	for version := byte(2); version < recordVersion; version++ {
		if text[0] = version; read(text) != errCut { // more follows than it has
			t.Errorf("version %d: %v", version, read(text))
		}
	}
	if err := read([]byte(`{"v":2}`)); !errors.Is(err, versionError(2)) {
		t.Error(err)
	}
	if err := read([]byte{2}); err != errCut {
		t.Error(err)
	}
}

// TestWhatRecordsShare: for a decoder with names, a record's path is
// overwritten by the next one's, and names are noted; without them each has
// its own.
func TestWhatRecordsShare(t *testing.T) {
	first := kept(t, func(*record) {})
	second := kept(t, func(r *record) { r.Seq, r.Path = 8, path.Path{{DPID: 9, In: 8, Out: 7}} })
	for _, names := range []map[string]string{nil, {}} {
		d := decoder{names: names}
		var a, b record
		if err := errors.Join(d.record(&a, "x", first), d.record(&b, "x", second)); err != nil {
			t.Fatal(err)
		}
		if shared := a.Path.Equal(b.Path); shared != (names != nil) {
			t.Errorf("the paths are %v and %v", a.Path, b.Path)
		}
		if names != nil && (names["p"] != "p" || names["u"] != "u") || a.ProjectID != "p" || b.UserID != "u" {
			t.Errorf("the names are %v", names)
		}
	}
	if a, b := decoded(t, first), decoded(t, second); !slices.Equal(a.Path, path.Path{{DPID: 1, In: 3, Out: 4}}) || b.Path[0].DPID != 9 {
		t.Errorf("%+v, %+v", a, b)
	}
}

func decoded(t *testing.T, text []byte) *record {
	t.Helper()
	r, err := decodeRecord("x", text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
