package flow

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow"
)

// TestWhatIsRefusedIsSaid: each sort of entry that a switch refuses has a
// sentence of its own while it is wanted, and what keeps loops out keeps its
// ports shut.
func TestWhatIsRefusedIsSaid(t *testing.T) {
	no := errors.New("bad match")
	circuit := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(1)})
	circuit.Cookie = purpose.MakeCookie(purpose.Allocation, 7)
	hears := newRule(purpose.Control, tableAllocations, prioProbe, openflow.Match{openflow.InPort(2)})
	hears.guard = watch
	bars := newRule(purpose.Control, tableLearning, prioPort, openflow.Match{openflow.InPort(3)})
	bars.guard = bar
	plain := newRule(purpose.Forward, tableForwarding, prioHost, openflow.Match{openflow.InPort(4)})
	for _, x := range []struct {
		rule *Rule
		says string
		shut bool
	}{
		{circuit, "It refuses entries of allocations: bad match.", false},
		{hears, "It refuses the entry that hears probes which bridges pass on, so a ring through a bridge is not found there: bad match.", false},
		{bars, "It refuses an entry that keeps loops out, so its ports stay closed: bad match.", true},
		{plain, "It refuses entries of best effort: bad match.", false},
	} {
		st := NewState()
		st.add(x.rule)
		r := NewReconciler(st.Whole(), 1)
		r.Begin()
		if r.Next(10, t0); len(r.Limitations()) != 0 || r.Shut() != nil {
			t.Errorf("%q is said before the switch has answered", r.Limitations())
		}
		r.Landed(map[int]error{0: no})
		if says := r.Limitations(); !slices.Equal(says, []string{x.says}) {
			t.Errorf("it says %q, want %q", says, x.says)
		}
		if err := r.Shut(); (err != nil) != x.shut || x.shut && err != no {
			t.Errorf("with %q it is shut for %v", x.says, err)
		}
		p := NewPatch()
		p.Rules[x.rule.Key()] = nil
		r.Want(p, 2, 2)
		if says := r.Limitations(); len(says) != 0 || r.Shut() != nil {
			t.Errorf("%q is said of what is not wanted", says)
		}
	}
}

// TestFullTableIsSaid: that the table was full is said for a while after an
// entry was refused for that, and not of each circuit.
func TestFullTableIsSaid(t *testing.T) {
	full := &openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: uint16(openflow.FlowModFailedTableFull)}
	st := NewState()
	rule := newRule(purpose.Allocation, tableAllocations, prioAllocation, openflow.Match{openflow.InPort(1)})
	rule.Cookie = purpose.MakeCookie(purpose.Allocation, 7)
	st.add(rule)
	r := NewReconciler(st.Whole(), 1)
	r.Begin()
	r.Next(10, t0)
	r.Landed(map[int]error{0: full})
	for after, said := range map[time.Duration]bool{0: true, peace - 1: true, peace: false} {
		r.Clock(t0.Add(after))
		says := r.Limitations()
		if got := len(says) == 1 && strings.HasPrefix(says[0], "Its flow table is full"); got != said || len(says) > 1 {
			t.Errorf("after %v it says %q", after, says)
		}
	}
}

// TestMetersInAnotherForm: a meter that comes back twice as the switch rounds
// it is left so, and another one that it rounds is at once; one that is far off
// is written again.
func TestMetersInAnotherForm(t *testing.T) {
	id, other := purpose.PolicerID(1), purpose.PolicerID(2)
	want := Meter{Rate: 5001, Burst: 1500}
	r := NewReconciler(Whole{Meters: map[openflow.MeterID]Meter{id: want}}, 1)
	r.Begin()
	now := t0
	write := func(what string, n int) {
		t.Helper()
		now = now.Add(time.Minute)
		if got := len(r.Next(10, now)); got != n {
			t.Errorf("%s: %d are written, want %d", what, got, n)
		}
		r.Landed(nil)
		for len(r.Next(10, now.Add(30*time.Second))) > 0 { // what was eased at first
			r.Landed(nil)
		}
	}
	find := func(present map[openflow.MeterID]Meter) {
		r.Clock(now)
		r.Asked()
		r.Found(&State{Meters: present})
	}
	rounded := Meter{Rate: 5000, Burst: 1500}
	write("at first", 1)
	find(map[openflow.MeterID]Meter{id: rounded})
	write("found rounded", 1)
	if says := r.Limitations(); len(says) != 0 {
		t.Errorf("after the first time it says %q", says)
	}
	find(map[openflow.MeterID]Meter{id: rounded})
	write("found so again", 0)
	if says := r.Limitations(); !slices.Equal(says, []string{"It keeps meters in another form than it is given: of 5001 kbit/s with a burst of 1500 kbit it has 5000 kbit/s with a burst of 1500 kbit."}) {
		t.Errorf("after the second time it says %q", says)
	}
	if !r.HoldsMeters(map[openflow.MeterID]Meter{id: rounded}) || r.HoldsMeters(map[openflow.MeterID]Meter{id: {Rate: 5002, Burst: 1500}}) {
		t.Error("an audit takes another meter for the one that is there")
	}
	p := NewPatch()
	p.Meters[other] = &Meter{Rate: 7001, Burst: 2100}
	r.Want(p, 2, 2)
	write("another one", 1)
	find(map[openflow.MeterID]Meter{id: rounded, other: {Rate: 7000, Burst: 2100}})
	write("which is rounded, too", 0)
	find(map[openflow.MeterID]Meter{id: rounded, other: {Rate: 3000, Burst: 2100}})
	write("and then is far off", 1)
	find(map[openflow.MeterID]Meter{id: {Rate: 5002, Burst: 1500}, other: {Rate: 7000, Burst: 2100}})
	if got := (Meter{Packets: true, Rate: 10, Burst: 3}).text(); got != "10 packets/s with a burst of 3" {
		t.Errorf("in words: %q", got)
	}
}

// TestTooBigMatches: the messages that packets are too big are those to the
// host that the traffic goes to, of the family of its address.
func TestTooBigMatches(t *testing.T) {
	for _, x := range []struct {
		src, dst string
		proto    uint8
		port     uint16
		want     string // "": none
	}{
		{"10.0.0.1", "10.0.0.2", 6, 80, "icmp,in_port=3,nw_dst=10.0.0.2,icmp_type=3,icmp_code=4"},
		{"2001:db8::1", "2001:db8::2", 6, 80, "icmp6,in_port=3,ipv6_dst=2001:db8::2,icmp_type=2"},
		{"2001:db8::1", "2001:db8::2", 0, 0, ""},
		{"2001:db8::1", "2001:db8::2", 17, 80, ""},
	} {
		m, ok := tooBig(path.FlowKey{Src: path.Host(netip.MustParseAddr(x.src)), Dst: path.Host(netip.MustParseAddr(x.dst)), Proto: x.proto, DstPort: path.Port(x.port)}, 3)
		if got := m.String(); ok != (x.want != "") || ok && got != x.want {
			t.Errorf("%+v: %q", x, got)
		}
	}
}
