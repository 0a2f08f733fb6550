package flow

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// history is a small network in which anything happens, with the wanted states
// kept along.
type history struct {
	*rapid.T
	builder  *topology.Builder
	now      time.Time
	snapshot *topology.Snapshot
	policy   Policy
	wanted   *Wanted
	kept     map[openflow.DPID]*State
	circuits map[string][]path.Circuit
}

const (
	someSwitches = 4
	somePorts    = 4
)

func (h *history) dpid() openflow.DPID {
	return openflow.DPID(rapid.IntRange(1, someSwitches).Draw(h.T, "switch"))
}

func (h *history) port() topology.PortID {
	return at(h.dpid(), openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "port")))
}

// switchUp connects a switch, with some of its tables, meters and ports.
func (h *history) switchUp() {
	d := h.dpid()
	info := topology.Switch{DPID: d, Tables: rapid.SampledFrom([]uint8{1, 254}).Draw(h.T, "tables"), Meters: rapid.SampledFrom([]uint32{0, 30, 100, 1 << 20}).Draw(h.T, "meters"), Numbered: rapid.Bool().Draw(h.T, "numbered")}
	var ports []openflow.Port
	for no := openflow.PortNo(1); no <= somePorts; no++ {
		if rapid.IntRange(0, 7).Draw(h.T, "missing") > 0 {
			ports = append(ports, h.portState(no))
		}
	}
	h.builder.SwitchUp(info, ports, h.now)
	h.builder.SwitchReady(d, h.now)
	h.wanted.Unwatch(d)
	delete(h.kept, d)
}

func (h *history) portState(no openflow.PortNo) openflow.Port {
	p := openflow.Port{No: no, CurrSpeed: 100_000, Supported: 1}
	if rapid.IntRange(0, 3).Draw(h.T, "down") == 0 {
		p.State = openflow.PortStateLinkDown
	}
	return p
}

func (h *history) cable() {
	a, b := h.port(), h.port()
	h.builder.LinkSeen(a, b, h.now)
	h.builder.LinkSeen(b, a, h.now)
}

func (h *history) hostSpeaks() {
	mac := host(openflow.DPID(rapid.IntRange(1, 6).Draw(h.T, "host")))
	vlan := uint16(rapid.IntRange(0, 1).Draw(h.T, "VLAN")) // in which it may be another one
	var own []netip.Addr
	if rapid.IntRange(0, 3).Draw(h.T, "silent") > 0 {
		other := uint16(rapid.SampledFrom([]int{0, int(vlan)}).Draw(h.T, "address")) // one of both VLANs, or of this
		own = append(own, addr(openflow.DPID(mac[5])+10*openflow.DPID(other)))
	}
	if rapid.IntRange(0, 2).Draw(h.T, "IPv6") == 0 {
		own = append(own, addr6(openflow.DPID(mac[5])))
	}
	h.builder.HostSeen(vlan, h.port(), mac, own, true, h.now)
}

// retag has the hosts of circuits say where they are in which VLANs they are
// now.
func (h *history) retag() {
	for _, d := range []openflow.DPID{1, 2} {
		vlan := uint16(rapid.IntRange(0, 2).Draw(h.T, "VLAN"))
		if x, known := h.snapshot.HostIn(host(d), vlan); known {
			h.builder.HostSeen(vlan, x.At, x.MAC, []netip.Addr{addr(d)}, true, h.now)
		}
	}
}

// theft has a host claim another one's address, and that one answer.
func (h *history) theft() {
	h.hostSpeaks()
	h.answer()
}

// answer has hosts answer what they are asked.
func (h *history) answer() {
	for _, q := range h.builder.Queries(h.now) {
		h.builder.Queried(q)
		h.builder.HostAnswered(q.VLAN, q.At, q.Host.MAC, []netip.Addr{q.Addr}, h.now)
	}
}

// twoCards has a host send by another port, too, for as long as makes that its
// second.
func (h *history) twoCards() {
	mac, home, second := host(openflow.DPID(rapid.IntRange(1, 2).Draw(h.T, "host"))), h.port(), h.port()
	h.builder.HostSeen(0, home, mac, []netip.Addr{addr(openflow.DPID(mac[5]))}, true, h.now)
	for range 50 {
		h.pass(100 * time.Millisecond)
		h.builder.HostSeen(0, second, mac, nil, false, h.now)
		h.answer()
	}
}

