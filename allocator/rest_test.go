package allocator

import (
	"errors"
	"maps"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// host moves a learned host to another port, or has it forgotten.
func (h *history) host(t *rapid.T) {
	n := len(h.snap.Switches)
	addr := host(rapid.IntRange(1, n).Draw(t, "host's switch"), 3)
	at := topology.PortID{DPID: openflow.DPID(rapid.IntRange(1, n).Draw(t, "now at")), Port: 3}
	known := rapid.IntRange(0, 3).Draw(t, "known") > 0
	h.change(func(s *topology.Snapshot) {
		s.Attachments = slices.DeleteFunc(s.Attachments, func(x topology.Attachment) bool { return x.Prefix.Addr() == addr })
		mac := openflow.MAC{5: addr.As4()[2]}
		s.Addrs, s.Hosts = s.Addrs.Without(addr), s.Hosts.Without(topology.HostID{MAC: mac})
		if known {
			s.Addrs = s.Addrs.With(addr, topology.Attachment{Prefix: netip.PrefixFrom(addr, 32), At: at})
			s.Hosts = s.Hosts.With(topology.HostID{MAC: mac}, topology.Host{MAC: mac, At: at, Addrs: []netip.Addr{addr}})
		}
	})
}

// rest has everything done that is due, in a network that does what it is
// asked, and then looks whether anything could be better than it is.
func (h *history) rest(t *rapid.T) {
	h.store.fail, h.quiet = nil, false
	h.a.NetworkChanged()
	for range 1000 {
		h.plan()
		tasks, _ := h.a.Due(3)
		for _, task := range tasks {
			h.out[task.Circuit.ID] = task
			if task.Do == Install {
				h.in[task.Circuit.ID] = append(h.in[task.Circuit.ID], task.Circuit)
			}
		}
		if len(h.out) == 0 && h.a.plan.idle() {
			h.restarted = false
			h.checkNetwork()
			h.checkRest(t)
			return
		}
		for _, id := range slices.Sorted(maps.Keys(h.out)) {
			task := h.out[id]
			delete(h.out, id)
			err := error(nil)
			if task.Do == Install {
				h.in[id] = []path.Circuit{task.Circuit}
				err = h.a.Installed(task)
			} else {
				delete(h.in, id)
				err = h.a.Removed(task)
			}
			h.checkNetwork()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal(errors.New("no end of it"))
}

// checkRest asks for every allocation, as if nothing were known of what it
// waits for, whether it has the best place there is.
func (h *history) checkRest(t *rapid.T) {
	h.a.mu.Lock()
	defer h.a.mu.Unlock()
	for it := range h.a.all.after(0) {
		if !it.live() {
			continue
		}
		c := *it.record()
		if it.parked {
			ready := h.a.readyLocked(it)
			h.a.rescheduleLocked(it) // it is as it was before that look
			if ready && c.Window.Contains(h.now) {
				t.Fatalf("%+v could be installed", c)
			}
		}
		if !c.scavenges() && it.retry <= nanos(h.now) && c.Window.End > h.now && len(c.Path) > 0 && c.Reason != "" && h.a.reasonLocked(it, &c.Allocation) == c.Reason && !h.a.faultyLocked(h.a.seen, &c) && (c.State == Active || c.Window.Start > h.now) {
			t.Fatalf("%+v has what it waits for", c)
		}
		if it.scavenges() || !h.a.wantsLocked(it, &c, h.now) {
			continue
		}
		var next *record
		if c.Started {
			next = h.a.rerouteLocked(it, &c, h.now, nil)
		} else {
			next = h.a.replanLocked(it, &c, h.now, nil)
		}
		if next != nil && (next.Window != c.Window || !next.Path.Equal(c.Path)) {
			t.Fatalf("%+v\nshould be\n%+v\nwaits for %d, now %d", c, *next, len(it.waitsFor), h.now)
		}
	}
}
