package flow

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// tagChange returns what an entry does to tags, as ovs-ofctl writes it.
func tagChange(r *Rule) string {
	var done []string
	for _, in := range r.Instructions {
		for _, a := range in.Actions {
			switch {
			case a.Type == openflow.ActionPushVLAN, a.Type == openflow.ActionPopVLAN,
				a.Type == openflow.ActionSetField && a.Field.Field() == openflow.FieldVLANVID:
				done = append(done, a.String())
			}
		}
	}
	return strings.Join(done, ",")
}

// The tag changes in the last switch alone, whichever way traffic goes; before,
// only what is in the VLAN of its source is matched.
func TestTheTagChangesWhereTrafficLeaves(t *testing.T) {
	const any = 1
	for _, tc := range []struct {
		name          string
		src, dst      uint16 // VLANs; 0: no tag
		onward, back  string // what the last switch does
		inSrc, inDest uint64 // as matched
	}{
		{"tagged on both sides", 100, 200, "set_field:4296->vlan_vid", "set_field:4196->vlan_vid", 4196, 4296},
		{"tagged at the source", 100, 0, "pop_vlan", "push_vlan:0x8100,set_field:4196->vlan_vid", 4196, 0},
		{"tagged at the destination", 0, 200, "push_vlan:0x8100,set_field:4296->vlan_vid", "pop_vlan", 0, 4296},
		{"tagged alike", 100, 100, "", "", any, any},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := vlanNetwork(t, tc.src, tc.dst)
			n.Circuits = []path.Circuit{forth("a", 7, 10*bitrate.Mbps)}
			for d := openflow.DPID(1); d <= 3; d++ {
				st := Compile(n, d)
				for _, r := range allocated(st) {
					in, _ := r.Match.Get(openflow.FieldInPort)
					vlan, tagged := r.Match.Get(openflow.FieldVLANVID)
					onward := in.Uint64() == map[openflow.DPID]uint64{1: 3, 2: 1, 3: 1}[d]
					wantIn, wantDone := tc.inSrc, ""
					if !onward {
						wantIn = tc.inDest
					}
					switch {
					case onward && d == 3:
						wantDone = tc.onward
					case !onward && d == 1:
						wantDone = tc.back
					}
					if tagged != (wantIn != any) || tagged && vlan.Uint64() != wantIn {
						t.Errorf("switch %d, onward %t: matches %v, want in %d", d, onward, r.Match, wantIn)
					}
					if got := tagChange(r); got != wantDone {
						t.Errorf("switch %d, onward %t: does %q, want %q", d, onward, got, wantDone)
					}
				}
			}
		})
	}
}

// vlanNetwork returns the square with host 1 in one VLAN and host 3 in another;
// 0: without a tag.
func vlanNetwork(t *testing.T, src, dst uint16) *Network {
	t.Helper()
	n := square(t, threeTables)
	for d, vlan := range map[openflow.DPID]uint16{1: src, 3: dst} {
		h, _ := n.Hosts.Get(named(d))
		if vlan != 0 {
			h.VLANs = map[netip.Addr]uint16{addr(d): vlan}
		}
		n.Hosts = n.Hosts.With(named(d), h)
	}
	return n
}

func allocated(st *State) []*Rule {
	return slices.DeleteFunc(slices.Collect(rulesOf(st)), func(r *Rule) bool { return r.Table != tableAllocations || r.Cookie&0xffffffff != 7 })
}

func rulesOf(st *State) func(func(*Rule) bool) {
	return func(yield func(*Rule) bool) {
		for _, r := range st.Rules {
			if !yield(r) {
				return
			}
		}
	}
}

// Hosts in different VLANs hear nothing of each other but what a circuit
// carries, so it carries what they need to find each other, unmarked; between
// hosts of one VLAN there is no entry for that.
func TestAddressesAreResolvedBetweenVLANs(t *testing.T) {
	v4, v6 := forth("a", 7, 0).Key, path.FlowKey{Src: path.Host(netip.MustParseAddr("fd00::1")), Dst: path.Host(netip.MustParseAddr("fd00::3"))}
	wide := v6
	wide.Dst = wide.Dst.Widen(64)
	for _, tc := range []struct {
		key  path.FlowKey
		want []string // of ARP, solicitations and advertisements
	}{
		{v4, []string{"arp"}}, {v6, []string{"135", "136"}}, {wide, nil},
	} {
		var got []string
		for _, s := range selections(incoming{key: tc.key, in: 3, vlan: 100}) {
			if !s.bare {
				continue
			}
			kind, typed := s.match.Get(openflow.FieldICMPv6Type)
			if vlan, ok := s.match.Get(openflow.FieldVLANVID); !ok || vlan.Uint64() != 100|uint64(openflow.VLANPresent) {
				t.Errorf("%v is not in the VLAN", s.match)
			}
			if got = append(got, "arp"); typed {
				got[len(got)-1] = map[uint64]string{135: "135", 136: "136"}[kind.Uint64()]
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("for %v there are %v, want %v", tc.key, got, tc.want)
		}
		for _, s := range selections(incoming{key: tc.key, in: 3}) {
			if s.bare {
				t.Errorf("%v in any VLAN has %v", tc.key, s.match)
			}
		}
	}
}

// A switch that cannot change tags is found out by what it refuses, whichever
// way it is to change them, and is still asked: nothing is confirmed that is
// not carried.
func TestASwitchThatCannotChangeTags(t *testing.T) {
	refusal := &openflow.Error{ErrType: openflow.ErrorTypeBadAction, Code: uint16(openflow.BadActionBadType)}
	for _, vlans := range [][2]uint16{{100, 200}, {100, 0}, {0, 200}} {
		n := vlanNetwork(t, vlans[0], vlans[1])
		n.Circuits = []path.Circuit{forth("a", 7, 0)}
		var steps []Step
		refused := map[int]error{}
		for _, r := range allocated(Compile(n, 3)) {
			if tagChange(r) != "" {
				refused[len(steps)] = refusal
			}
			steps = append(steps, Step{Rule: r})
		}
		if got, _ := Blame(steps, refused, 0, nil); got != topology.LacksTags || len(refused) == 0 {
			t.Errorf("of %d refusals %b is blamed, want %b", len(refused), got, topology.LacksTags)
		}
		had := len(allocated(Compile(n, 3)))
		sw := n.Switches[3]
		sw.Lacks |= topology.LacksTags
		n.Switches[3] = sw
		if got := len(allocated(Compile(n, 3))); got != had {
			t.Errorf("it is asked for %d entries instead of %d then", got, had)
		}
		if said := strings.Join(Limitations(sw, n.Policy), " "); !strings.Contains(said, "cannot change VLAN tags") {
			t.Errorf("it says %q", said)
		}
	}
}
