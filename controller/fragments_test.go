package controller

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"conga/bitrate"
	"conga/controller/path"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

const ethernet = 14 // bytes of the header

// through returns the switches at which a frame arrives that a host sends.
func (l *lab) through(from string, frame []byte) []openflow.DPID {
	l.Helper()
	var mu sync.Mutex
	var via []openflow.DPID
	same := slices.Clone(frame[ethernet+2:]) // a mark changes the bytes before
	for _, sw := range l.net.Switches() {
		sw.Tap(func(p ofswitch.Packet) {
			mu.Lock()
			defer mu.Unlock()
			if !p.Out && len(p.Data) == len(frame) && slices.Equal(p.Data[ethernet+12:], same[10:]) {
				via = append(via, p.DPID)
			}
		})
		defer sw.Tap(nil)
	}
	l.net.Host(from).Send(frame)
	if err := l.net.Settle(l.Context()); err != nil {
		l.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return via
}

// icmp returns an ICMP message between two addresses, as a frame.
func icmp(d ofswitch.Datagram, kind, code byte) []byte {
	frame := d.UDP()
	proto, l4, number := ethernet+9, ethernet+20, byte(1)
	if d.Src.Addr().Is6() {
		proto, l4, number = ethernet+6, ethernet+40, 58
	}
	frame[proto], frame[l4], frame[l4+1] = number, kind, code
	return frame
}

// fragment makes a frame a fragment: the first, or a later one. The first 8
// bytes of an IPv6 packet's payload become its fragment header.
func fragment(frame []byte, later bool) []byte {
	if binary.BigEndian.Uint16(frame[12:]) == 0x0800 {
		flags := uint16(0x2000)
		if later {
			flags = 100
		}
		binary.BigEndian.PutUint16(frame[ethernet+6:], flags)
		return frame
	}
	header := frame[ethernet+40 : ethernet+48]
	copy(header, []byte{frame[ethernet+6], 0, 0, 1, 0, 0, 0, 1})
	if frame[ethernet+6] = 44; later {
		header[2] = 8
	}
	return frame
}

// What belongs to an allocated flow and does not say its ports takes the path
// of its circuit; what belongs to no allocated flow does not.
func TestFragmentsAndPathMTUFollowTheCircuit(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		h1, h2 := l.net.Host("h1"), l.net.Host("h2")
		for i, src := range h1.Addrs() {
			dst := h2.Addrs()[i]
			router := netip.MustParseAddr([]string{"192.0.2.1", "2001:db8::1"}[i])
			tooBig, other := [2]byte{3, 4}, [2]byte{3, 3}
			if src.Is6() {
				tooBig, other = [2]byte{2, 0}, [2]byte{1, 4}
			}
			c := l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)
			c.Key = path.FlowKey{Src: path.Host(src), Dst: path.Host(dst), DstPort: path.Port(9)} // UDP has fragments, and TCP path MTU messages
			forth := ofswitch.Datagram{
				SrcMAC: h1.MAC(), DstMAC: h2.MAC(), Src: netip.AddrPortFrom(src, 8), Dst: netip.AddrPortFrom(dst, 9), Payload: make([]byte, 64),
			}
			back := forth
			back.SrcMAC, back.DstMAC, back.Src, back.Dst = h2.MAC(), h1.MAC(), netip.AddrPortFrom(router, 8), forth.Src
			alike, stranger := forth, forth
			alike.Dst, stranger.Src = netip.AddrPortFrom(dst, 10), netip.AddrPortFrom(router, 8)

			usual := l.through("h1", alike.UDP())
			if usual[1] == c.Path[1].DPID { // tell the two ways apart
				c.Path = otherWay(l, c.Path)
			}
			if err := l.install(c); err != nil {
				l.Fatal(err)
			}
			way := []openflow.DPID{c.Path[0].DPID, c.Path[1].DPID, c.Path[2].DPID}
			home := slices.Clone(way)
			slices.Reverse(home)
			for _, x := range []struct {
				what  string
				from  string
				frame []byte
				want  []openflow.DPID
			}{
				{"whole", "h1", forth.UDP(), way},
				{"first fragment", "h1", fragment(forth.UDP(), false), way},
				{"later fragment", "h1", fragment(forth.UDP(), true), way},
				{"path MTU message", "h2", icmp(back, tooBig[0], tooBig[1]), home},
				{"another port", "h1", alike.UDP(), usual},
				{"another source's fragment", "h1", fragment(stranger.UDP(), true), usual},
			} {
				if got := l.through(x.from, x.frame); !slices.Equal(got, x.want) {
					l.Errorf("%v, %s: came through switches %v; want %v", src, x.what, got, x.want)
				}
			}
			if got := l.through("h2", icmp(back, other[0], other[1])); slices.Equal(got, home) {
				l.Errorf("%v: another ICMP message takes the circuit's path", src)
			}
			if err := l.Remove(l.Context(), "a"); err != nil {
				l.Fatal(err)
			}
		}
	})
}

// Of several circuits for ports between the same addresses, the one that came
// first has the fragments, and the next one when it has left.
func TestFragmentsAreOfTheFirstCircuit(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		h1, h2 := l.net.Host("h1"), l.net.Host("h2")
		first := l.circuit("a", 7, "h1", "h2", 0)
		first.Key.Proto, first.Key.DstPort = path.ProtoUDP, path.Port(9)
		second := first
		second.ID, second.Handle, second.Key.DstPort, second.Rate = "b", 8, path.Port(10), 40*bitrate.Mbps
		second.Path = otherWay(l, first.Path)
		frame := fragment(ofswitch.Datagram{
			SrcMAC: h1.MAC(), DstMAC: h2.MAC(), Src: netip.AddrPortFrom(h1.Addr(), 8), Dst: netip.AddrPortFrom(h2.Addr(), 10), Payload: make([]byte, 64),
		}.UDP(), true)
		by := func(what string, c path.Circuit) {
			l.Helper()
			if got := l.through("h1", slices.Clone(frame)); len(got) != 3 || got[1] != c.Path[1].DPID {
				l.Errorf("%s, a fragment comes through switches %v; want those of circuit %s", what, got, c.ID)
			}
		}
		// The order of installing does not matter: a switch that connects anew
		// gets both at once.
		if err := l.install(second); err != nil {
			l.Fatal(err)
		}
		by("with one circuit", second)
		if err := l.install(first); err != nil {
			l.Fatal(err)
		}
		by("with both", first)
		if err := l.Remove(l.Context(), "a"); err != nil {
			l.Fatal(err)
		}
		by("with the second left", second)
	})
}
