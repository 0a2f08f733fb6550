package openflow

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// A Parser reads what Parse reads, whatever it has read before.
func TestParserReadsTheSame(t *testing.T) {
	var p Parser
	samples := everyWire(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 * len(samples) {
		s := samples[r.IntN(len(samples))]
		h, m, err := Parse(s.b)
		h2, m2, err2 := p.Parse(s.b)
		if h != h2 || err != nil || err2 != nil || !reflect.DeepEqual(m, m2) {
			t.Fatalf("%s: a Parser reads %v, %+v, %v instead of %v, %+v, %v", s.name, h2, m2, err2, h, m, err)
		}
	}
	for n := range 300 { // of growing and of shrinking length
		reply := randomStats(r, (n*n)%700)
		b := mustAppend(t, 1, NewMultipartReply(reply))
		_, m, err := p.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, b, m)
	}
}

// randomStats returns n entries, fewer than fit one message.
func randomStats(r *rand.Rand, n int) FlowStatsReply {
	var reply FlowStatsReply
	for range n {
		f := FlowStats{Cookie: Cookie(r.Uint64()), Match: everyField[:r.IntN(2)]}
		if r.IntN(2) == 0 {
			f.Instructions = []Instruction{GotoTable(1)}
		}
		reply = append(reply, f)
	}
	return reply
}

// What Clone returns outlives the next message.
func TestFlowStatsClone(t *testing.T) {
	var p Parser
	first := FlowStats{Match: sampleMatch, Instructions: sampleFlowMod.Instructions}
	other := FlowStats{Match: everyField, Instructions: []Instruction{ApplyActions(everyAction...)}}
	var clones []FlowStats
	for _, f := range []FlowStats{first, other, {}, first} {
		_, m, err := p.Parse(mustAppend(t, 1, NewMultipartReply(FlowStatsReply{f})))
		if err != nil {
			t.Fatal(err)
		}
		body := m.(*MultipartReply).Body.(FlowStatsReply)
		clones = append(clones, body[0].Clone())
	}
	for i, want := range []FlowStats{first, other, {}, first} {
		if !reflect.DeepEqual(clones[i], want) {
			t.Errorf("entry %d became %+v, want %+v", i, clones[i], want)
		}
	}
}

// The key is the canonical form written out, and the quick ways to it come to
// what the plain way comes to.
func TestAppendKey(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		m := randomMatch(r)
		canonical := m.Canonical()
		if !slices.Equal(canonical, canonicalPlainly(m)) {
			t.Fatalf("%v: canonical form %v, want %v", m, canonical, canonicalPlainly(m))
		}
		want := "before"
		for i := range canonical {
			want += string(canonical[i].appendRaw(nil))
		}
		if got := string(m.AppendKey([]byte("before"))); got != want || m.Key() != want[len("before"):] {
			t.Fatalf("%v: key %q, want %q", m, got, want)
		}
	}
}

// randomMatch returns a match of standard and other fields, masked and not, in
// any order, some of them twice.
func randomMatch(r *rand.Rand) Match {
	var m Match
	for range r.IntN(8) + r.IntN(2)*r.IntN(60) {
		n := r.IntN(40)
		class, field := OXMClass(r.IntN(3)), uint8(r.IntN(4))
		if r.IntN(4) > 0 {
			class, field = OXMClassBasic, uint8(r.IntN(len(fields)))
			n = Field(field).Len()
		} else if class == 2 {
			class = OXMClassExperimenter
		}
		value, mask := make([]byte, n), make([]byte, n)
		common := [...]byte{0, 0xff, 0xff, byte(r.Uint32())}[r.IntN(4)]
		for i := range value {
			value[i], mask[i] = byte(r.Uint32()), common
		}
		if r.IntN(2) == 0 {
			mask = nil
		}
		m = append(m, NewOXM(class, field, value, mask))
	}
	if r.IntN(2) == 0 {
		slices.SortFunc(m, func(a, b OXM) int { return a.compare(&b) })
	}
	return m
}

// canonicalPlainly returns what [Match.Canonical] does, without its short cuts.
func canonicalPlainly(m Match) Match {
	var out Match
	for _, o := range m {
		value, mask := o.Value(), o.Mask()
		if !o.Masked() || o.Class() == OXMClassExperimenter {
			out = append(out, o)
			continue
		}
		full := fullMask(o.Class(), o.Field(), len(value))
		for i := range value {
			mask[i] &= full[i]
			value[i] &= mask[i]
		}
		switch {
		case len(mask) > 0 && allZero(mask):
			continue
		case slices.Equal(mask, full[:len(mask)]):
			mask = nil
		}
		out = append(out, NewOXM(o.Class(), uint8(o.Field()), value, mask))
	}
	slices.SortStableFunc(out, func(a, b OXM) int { return a.compare(&b) })
	return out
}
