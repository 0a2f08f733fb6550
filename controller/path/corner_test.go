package path_test

import (
	"slices"
	"testing"

	"conga/controller/path"
)

// levelKeys returns the keys between two hosts that give two of protocol,
// source port and destination port, and so are as specific as each other.
func levelKeys() (keys []path.FlowKey) {
	for _, proto := range []uint8{path.ProtoAny, path.ProtoTCP} {
		for _, src := range somePorts {
			for _, dst := range somePorts {
				given := 0
				for _, is := range []bool{proto != path.ProtoAny, !src.Any(), !dst.Any()} {
					if is {
						given++
					}
				}
				if given == 2 {
					keys = append(keys, path.FlowKey{Src: path.Host(a), Dst: path.Host(b), Proto: proto, SrcPort: src, DstPort: dst})
				}
			}
		}
	}
	return keys
}

// TestCornersOfSeveral: each corner with another key is told once, as seen from
// the source. Where corners with two others meet, that is told as well, unless
// it is one of the two and all that the others share.
func TestCornersOfSeveral(t *testing.T) {
	keys, doubles := levelKeys(), 0
	for _, k := range keys {
		for i, o := range keys {
			for _, p := range keys[:i] {
				if k.Conflicts(o) || k.Conflicts(p) || o.Conflicts(p) {
					continue
				}
				var single, double, want, wantDouble []path.FlowKey
				others := []path.FlowKey{p.Reverse(), o}
				k.Corners(others, func(c path.FlowKey, twice bool) {
					if twice {
						double = append(double, c)
					} else {
						single = append(single, c)
					}
				})
				first, withFirst := k.Corner(others[0])
				second, withSecond := k.Corner(others[1])
				if withFirst {
					want = append(want, first)
				}
				if withSecond {
					want = append(want, second)
				}
				if theirs, ok := p.Corner(o); ok && withFirst && withSecond {
					all := path.FlowKey{Src: k.Src, Dst: k.Dst, Proto: path.ProtoTCP}
					var source, destination bool
					all.SrcPort, source = first.SrcPort.And(second.SrcPort)
					all.DstPort, destination = first.DstPort.And(second.DstPort)
					if source && destination && (all != theirs || all != first && all != second) {
						wantDouble = append(wantDouble, all)
					}
				}
				if !slices.Equal(single, want) || !slices.Equal(double, wantDouble) {
					t.Fatalf("%v with %v:\n%v and %v\nwant %v and %v", k, others, single, double, want, wantDouble)
				}
				doubles += len(double)
			}
		}
	}
	if doubles == 0 {
		t.Error("none meet")
	}
}