func (h *history) circuit() {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(h.T, "circuit")
	var listed []path.Circuit
	of, bits := addr, 32
	if rapid.IntRange(0, 4).Draw(h.T, "IPv6") == 0 {
		of, bits = addr6, 128
	}
	c := path.Circuit{ID: id, Handle: uint32(id[0]), Key: path.FlowKey{Src: path.Host(of(1)), Dst: path.Host(of(2))}}
	if rapid.IntRange(0, 2).Draw(h.T, "prefixes") == 0 { // of which hosts may be anywhere
		c.Key.Src = path.Host(of(5)).Widen(bits - rapid.IntRange(0, 2).Draw(h.T, "wider source"))
		c.Key.Dst = c.Key.Dst.Widen(bits - rapid.IntRange(0, 2).Draw(h.T, "wider destination"))
	}
	if rapid.Bool().Draw(h.T, "ports") {
		switch rapid.IntRange(0, 2).Draw(h.T, "which") { // two of these share a corner
		case 0:
			c.Key.DstPort = drawPorts(h.T, "ports")
		case 1:
			c.Key.SrcPort = rapid.SampledFrom([]path.Ports{path.Port(2), path.PortsOf(path.PortRange{First: 2, Last: 5})}).Draw(h.T, "ports")
		default:
			c.Key.Proto = path.ProtoUDP
		}
	}
	for range rapid.IntRange(0, 3).Draw(h.T, "listed") {
		c.Rate = bitrate.Rate(rapid.SampledFrom([]int{0, 1, 10, 60}).Draw(h.T, "rate")) * bitrate.Mbps
		if c.Path, c.Backup, c.Reverse = h.path(), nil, (path.Reverse{}); c.Rate > 0 && rapid.Bool().Draw(h.T, "apart") {
			c.Reverse = path.Reverse{Apart: true, Rate: bitrate.Rate(rapid.SampledFrom([]int{0, 1, 20}).Draw(h.T, "rate back")) * bitrate.Mbps}
		}
		if rapid.IntRange(0, 2).Draw(h.T, "protected") == 0 {
			c.Backup = h.backup(c.Path)
		}
		listed = append(listed, c)
	}
	h.circuits[id] = listed
	h.wanted.SetCircuit(id, listed)
}

// path returns any walk over the switches.
func (h *history) path() (p path.Path) {
	for _, d := range rapid.Permutation([]openflow.DPID{1, 2, 3, 4}).Draw(h.T, "path")[:rapid.IntRange(1, 3).Draw(h.T, "hops")] {
		p = append(p, path.Hop{DPID: d,
			In: openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "in")), Out: openflow.PortNo(rapid.IntRange(1, somePorts).Draw(h.T, "out"))})
	}
	return p
}

// backup returns another walk between the ends of a path, which it leaves and
// comes to by other ports; nil if both are at one switch.
func (h *history) backup(p path.Path) path.Path {
	if len(p) < 2 {
		return nil
	}
	other := func(no openflow.PortNo) openflow.PortNo {
		return (no+openflow.PortNo(rapid.IntRange(0, somePorts-2).Draw(h.T, "another port")))%somePorts + 1
	}
	first, last := p[0], p[len(p)-1]
	first.Out, last.In = other(first.Out), other(last.In)
	b := path.Path{first}
	for _, hop := range h.path() {
		if hop.DPID != first.DPID && hop.DPID != last.DPID {
			b = append(b, hop)
		}
	}
	return append(b, last)
}

// lend has meters count anything.
func (h *history) lend() {
	for _, d := range slices.Sorted(maps.Keys(h.kept)) {
		for _, id := range slices.Sorted(maps.Keys(h.wanted.members)) {
			if rapid.Bool().Draw(h.T, "drops") {
				h.wanted.Dropping(d, purpose.PolicerID(h.wanted.members[id].handle))
			}
		}
		for no := openflow.PortNo(1); no <= somePorts; no++ {
			if id, _ := purpose.PortID(no); rapid.Bool().Draw(h.T, "best effort drops") {
				h.wanted.Dropping(d, id)
			}
		}
	}
	seed := rapid.Uint64().Draw(h.T, "loads")
	h.wanted.Lend(func(d openflow.DPID, id openflow.MeterID) (l Load, known bool) {
		random := rand.New(rand.NewPCG(seed, uint64(d)<<32|uint64(id)))
		l = Load{At: h.now, Entered: []bitrate.Rate{0, 50 * bitrate.Kbps, 7 * bitrate.Mbps, 90 * bitrate.Mbps, bitrate.Gbps}[random.IntN(5)]}
		l.Dropped = l.Entered / bitrate.Rate(1+random.IntN(1000))
		return l, random.IntN(6) > 0
	}, h.now)
}

