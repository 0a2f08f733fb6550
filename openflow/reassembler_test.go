package openflow

import (
	"errors"
	"reflect"
	"testing"
)

// listReplies holds one entry of every body that can come in parts.
var listReplies = []MultipartReplyBody{
	FlowStatsReply{{Table: 1}}, TableStatsReply{{Table: 1}}, PortStatsReply{{Port: 1}}, PortDescReply{{No: 1}},
	QueueStatsReply{{Port: 1}}, GroupStatsReply{{Group: 1}}, GroupDescReply{{Group: 1}}, MeterStatsReply{{Meter: 1}},
	MeterConfigReply{{Meter: 1}}, TableFeaturesReply{{Table: 1}}, &ExperimenterReply{Data: []byte{1}},
}

func part(body MultipartReplyBody, flags MultipartFlags) *MultipartReply {
	m := NewMultipartReply(body)
	m.Flags = flags
	return m
}

func TestReassemblerMergesEveryList(t *testing.T) {
	for _, body := range listReplies {
		var r Reassembler
		for i := range 2 {
			if whole, err := r.Add(Header{XID: 7, Length: 100}, part(body, MultipartMore)); whole != nil || err != nil {
				t.Fatalf("%T: part %d: %v, %v", body, i, whole, err)
			}
		}
		whole, err := r.Add(Header{XID: 7, Length: 100}, part(body, 0))
		if err != nil || whole.Flags != 0 {
			t.Fatalf("%T: %+v, %v", body, whole, err)
		}
		n := 0
		if exp, ok := whole.Body.(*ExperimenterReply); ok {
			n = len(exp.Data)
		} else {
			n = reflect.ValueOf(whole.Body).Len()
		}
		if n != 3 || r.size != 0 || len(r.replies) != 0 {
			t.Errorf("%T: %d entries of 3; left behind: %d bytes, %d replies", body, n, r.size, len(r.replies))
		}
	}
}

// Each element of a reply in many parts is copied once, and there is no room
// for more.
func TestReassemblerCopiesOnce(t *testing.T) {
	const parts, entries = 50, 100
	body := make(FlowStatsReply, entries)
	allocs := testing.AllocsPerRun(10, func() {
		var r Reassembler
		for i := range parts {
			flags := MultipartMore
			if i == parts-1 {
				flags = 0
			}
			whole, err := r.Add(Header{XID: 7, Length: 100}, &MultipartReply{MPType: MultipartFlow, Flags: flags, Body: body})
			if err != nil || flags == 0 && (len(whole.Body.(FlowStatsReply)) != parts*entries || cap(whole.Body.(FlowStatsReply)) != parts*entries) {
				t.Fatalf("%v, %v", err, whole)
			}
		}
	})
	if most := 2.0*parts + 20; allocs > most {
		t.Errorf("%v allocations for %d parts", allocs, parts)
	}
}

func TestReassemblerKeepsRepliesApart(t *testing.T) {
	var r Reassembler
	for xid := range uint32(3) {
		if _, err := r.Add(Header{XID: xid, Length: 10}, part(FlowStatsReply{{Cookie: Cookie(xid)}}, MultipartMore)); err != nil {
			t.Fatal(err)
		}
	}
	for xid := range uint32(3) {
		whole, err := r.Add(Header{XID: xid, Length: 10}, part(FlowStatsReply{{Cookie: 99}}, 0))
		want := FlowStatsReply{{Cookie: Cookie(xid)}, {Cookie: 99}}
		if err != nil || !reflect.DeepEqual(whole.Body, want) {
			t.Errorf("reply %d: %+v, %v, want %+v", xid, whole, err, want)
		}
	}
}

func TestReassemblerRefuses(t *testing.T) {
	flow, more := FlowStatsReply{{}}, MultipartMore
	tests := []struct {
		name  string
		parts []*MultipartReply
		err   error
	}{
		{"too much", []*MultipartReply{part(flow, more), part(flow, more), part(flow, 0)}, ErrReassemblySize},
		{"another type", []*MultipartReply{part(flow, more), part(PortDescReply{}, 0)}, ErrReassemblyType},
		{"description in parts", []*MultipartReply{part(&DescReply{}, more), part(&DescReply{}, 0)}, ErrReassemblyType},
		{"another experimenter", []*MultipartReply{
			part(&ExperimenterReply{Experimenter: 1}, more), part(&ExperimenterReply{Experimenter: 2}, 0),
		}, ErrReassemblyType},
	}
	for _, test := range tests {
		r := Reassembler{MaxBytes: 250 + 2*part(flow, more).Footprint()}
		var err error
		for _, p := range test.parts {
			_, err = r.Add(Header{XID: 1, Length: 100}, p)
		}
		if !errors.Is(err, test.err) || r.size != 0 || len(r.replies) != 0 {
			t.Errorf("%s: %v, want %v; left behind: %d bytes, %d replies", test.name, err, test.err, r.size, len(r.replies))
		}
	}
}

func TestReassemblerBoundsUnfinished(t *testing.T) {
	var r Reassembler
	for xid := range uint32(maxUnfinished) {
		if _, err := r.Add(Header{XID: xid, Length: 16}, part(FlowStatsReply(nil), MultipartMore)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Add(Header{XID: maxUnfinished, Length: 16}, part(FlowStatsReply(nil), MultipartMore)); !errors.Is(err, ErrReassemblyParts) {
		t.Errorf("one reply more: %v, want ErrReassemblyParts", err)
	}
	r.Forget(0)
	if _, err := r.Add(Header{XID: maxUnfinished, Length: 16}, part(FlowStatsReply(nil), MultipartMore)); err != nil {
		t.Errorf("after forgetting one: %v", err)
	}
}

// FuzzReassembly feeds parts as a switch might: each byte chooses a reply, a
// body and whether it goes on. However it goes, the reassembler holds no more
// than its cap, and nothing once all is finished.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{0x80, 0x80, 0x00})
	f.Add([]byte{0x80, 0x91, 0x11, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, steps []byte) {
		r := Reassembler{MaxBytes: 1000}
		for _, step := range steps {
			body := listReplies[int(step>>3&0xf)%len(listReplies)]
			whole, err := r.Add(Header{XID: uint32(step & 7), Length: 90}, part(body, MultipartFlags(step>>7)))
			if r.size > r.MaxBytes || (whole != nil && (err != nil || whole.Flags != 0)) {
				t.Fatalf("step %#x: %d bytes held, %v, %v", step, r.size, whole, err)
			}
		}
		for xid := range uint32(8) {
			r.Forget(xid)
		}
		if r.size != 0 || len(r.replies) != 0 {
			t.Fatalf("left behind: %d bytes, %d replies", r.size, len(r.replies))
		}
	})
}
