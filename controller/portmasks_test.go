package controller

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// refusesPortMasks has a switch refuse masks of ports, as the specification
// has it.
func refusesPortMasks(_ int, m openflow.Message) *openflow.Error {
	fm, ok := m.(*openflow.FlowMod)
	if !ok {
		return nil
	}
	for _, f := range []openflow.Field{openflow.FieldTCPSrc, openflow.FieldTCPDst, openflow.FieldUDPSrc, openflow.FieldUDPDst} {
		if port, ok := fm.Match.Get(f); ok && port.Masked() {
			return &openflow.Error{ErrType: openflow.ErrorTypeBadMatch, Code: uint16(openflow.BadMatchBadMask)}
		}
	}
	return nil
}

// A circuit for several ports carries these and no others, also over a switch
// that takes no masks, which then has an entry for each. One that would need
// too many there is not confirmed.
func TestSeveralPorts(t *testing.T) {
	inBubble(t, ofswitch.Diamond, Config{}, func(l *lab) {
		l.settled(4, 4)
		l.pingAll()
		l.acquainted()
		h1, h2 := l.net.Host("h1"), l.net.Host("h2")
		c := l.circuit("a", 7, "h1", "h2", 0)
		c.Path = otherWay(l, c.Path) // by which best effort does not go
		c.Key.Proto = path.ProtoUDP
		c.Key.DstPort, _ = path.ParsePorts("5001,5003,5010-5019")
		c.Key.SrcPort, _ = path.ParsePorts("40000-40001")
		carries := func(when string) {
			l.Helper()
			in := func(n uint16, ranges ...uint16) bool {
				for i := 0; i < len(ranges); i += 2 {
					if ranges[i] <= n && n <= ranges[i+1] {
						return true
					}
				}
				return false
			}
			for _, from := range []uint16{39999, 40000, 40001, 40002} {
				for to := uint16(4999); to <= 5021; to++ {
					frame := ofswitch.Datagram{
						SrcMAC: h1.MAC(), DstMAC: h2.MAC(), Src: netip.AddrPortFrom(h1.Addr(), from), Dst: netip.AddrPortFrom(h2.Addr(), to), Payload: make([]byte, 64),
					}.UDP()
					by := l.through("h1", slices.Clone(frame))
					want := in(from, 40000, 40001) && in(to, 5001, 5001, 5003, 5003, 5010, 5019)
					if len(by) != 3 || (by[1] == c.Path[1].DPID) != want {
						l.Fatalf("%s: from port %d to %d comes through switches %v; of the circuit: %t", when, from, to, by, want)
					}
				}
			}
		}
		if err := l.install(c); err != nil {
			l.Fatal(err)
		}
		carries("with masks")
		if err := l.Remove(l.Context(), "a"); err != nil {
			l.Fatal(err)
		}
		middle := l.net.Switch(c.Path[1].DPID)
		middle.SetFaults(ofswitch.Faults{Reject: refusesPortMasks})
		for try := 0; l.install(c) != nil; try++ {
			if try == 3 {
				l.Fatal("it is not carried over a switch that takes no masks")
			}
		}
		carries("without masks at a switch on the way")
		if n := l.holders(7)[middle.DPID()]; n != 2*2*12+2 { // fragments, too
			l.Errorf("the switch without masks holds %d entries", n)
		}
		l.until("the switch to say that it takes no masks", func(s *topology.Snapshot) bool {
			sw := s.Switches[middle.DPID()]
			return sw.Lacks == topology.LacksPortMasks && strings.Contains(strings.Join(sw.Limitations, " "), "It takes no masks of ports")
		})
		wide := c
		wide.ID, wide.Handle = "b", 8
		wide.Key.DstPort, _ = path.ParsePorts("6000-7000")
		if err := l.install(wide); err == nil {
			l.Error("what would need 2,002 entries there is confirmed")
		}
	})
}