// renumber has a port go and, perhaps, come back.
func (h *history) renumber() {
	id := h.port()
	h.builder.PortChanged(id.DPID, openflow.PortDeleted, openflow.Port{No: id.Port}, h.now)
	if rapid.Bool().Draw(h.T, "comes back") {
		h.builder.PortChanged(id.DPID, openflow.PortAdded, h.portState(id.Port), h.now)
	}
}

// capacities has the configuration name other capacities.
func (h *history) capacities() {
	var links []topology.LinkOverride
	for range rapid.IntRange(0, 3).Draw(h.T, "links") {
		c := bitrate.Rate(rapid.SampledFrom([]int{0, 5, 100, 1000}).Draw(h.T, "capacity")) * bitrate.Mbps
		links = append(links, topology.LinkOverride{A: h.port(), B: h.port(), Capacity: c})
	}
	h.builder.SetCapacities(links)
}

// drain has a switch left alone, or a cable, or nothing any more.
func (h *history) drain() {
	p := h.port()
	switch rapid.IntRange(0, 2).Draw(h.T, "drained") {
	case 0:
		h.builder.SetDrained([]openflow.DPID{p.DPID}, nil)
	case 1:
		h.builder.SetDrained(nil, []topology.LinkID{{From: p, To: h.port()}})
	default:
		h.builder.SetDrained(nil, nil)
	}
}

func (h *history) step() {
	switch rapid.IntRange(0, 25).Draw(h.T, "what") {
	case 25:
		h.drain()
	case 14, 15:
		h.lend()
	case 23, 24:
		h.retag()
	case 16:
		h.twoCards()
	case 12:
		h.builder.PortStorms(h.port(), h.now)
		h.builder.PortEchoes(h.port(), h.now)
	case 13:
		h.theft()
	case 0:
		h.switchUp()
	case 1, 2:
		h.cable()
	case 3:
		id := h.port()
		h.builder.PortChanged(id.DPID, openflow.PortModified, h.portState(id.Port), h.now)
	case 4, 5:
		h.hostSpeaks()
	case 6:
		d := h.dpid()
		h.builder.SwitchDown(d, h.now)
		h.wanted.Unwatch(d)
		delete(h.kept, d)
	case 7:
		h.builder.SwitchLacks(h.dpid(), topology.Lacks(1<<rapid.IntRange(0, 11).Draw(h.T, "lacks")), h.now)
		h.builder.SwitchRoom(h.dpid(), uint32(rapid.IntRange(0, 8).Draw(h.T, "room")), h.now)
	case 17:
		h.renumber()
	case 18:
		h.capacities()
	case 19:
		id := h.port()
		h.builder.FramesSeen(id, rapid.SampledFrom([]int{60, 300, 1000, 9000}).Draw(h.T, "size of frames"), h.now)
	case 20:
		for range 4 {
			h.builder.WideSeen(h.port(), h.port(), h.now)
		}
	case 21:
		d := h.dpid()
		h.builder.SwitchDown(d, h.now)
		h.wanted.Unwatch(d)
		delete(h.kept, d)
		h.builder.SwitchWithheld(d, "192.0.2.1", "Another controller has it.", h.now)
	case 22:
		h.now = h.now.Add(rapid.SampledFrom([]time.Duration{-time.Hour, -time.Second, time.Minute, 24 * time.Hour}).Draw(h.T, "clock"))
	case 8:
		h.builder.SetQueues(h.dpid(), 3, []openflow.PortNo{1, openflow.PortNo(rapid.IntRange(2, 3).Draw(h.T, "queue"))})
	default:
		h.circuit()
	}
	h.pass(rapid.SampledFrom([]time.Duration{0, 1500 * time.Millisecond, 4 * time.Second}).Draw(h.T, "passes"))
}

// pass lets time go by, in which every port is probed.
func (h *history) pass(d time.Duration) {
	const tick = 100 * time.Millisecond
	for end := h.now.Add(d); h.now.Before(end); h.now = h.now.Add(tick) {
		for d, sw := range h.snapshot.Switches {
			for no := range sw.Ports {
				h.builder.Probed(at(d, no), h.now)
			}
		}
		h.builder.Expire(h.now)
	}
}
