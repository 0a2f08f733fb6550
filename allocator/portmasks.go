package allocator

import (
	"fmt"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// maskless returns the switches that the path of a key cannot cross, since they
// take no masks of ports and would need too many entries, ascending.
func maskless(s *topology.Snapshot, k path.FlowKey) (list []openflow.DPID) {
	if s == nil || !needsMasks(k) {
		return nil
	}
	for dpid, sw := range s.Switches {
		if sw.Lacks&topology.LacksPortMasks != 0 {
			list = append(list, dpid)
		}
	}
	slices.Sort(list)
	return list
}

// needsMasks reports whether a key would need too many entries in a switch that
// takes no masks of ports.
func needsMasks(k path.FlowKey) bool {
	_, one := k.SrcPort.One()
	if _, other := k.DstPort.One(); one && other {
		return false
	}
	_, exact := k.Entries()
	return exact > path.MaxExact
}

// masklessOn returns the first switch of a path that the path of a key cannot
// cross; ok is false if there is none.
func masklessOn(s *topology.Snapshot, k path.FlowKey, p path.Path) (dpid openflow.DPID, ok bool) {
	if !needsMasks(k) {
		return 0, false
	}
	i := slices.IndexFunc(p, func(h path.Hop) bool { return s.Switches[h.DPID].Lacks&topology.LacksPortMasks != 0 })
	if i < 0 {
		return 0, false
	}
	return p[i].DPID, true
}

// masklessError returns the refusal of ports for which there is a path, but
// none whose switches can have entries for them; nil if that is not so.
func (pl planner) masklessError(d demand) *Error {
	barred := maskless(pl.snapshot, d.Key)
	if len(barred) == 0 || pl.reaches(d, d.Constraints) {
		return nil
	}
	any := d
	any.Key.SrcPort, any.Key.DstPort = path.Ports{}, path.Ports{}
	p, ok := pl.anyPath(any, d.Constraints)
	if !ok {
		return nil
	}
	for _, h := range p {
		if slices.Contains(barred, h.DPID) {
			return &Error{Kind: Conflict, Field: widerSide(d.Key), Err: fmt.Errorf("%s; name fewer ports", masklessReason(h.DPID, d.Key))}
		}
	}
	return nil
}

// masklessReason returns why the path of a key cannot cross a switch.
func masklessReason(dpid openflow.DPID, k path.FlowKey) string {
	_, exact := k.Entries()
	return fmt.Sprintf("switch %s takes no masks of ports, so these would need %d entries there for each direction, and %d are the most", dpid, exact, path.MaxExact)
}

// masksLostLocked has what crosses a switch looked at that has turned out to
// take no masks of ports.
func (a *Allocator) masksLostLocked(was, is topology.Switch) {
	if is.Lacks&^was.Lacks&topology.LacksPortMasks == 0 {
		return
	}
	for _, c := range a.cables.bySwitch[topology.PortID{DPID: is.DPID}] {
		for _, it := range c.list {
			if c.uses(it) && needsMasks(it.key()) {
				a.lookLocked(it)
			}
		}
	}
}

// widerSide returns the API name of the side whose ports take more entries.
func widerSide(k path.FlowKey) string {
	if len(k.SrcPort.Masks()) > len(k.DstPort.Masks()) {
		return "src_port"
	}
	return "dst_port"
}
