package allocator

import (
	"testing"

	"conga/controller/path"
)

// What shares a corner with others of the project does not wait for them; what
// is the same traffic does.
func TestCornersDoNotWait(t *testing.T) {
	w, _ := pair(t)
	forth := ask(1, 1, 2, 1, 1, 100)
	forth.Key.DstPort = path.Port(443)
	back := forth
	back.Key = path.FlowKey{Src: forth.Key.Dst, Dst: forth.Key.Src, DstPort: path.Port(873)}
	proto := forth
	proto.Key.DstPort, proto.Key.Proto = path.Ports{}, path.ProtoTCP
	same := forth
	same.Key = forth.Key.Reverse()
	for _, r := range []Request{forth, back, proto} {
		w.expect(w.create(r).ID, Pending, span(0, 100))
	}
	if v := w.create(same); v.Window != span(100, 200) {
		t.Errorf("the same traffic is planned for %v", v.Window)
	}
	other := back
	other.ProjectID = "q"
	if v := w.create(other); v.Window.Start == w.now {
		t.Errorf("traffic of another project is shared: %v", v.Window)
	}
}

// Corners of one beyond a number are waited for as well, whichever asks.
func TestManyCornersOfOneWait(t *testing.T) {
	w, _ := pair(t)
	one := ask(1, 1, 2, 1, 0, 100)
	one.Key.DstPort = path.Port(9)
	w.create(one)
	for i := range uint16(path.MaxCorners + 1) {
		r := ask(1, 1, 2, 1, 0, 50)
		r.Key.SrcPort = path.Port(1 + i)
		want := span(0, 50)
		if i == path.MaxCorners {
			want = span(100, 150)
		}
		if v := w.create(r); v.Window != want {
			t.Errorf("beside %d it is planned for %v, want %v", i, v.Window, want)
		}
	}
}

// Corners beyond a number are waited for, since each takes flow entries.
func TestManyCornersWait(t *testing.T) {
	w, _ := pair(t)
	for i := range uint16(path.MaxCorners + 1) {
		r := ask(1, 1, 2, 1, 0, 100)
		r.Key.SrcPort = path.Port(1 + i)
		w.expect(w.create(r).ID, Pending, span(0, 100))
		late := ask(1, 1, 2, 1, 0, 50)
		late.Key.DstPort = path.Port(9)
		want := span(0, 50)
		if i == path.MaxCorners {
			want = span(100, 150)
		}
		v := w.create(late)
		if v.Window != want {
			t.Errorf("with %d corners it is planned for %v, want %v", i+1, v.Window, want)
		}
		if err := w.a.Release(bg, v.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
}
