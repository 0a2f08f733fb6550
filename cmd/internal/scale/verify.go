//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"

	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A slot is where the entry of an allocation must be: on which switch, for what
// comes in where.
type slot struct {
	dpid             openflow.DPID
	in               openflow.PortNo
	src, dst         string
	srcPort, dstPort uint16
	proto            uint8
}

// entries returns the output port of all entries of allocations in the switches
// but one. Entries for what does not say its ports are left out: they come and
// go with the others of their allocation.
func (g *grid) entries(but *ofswitch.Switch) map[slot]openflow.PortNo {
	out := map[slot]openflow.PortNo{}
	for _, s := range g.Switches() {
		if s == but {
			continue
		}
		for _, e := range s.Flows(0) {
			if kind, _ := purpose.ReadCookie(e.Cookie); kind != purpose.Allocation {
				continue
			}
			if at := slotOf(s.DPID(), e.Match); at.srcPort != 0 || at.dstPort != 0 {
				out[at] = outputOf(e.Instructions)
			}
		}
	}
	return out
}

func slotOf(d openflow.DPID, m openflow.Match) slot {
	at := slot{dpid: d}
	for _, f := range m {
		switch f.Field() {
		case openflow.FieldInPort:
			at.in = openflow.PortNo(f.Uint64())
		case openflow.FieldIPv4Src:
			at.src = f.Addr().String()
		case openflow.FieldIPv4Dst:
			at.dst = f.Addr().String()
		case openflow.FieldIPProto:
			at.proto = uint8(f.Uint64())
		case openflow.FieldTCPSrc, openflow.FieldUDPSrc:
			at.srcPort = uint16(f.Uint64())
		case openflow.FieldTCPDst, openflow.FieldUDPDst:
			at.dstPort = uint16(f.Uint64())
		}
	}
	return at
}

func outputOf(instructions []openflow.Instruction) openflow.PortNo {
	for _, i := range instructions {
		for _, a := range i.Actions {
			if a.Type == openflow.ActionOutput {
				return a.Port
			}
		}
	}
	return 0
}

// slots returns where the entries of an allocation must be, and what they
// output to.
func (a *allocation) slots() (map[slot]openflow.PortNo, error) {
	out := map[slot]openflow.PortNo{}
	proto, ok := map[string]uint8{"tcp": 6, "udp": 17}[a.Protocol]
	if !ok || a.SrcPort == nil || a.DstPort == nil {
		return nil, fmt.Errorf("allocation %s: traffic without protocol and ports", a.ID)
	}
	for _, h := range a.Path {
		d, err := h.dpid()
		if err != nil {
			return nil, err
		}
		in, to := openflow.PortNo(h.In), openflow.PortNo(h.Out)
		out[slot{d, in, a.SrcIP, a.DstIP, *a.SrcPort, *a.DstPort, proto}] = to
		out[slot{d, to, a.DstIP, a.SrcIP, *a.DstPort, *a.SrcPort, proto}] = in
	}
	return out, nil
}

func (h hop) dpid() (openflow.DPID, error) {
	n, err := strconv.ParseUint(h.DPID, 16, 64)
	return openflow.DPID(n), err
}

// verify checks that the switches hold the entries of all these allocations,
// and none of others. A switch that is lost is left out.
func (g *grid) verify(all []allocation, lost *ofswitch.Switch) error {
	held := g.entries(lost)
	wrong, total := 0, 0
	for i := range all {
		want, err := all[i].slots()
		if err != nil {
			return err
		}
		for at, out := range want {
			total++
			if held[at] != out {
				wrong++
			}
			delete(held, at)
		}
	}
	if wrong > 0 || len(held) > 0 {
		return fmt.Errorf("the switches are wrong: %d of %d entries are not as they must be, %d are there that must not be", wrong, total, len(held))
	}
	return nil
}

func samePath(a, b []hop) bool { return slices.Equal(a, b) }

// uses reports whether a path leads over a port of a switch.
func (a *allocation) uses(dpid string, port openflow.PortNo) bool {
	return slices.ContainsFunc(a.Path, func(h hop) bool {
		return h.DPID == dpid && (h.In == uint32(port) || h.Out == uint32(port))
	})
}

// crosses reports whether a path leads over a switch.
func (a *allocation) crosses(dpid string) bool {
	return slices.ContainsFunc(a.Path, func(h hop) bool { return h.DPID == dpid })
}
