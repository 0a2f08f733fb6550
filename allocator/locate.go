package allocator

import (
	"errors"
	"fmt"

	"conga/controller/path"
	"conga/controller/topology"
)

// locate returns the edge ports of both ends of a key. If one is not known,
// reason says which host or prefix that is, and field is its API name. So it is
// if the hosts of a prefix are behind several ports, of which a path could end
// at one only.
func locate(s *topology.Snapshot, k path.FlowKey) (from, to topology.PortID, field, reason string) {
	return (*record)(nil).locateAs(s, k)
}

// split reports whether hosts of a prefix are behind several ports.
func split(s *topology.Snapshot, p path.Prefix) bool {
	return !p.IsHost() && s.LocateAll(p.Net()).Several()
}

// unlocated returns why there is no one port behind which all hosts of a prefix
// are.
func unlocated(s *topology.Snapshot, p path.Prefix) string {
	if split(s, p) {
		w := s.LocateAll(p.Net())
		return fmt.Sprintf("%s of %s is behind port %s and %s behind port %s, and a path ends at one port; "+
			"name a prefix for each of them or, if one should not be there, have network.attachments say behind which port %s is",
			path.PrefixOf(w.First.Prefix), p, w.First.At, path.PrefixOf(w.Other.Prefix), w.Other.At, p)
	}
	return unknown(p)
}

func unknown(p path.Prefix) string {
	if p.IsHost() {
		return fmt.Sprintf("%s has not been seen yet and no attachment covers it", p)
	}
	return fmt.Sprintf("no host of %s has been seen yet and no attachment covers it", p)
}

func hostOf(p path.Prefix) string {
	if p.IsHost() {
		return p.String()
	}
	return "one of " + p.String()
}

// checkSplit returns the refusal of a key with a prefix whose hosts are behind
// several ports; nil if there is none. A side that was admitted, as that of
// was, is refused no more; was is nil of a new request.
func checkSplit(s *topology.Snapshot, k path.FlowKey, was *record) *Error {
	fields := [...]string{"src_ip", "dst_ip"}
	for i, side := range sidesOf(k) {
		if (was == nil || sidesOf(was.Key)[i] != side) && split(s, side) {
			return &Error{Kind: Conflict, Field: fields[i], Err: errors.New(unlocated(s, side))}
		}
	}
	return nil
}

// locate does what [locate] does for what an allocation has become.
func (r *record) locate(s *topology.Snapshot) (from, to topology.PortID, field, reason string) {
	return r.locateAs(s, r.Key)
}

// locateAs does what [locate] does for a key that the allocation has, or is
// given by a change; r is nil if there is no allocation yet.
func (r *record) locateAs(s *topology.Snapshot, k path.FlowKey) (from, to topology.PortID, field, reason string) {
	from, okFrom := r.end(s, k, 0)
	to, okTo := r.end(s, k, 1)
	switch {
	case !okFrom && !okTo && !split(s, k.Src) && !split(s, k.Dst):
		return from, to, "src_ip", fmt.Sprintf("%s, nor has %s", unknown(k.Src), hostOf(k.Dst))
	case !okFrom:
		return from, to, "src_ip", unlocated(s, k.Src)
	case !okTo:
		return from, to, "dst_ip", unlocated(s, k.Dst)
	}
	return from, to, "", ""
}

// end returns the edge port of one side of a key, as locateAs does of both.
// Where hosts of a prefix have appeared behind another port, the path goes on
// ending where it ends, or ended: no stranger's word takes it from the others.
func (r *record) end(s *topology.Snapshot, k path.FlowKey, i int) (at topology.PortID, ok bool) {
	side := sidesOf(k)[i]
	if at, ok = path.Home(s, side); ok || r == nil || sidesOf(r.Key)[i] != side || !split(s, side) {
		return at, ok
	}
	has := r.had().Path
	if len(has) == 0 {
		return at, false
	}
	from, to := has.Ends()
	return [2]topology.PortID{from, to}[i], true
}

// waitsTogether returns why an allocation that has, and had, no path has none,
// if that is because hosts of a prefix are behind several ports now, in words;
// else "".
func waitsTogether(s *topology.Snapshot, v *Allocation) string {
	if _, _, _, reason := locate(s, v.Key); split(s, v.Key.Src) || split(s, v.Key.Dst) {
		return reason + "; " + plannedOnceKnown
	}
	return ""
}

// plannedOnceKnown is said of what waits for its hosts to be known.
const plannedOnceKnown = "the allocation is planned as soon as it is known where that is"

// home says where the hosts of a prefix are.
type home struct {
	at    topology.PortID // behind which all known ones are, if there is one
	known bool            // there is
	split bool            // they are behind several ports
}

func homeOf(s *topology.Snapshot, p path.Prefix) (h home) {
	h.at, h.known = path.Home(s, p)
	if h.split = !h.known && split(s, p); h.split {
		h.at = topology.External
	}
	return h
}
