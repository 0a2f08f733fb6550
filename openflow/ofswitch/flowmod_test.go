package ofswitch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conga/openflow"
)

func (r *rig) priorities() string {
	var out []string
	for _, f := range r.Flows(openflow.TableAll) {
		out = append(out, fmt.Sprint(f.Priority))
	}
	return strings.Join(out, " ")
}

// Which entries a delete or modify touches.
func TestWhichEntriesAreMeant(t *testing.T) {
	ip := openflow.Match{openflow.EthType(0x800)}
	udp := openflow.Match{openflow.EthType(0x800), openflow.IPProto(17)}
	tests := []struct {
		name string
		edit func(*openflow.FlowMod)
		left string
	}{
		{"everything", func(m *openflow.FlowMod) {}, ""},
		{"covered by the match", func(m *openflow.FlowMod) { m.Match = ip }, "4 1"},
		{"strict: match", func(m *openflow.FlowMod) { m.Command, m.Match, m.Priority = openflow.FlowDeleteStrict, ip, 3 }, "4 2 1"},
		{"strict: other priority", func(m *openflow.FlowMod) { m.Command, m.Match, m.Priority = openflow.FlowDeleteStrict, ip, 9 }, "4 3 2 1"},
		{"cookie", func(m *openflow.FlowMod) { m.Cookie, m.CookieMask = 0x10, 0xf0 }, "3 1"},
		{"out_port", func(m *openflow.FlowMod) { m.OutPort = 2 }, "4 2 1"},
		{"out_port 0 deletes nothing", func(m *openflow.FlowMod) { m.OutPort = 0 }, "4 3 2 1"},
		{"out_group 0 deletes nothing", func(m *openflow.FlowMod) { m.OutGroup = 0 }, "4 3 2 1"},
		{"table", func(m *openflow.FlowMod) { m.Table = 5 }, "4 3 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 3, Config{})
			add := func(p uint16, cookie openflow.Cookie, m openflow.Match, out openflow.PortNo) *openflow.FlowMod {
				f := flow(p, m, to(out))
				f.Cookie = cookie
				return f
			}
			r.must(add(4, 0x11, openflow.Match{openflow.EthType(0x806)}, 1), add(3, 0x21, ip, 2), add(2, 0x12, udp, 3),
				inTable(5, add(1, 0x22, nil, 3)))
			m := openflow.NewFlowDelete(openflow.TableAll, nil)
			tt.edit(m)
			r.must(m)
			if got := r.priorities(); got != tt.left {
				t.Errorf("left are %q, want %q", got, tt.left)
			}
		})
	}
}

func TestModifyKeepsCountersAndCookie(t *testing.T) {
	r := newRig(t, 3, Config{})
	add := flow(5, nil, to(2))
	add.Cookie = 9
	r.must(add)
	r.inject(1, udp4.UDP())
	r.wait(3 * time.Second)
	mod := flow(5, nil, to(3))
	mod.Command, mod.Cookie = openflow.FlowModifyStrict, 0
	r.must(mod)
	f := r.Flows(0)[0]
	if f.PacketCount != 1 || f.Cookie != 9 || f.DurationSec != 3 {
		t.Errorf("after modify: %+v", f)
	}
	if got := r.inject(1, udp4.UDP()); got != "3" {
		t.Errorf("left by %q", got)
	}
	mod.Flags = openflow.FlowResetCounts
	r.must(mod)
	if f := r.Flows(0)[0]; f.PacketCount != 0 {
		t.Errorf("after reset: %+v", f)
	}
}

func TestTableFull(t *testing.T) {
	r := newRig(t, 1, Config{MaxEntries: 2})
	r.must(flow(1, nil), flow(2, nil))
	if err := r.Apply(flow(3, nil)); err == nil || describe(err) != "error 5/1" {
		t.Errorf("third entry: %v", describe(err))
	}
	r.must(flow(2, nil, to(1)), inTable(1, flow(1, nil)))
}

func TestTimeouts(t *testing.T) {
	r := newRig(t, 2, Config{})
	idle, hard, both := flow(1, openflow.Match{openflow.InPort(1)}), flow(2, openflow.Match{openflow.InPort(2)}), flow(3, openflow.Match{openflow.EthType(0x806)})
	idle.IdleTimeout, hard.HardTimeout, both.IdleTimeout, both.HardTimeout = 5, 8, 3, 4
	r.must(idle, hard, both)
	for _, step := range []struct {
		wait time.Duration
		send bool
		want string
	}{
		{2 * time.Second, false, "3 2 1"}, {time.Second, true, "2 1"}, {4 * time.Second, true, "2 1"},
		{time.Second, false, "1"}, {3900 * time.Millisecond, false, "1"}, {100 * time.Millisecond, false, ""},
	} {
		r.wait(step.wait)
		if got := r.priorities(); got != step.want {
			t.Errorf("at %v: %q, want %q", r.at.Unix()-1_000_000, got, step.want)
		}
		if step.send {
			r.inject(1, udp4.UDP())
		}
	}
}

func TestManyEntriesLookUp(t *testing.T) {
	r := newRig(t, 3, Config{})
	const n = 20_000
	for i := range n {
		r.must(flow(10, openflow.Match{openflow.EthDst(openflow.MAC{2, 1, byte(i >> 16), byte(i >> 8), byte(i)})}, to(2)))
	}
	d := udp4
	d.DstMAC = openflow.MAC{2, 1, 0, 7, 7}
	if got := r.inject(1, d.UDP()); got != "2" {
		t.Errorf("left by %q", got)
	}
	r.must(openflow.NewFlowDelete(0, openflow.Match{openflow.EthDst(d.DstMAC)}))
	if got := r.inject(1, d.UDP()); got != "" || len(r.Flows(0)) != n-1 {
		t.Errorf("after the delete: left by %q", got)
	}
}
