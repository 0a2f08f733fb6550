package flow

import (
	"maps"
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
)

// The rules of a circuit follow from where the hosts of its two sides are, and
// in which VLANs; see apart.go and vlans.go.

// setEnds brings what is known of a circuit's hosts in line with how it is
// listed. Its rules are made again anyhow.
func (w *Wanted) setEnds(m *member) {
	for _, side := range m.sides {
		if delete(w.sides[side], m); len(w.sides[side]) == 0 {
			delete(w.sides, side)
		}
	}
	m.sides = nil
	w.lookAtMember(m)
	for i := range m.listed {
		for _, side := range [...]path.Prefix{m.listed[i].Key.Src, m.listed[i].Key.Dst} {
			if slices.Contains(m.sides, side) {
				continue
			}
			m.sides = append(m.sides, side)
			w.lengths.Note(side)
			if w.sides[side] == nil {
				w.sides[side] = map[*member]bool{}
			}
			w.sides[side][m] = true
		}
	}
}

// lookAtMember finds anew what is known of a circuit's hosts. It reports
// whether that is the same as before.
func (w *Wanted) lookAtMember(m *member) (same bool) {
	apart, vlans := w.apartOf(m), w.vlansOf(m)
	same = slices.EqualFunc(apart, m.apart, sameApart)
	if !slices.Equal(vlans, m.vlans) {
		m.selected, same = nil, false // they are of the VLANs that it had
	}
	m.apart, m.vlans = apart, vlans
	return same
}

// lookAtEnds has the rules of circuits made again of which other hosts are not
// behind the ends of their paths now, or the ends are in other VLANs, after
// hosts have changed.
func (w *Wanted) lookAtEnds(old *topology.Snapshot, hosts []topology.HostID) {
	if len(w.sides) == 0 {
		return
	}
	if !sameAttachments(old.Attachments, w.snapshot.Attachments) {
		for _, m := range w.members {
			w.lookAgain(m)
		}
		return
	}
	var addrs []netip.Addr
	for _, id := range hosts {
		was, _ := old.Hosts.Get(id)
		is, _ := w.snapshot.Hosts.Get(id)
		if was.At != is.At || was.Bound != is.Bound || !slices.Equal(was.Addrs, is.Addrs) || !maps.Equal(was.VLANs, is.VLANs) {
			addrs = append(append(addrs, was.Addrs...), is.Addrs...)
		}
	}
	for _, side := range w.lengths.Covering(addrs) {
		for m := range w.sides[side] {
			w.lookAgain(m)
		}
	}
}

func (w *Wanted) lookAgain(m *member) {
	if !w.lookAtMember(m) {
		w.touchMember(m)
	}
}

// sameAttachments reports whether attachments are the same; those of snapshots
// that follow on each other are one list.
func sameAttachments(a, b []topology.Attachment) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}
