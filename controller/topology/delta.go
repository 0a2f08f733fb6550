package topology

import (
	"maps"
	"slices"

	"conga/openflow"
)

// Delta names what differs between two snapshots. The lists are in no order.
type Delta struct {
	Switches []openflow.DPID // that came, went, or have anything changed, of their ports too
	Links    []PortID        // sending ports of links that came, went or changed
	Tree     []PortID        // ports that joined or left the broadcast tree
	Hosts    []HostID        // that came, went, moved or have other addresses
}

// Empty reports whether nothing differs.
func (d Delta) Empty() bool {
	return len(d.Switches)+len(d.Links)+len(d.Tree)+len(d.Hosts) == 0
}

// recentDeltas is how many snapshots back [Snapshot.Since] knows.
const recentDeltas = 64

// Since returns all that may differ from the snapshot of an earlier revision;
// what has changed and changed back is included. ok is false if that snapshot
// is too long ago, or is not of this network.
func (s *Snapshot) Since(revision uint64) (d Delta, ok bool) {
	n := s.Revision - revision
	if revision > s.Revision || n > uint64(len(s.recent)) {
		return Delta{}, false
	}
	if n == 1 {
		return s.Delta, true
	}
	for _, r := range s.recent[uint64(len(s.recent))-n:] {
		d.Switches = append(d.Switches, r.Switches...)
		d.Links = append(d.Links, r.Links...)
		d.Tree = append(d.Tree, r.Tree...)
		d.Hosts = append(d.Hosts, r.Hosts...)
	}
	return Delta{Switches: distinct(d.Switches), Links: distinct(d.Links), Tree: distinct(d.Tree), Hosts: distinct(d.Hosts)}, true
}

// distinct returns every key once.
func distinct[K comparable](keys []K) (out []K) {
	seen := make(map[K]bool, len(keys))
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// Diff returns what differs between two snapshots, by looking at all of both.
// Between a snapshot and the one before it, [Snapshot.Delta] is the same.
func Diff(old, now *Snapshot) Delta {
	return Delta{
		Switches: differ(old.Switches, now.Switches, sameSwitch),
		Links:    differ(old.Links, now.Links, func(a, b Link) bool { return a == b }),
		Tree:     differ(old.Tree, now.Tree, func(a, b bool) bool { return a == b }),
		Hosts:    differ(maps.Collect(old.Hosts.All()), maps.Collect(now.Hosts.All()), sameHost),
	}
}

// differ returns the keys whose values are not the same in both.
func differ[K comparable, V any](old, now map[K]V, same func(V, V) bool) (keys []K) {
	for k, v := range now {
		if was, ok := old[k]; !ok || !same(was, v) {
			keys = append(keys, k)
		}
	}
	for k := range old {
		if _, ok := now[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

func sameSwitch(a, b Switch) bool {
	return a.Connected == b.Connected && a.Role == b.Role && a.Since.Equal(b.Since) && a.Tables == b.Tables && a.Fastest == b.Fastest && a.Meters == b.Meters &&
		a.Numbered == b.Numbered && a.QueuesSilent == b.QueuesSilent && a.Unmetered == b.Unmetered && a.Unpoliced == b.Unpoliced && a.Lacks == b.Lacks &&
		slices.Equal(a.Limitations, b.Limitations) && a.Addr == b.Addr && a.Desc == b.Desc && maps.EqualFunc(a.Ports, b.Ports, samePort) &&
		slices.Equal(a.Barred, b.Barred)
}

func samePort(a, b Port) bool {
	if (a.Queue == nil) != (b.Queue == nil) || a.Queue != nil && *a.Queue != *b.Queue {
		return false
	}
	a.Queue, b.Queue = nil, nil
	return a == b
}

// sameWiring reports whether a switch is the same to paths.
func sameWiring(a, b Switch) bool {
	return a.Connected == b.Connected && a.Unmetered == b.Unmetered && maps.EqualFunc(a.Ports, b.Ports, func(p, q Port) bool {
		return p.Up == q.Up && p.Role == q.Role && p.Capacity == q.Capacity
	})
}

// sameHost reports whether a host is at the same ports with the same addresses,
// in the same VLANs, and another with its Ethernet address where it was.
// When it last spoke does not matter.
func sameHost(a, b Host) bool {
	return a.At == b.At && a.Beside == b.Beside && a.Second == b.Second && slices.Equal(a.Addrs, b.Addrs) && maps.Equal(a.VLANs, b.VLANs)
}
