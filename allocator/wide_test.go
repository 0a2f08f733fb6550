package allocator

import (
	"math"
	"slices"
	"testing"

	"conga/controller/path"
	"conga/openflow"
)

// TestHopTable numbers more hops than two bytes can, and reads each again.
func TestHopTable(t *testing.T) {
	const hops = 1<<16 + 300
	b := newHopTable()
	p := make(path.Path, 50)
	for n := range hops / (len(p) - 2) {
		for i := range p {
			k := n*(len(p)-2) + i
			p[i] = path.Hop{DPID: openflow.DPID(k/200 + 1), In: openflow.PortNo(k%200 + 1), Out: openflow.PortNo(k%7 + 300)}
		}
		packed, ok := b.pack(p)
		if !ok {
			t.Fatalf("path %d is not packed", n)
		}
		again, ok := b.lookUp(p)
		if !ok || again != packed || len(packed) != numberSize*len(p) {
			t.Fatalf("path %d is packed as %q, then as %q", n, packed, again)
		}
		got := b.unpack(packed)
		got[0].In, got[len(got)-1].Out = p[0].In, p[len(p)-1].Out
		if !slices.Equal(got, p) {
			t.Fatalf("path %d is %v, packed %q", n, got, packed)
		}
	}
	if n := len(*b.hops.Load()); n < 1<<16 {
		t.Fatalf("only %d hops were numbered", n)
	}
}

// TestCrossReadsNoFurther has a level that stays where it is for long: of the
// stretches beyond what is asked for two are read, not all.
func TestCrossReadsNoFurther(t *testing.T) {
	var l timeline
	for i := range Seconds(20 * timelineBlock) {
		l.add(Window{10 * i, 10*i + 5}, 1)
	}
	l.add(Window{0, math.MaxInt32}, 1)
	if len(l.blocks) < 20 {
		t.Fatalf("%d stretches", len(l.blocks))
	}
	for _, room := range []int64{0, 2} { // above it all along, and never
		for n := range 6 {
			far := l.blocks[3+n].base
			for _, before := range []Seconds{0, 1} {
				got, m := l.cross(l.seek(mark{}, l.blocks[2].base), room, far-before)
				if want := l.blocks[3+n+gapAhead].base; got != want || m != (mark{}) {
					t.Errorf("room %d, up to the base of stretch %d less %d: %d at %+v, want %d", room, 3+n, before, got, m, want)
				}
			}
		}
		if got, _ := l.cross(l.seek(mark{}, l.blocks[2].base), room, never); got != map[int64]Seconds{0: math.MaxInt32, 2: never}[room] {
			t.Errorf("room %d: crosses at %d", room, got)
		}
	}
}

// Moments as far apart as a stretch can tell, and farther, are told apart.
func TestTimelineOfFarMoments(t *testing.T) {
	for _, apart := range []Seconds{math.MaxUint32 - 1, math.MaxUint32, math.MaxUint32 + 1, 3 * math.MaxUint32} {
		var l timeline
		l.add(Window{7, 7 + apart}, 1)
		l.sound(t)
		if one := apart <= math.MaxUint32; one != (len(l.blocks) == 1) {
			t.Errorf("%d apart: %d stretches", apart, len(l.blocks))
		}
		if l.peak(Window{7 + apart - 1, 7 + apart}) != 1 || l.peak(Window{7 + apart, never}) != 0 || l.peak(Window{0, 7}) != 0 {
			t.Errorf("%d apart: wrong level", apart)
		}
		l.add(Window{7, 7 + apart}, -1)
		if len(l.blocks) != 0 {
			t.Errorf("%d apart: %+v is left", apart, l)
		}
	}
}

func TestKinds(t *testing.T) {
	want := map[Kind]string{Invalid: "invalid", NotFound: "not-found", Conflict: "conflict", Denied: "denied", Stale: "stale", Internal: "internal"}
	for k, name := range want {
		if k.String() != name {
			t.Errorf("kind %d is %q, want %q", k, k, name)
		}
	}
}
