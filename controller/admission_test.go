package controller

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A switch may connect if it is what the list says of it, and, where only those
// of the list may, if it is there.
func TestAdmission(t *testing.T) {
	one := &x509.Certificate{Raw: []byte("one"), Subject: pkix.Name{CommonName: "s1.example.org"}}
	two := &x509.Certificate{Raw: []byte("two"), Subject: pkix.Name{CommonName: "s2.example.org"}}
	sum := sha256.Sum256(two.Raw)
	colons := strings.ToUpper(hex.EncodeToString(sum[:1]) + ":" + hex.EncodeToString(sum[1:]))
	a := Admission{List: []ListedSwitch{
		{DPID: 1, Address: netip.MustParsePrefix("10.9.0.0/24"), Certificate: "s1.example.org"},
		{DPID: 2, Certificate: colons},
		{DPID: 3},
	}}
	inside, elsewhere := netip.MustParseAddr("10.9.0.7"), netip.MustParseAddr("192.0.2.1")
	for _, tt := range []struct {
		dpid        openflow.DPID
		addr        netip.Addr
		cert        *x509.Certificate
		any, listed bool // may connect
	}{
		{1, inside, one, true, true},
		{1, elsewhere, one, false, false},
		{1, netip.Addr{}, one, false, false},
		{1, inside, two, false, false},
		{1, inside, nil, false, false},
		{2, elsewhere, two, true, true},
		{2, elsewhere, one, false, false},
		{3, elsewhere, nil, true, true},
		{4, elsewhere, nil, true, false},
		{4, elsewhere, one, false, false}, // which is another's
	} {
		for _, a.Listed = range []bool{false, true} {
			want := tt.any
			if a.Listed {
				want = tt.listed
			}
			if err := a.judge(tt.dpid, tt.addr, tt.cert); (err == nil) != want {
				t.Errorf("switch %v from %v, listed only %v: %v", tt.dpid, tt.addr, a.Listed, err)
			}
		}
	}
}

// A switch that is not listed is closed, and does not become part of the
// network; those that are listed are not touched.
func TestUnlistedSwitchIsRefused(t *testing.T) {
	var log warnings
	var mu sync.Mutex
	var refused []Refusal
	cfg := Config{
		Log: slog.New(&log), Switches: Admission{Listed: true, List: []ListedSwitch{{DPID: 1}, {DPID: 2}}},
		Refused: func(r Refusal) { mu.Lock(); defer mu.Unlock(); refused = append(refused, r) },
	}
	inBubble(t, pair, cfg, func(l *lab) {
		l.settled(2, 1)
		r := ofswitch.New(ofswitch.Config{DPID: 3, Dial: l.pipes.dial})
		l.Cleanup(r.Disconnect)
		if err := r.Connect(l.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := l.Snapshot(); r.Connected() || len(s.Switches) != 2 {
			t.Errorf("the switch is connected: %v; there are %d", r.Connected(), len(s.Switches))
		}
		mu.Lock()
		defer mu.Unlock()
		if len(refused) != 1 || refused[0].DPID != 3 || refused[0].Reason != errUnlisted.Error() || log.count("switch refused") != 1 {
			t.Errorf("refused: %+v; logged %d times", refused, log.count("switch refused"))
		}
		l.pingAll()
	})
}

// A switch that is listed anew is let in when it tries again, and one that is
// listed no longer is disconnected. All others stay.
func TestAdmissionChanges(t *testing.T) {
	listed := func(dpids ...openflow.DPID) (a Admission) {
		a.Listed = true
		for _, d := range dpids {
			a.List = append(a.List, ListedSwitch{DPID: d})
		}
		return a
	}
	inBubble(t, pair, Config{Switches: listed(1, 2)}, func(l *lab) {
		l.settled(2, 1)
		late := ofswitch.New(ofswitch.Config{DPID: 3, Dial: l.pipes.dial})
		l.Cleanup(late.Disconnect)
		for _, tt := range []struct {
			listed Admission
			want   bool
		}{{listed(1, 2), false}, {listed(1, 3), true}, {listed(1, 2), false}} {
			l.SetAdmission(tt.listed)
			if !late.Connected() {
				if err := late.Connect(l.Context(), ""); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			if late.Connected() != tt.want || l.Snapshot().Switches[3].Connected != tt.want {
				t.Errorf("with %v a switch is connected: %v", tt.listed.List, late.Connected())
			}
			if !l.Snapshot().Switches[1].Connected || tt.want && l.Snapshot().Switches[2].Connected {
				t.Errorf("with %v others are connected: %v", tt.listed.List, l.Snapshot().Switches)
			}
		}
		l.settled(2, 1)
	})
}

// Frames that a switch hands up as if it did not know the way go to hosts only
// where links lead from it to them.
func TestNoFrameFromASwitchApart(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		apart := ofswitch.New(ofswitch.Config{DPID: 9, Dial: l.pipes.dial})
		l.Cleanup(apart.Disconnect)
		if err := apart.Connect(l.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		host := l.net.Host("h1")
		at, ok := l.Snapshot().HostIn(host.MAC(), 0)
		if !ok {
			t.Fatal("the host is not known")
		}
		sent := func(from openflow.DPID) uint64 {
			before := l.net.Switch(at.At.DPID).Counters().PacketOuts
			l.post(l.Context(), delivery{l.live(from), at.At, make([]byte, 60)})
			synctest.Wait()
			return l.net.Switch(at.At.DPID).Counters().PacketOuts - before
		}
		if n := sent(9); n != 0 {
			t.Errorf("%d frames of a switch apart were delivered", n)
		}
		if n := sent(3 - at.At.DPID); n != 1 {
			t.Errorf("%d frames of the other switch were delivered, want 1", n)
		}
	})
}

// Of a frame that a switch keeps, and hands up in part, no part is delivered.
func TestNoPartOfAFrame(t *testing.T) {
	inBubble(t, pair, Config{}, func(l *lab) {
		l.settled(2, 1)
		l.pingAll()
		l.acquainted()
		mac := l.net.Host("h1").MAC()
		frame := append(mac[:], make([]byte, 122)...)
		for total, want := range map[uint16]uint64{128: 1, 1500: 0} {
			before := l.net.Switch(1).Counters().PacketOuts
			l.live(2).packetIn(&openflow.PacketIn{BufferID: 7, TotalLen: total, Match: openflow.Match{openflow.InPort(2)}, Data: frame})
			synctest.Wait()
			if n := l.net.Switch(1).Counters().PacketOuts - before; n != want {
				t.Errorf("of a frame of %d bytes 128 were handed up, and %d frames delivered", total, n)
			}
		}
	})
}
