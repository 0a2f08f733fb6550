package ofswitch

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"conga/openflow"
)

// askAgain is how long a host waits for an answer before it asks again.
const askAgain = time.Second

// A ping is what an echo reply brings back.
type ping struct {
	from    netip.Addr
	id, seq uint16
}

// A stream is what a host counts datagrams by.
type stream struct {
	from netip.Addr
	port uint16
}

var errNoSource = errors.New("ofswitch: the host has no address of that family")

// understand does what the frame asks of the host.
func (h *Host) understand(p *packet, r Received) {
	switch {
	case p.l3 == 0:
	case p.etherType() == etherARP:
		h.onARP(p)
	case p.isIPv4() || p.isIPv6():
		src, dst := p.addrs()
		switch {
		case p.l4 == 0:
		case p.proto() == protoICMPv6 && p.isIPv6() && p.key.get(openflow.FieldICMPv6Type) == icmpv6Solicit:
			h.onSolicit(p, src)
		case p.proto() == protoICMPv6 && p.isIPv6() && p.key.get(openflow.FieldICMPv6Type) == icmpv6Advert:
			h.learn(ndTarget(p), mac(p.key.get(openflow.FieldIPv6NDTLL)), false)
		case !h.has(dst):
		case p.proto() == protoICMP || p.proto() == protoICMPv6:
			h.onEcho(p, src, dst, r.At)
		case p.proto() == protoUDP:
			h.onUDP(p, src, r)
		}
	}
}

// addrs returns the IP addresses of a packet.
func (p *packet) addrs() (src, dst netip.Addr) {
	from, size := p.l3+12, 4
	if p.isIPv6() {
		from, size = p.l3+8, 16
	}
	src, _ = netip.AddrFromSlice(p.data[from : from+size])
	dst, _ = netip.AddrFromSlice(p.data[from+size : from+2*size])
	return src, dst
}

func ndTarget(p *packet) netip.Addr { return netip.AddrFrom16([16]byte(p.data[p.l4+8 : p.l4+24])) }

func mac(v uint64) (m openflow.MAC) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	copy(m[:], b[2:])
	return m
}

func addr4(v uint64) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

func (h *Host) onARP(p *packet) {
	sender, target := addr4(p.key.get(openflow.FieldARPSPA)), addr4(p.key.get(openflow.FieldARPTPA))
	hw := mac(p.key.get(openflow.FieldARPSHA))
	mine := h.has(target)
	h.learn(sender, hw, mine && !sender.IsUnspecified())
	if mine && p.key.get(openflow.FieldARPOp) == 1 {
		h.Send(ARPReply(h.mac, target, hw, sender))
	}
}

func (h *Host) onSolicit(p *packet, src netip.Addr) {
	target, hw := ndTarget(p), mac(p.key.get(openflow.FieldIPv6NDSLL))
	if !h.has(target) || src.IsUnspecified() || hw == (openflow.MAC{}) {
		return
	}
	h.learn(src, hw, true)
	h.Send(NeighborAdvert(h.mac, target, hw, src))
}

// learn notes the Ethernet address of a. An address not asked for and not known
// is noted only if always.
func (h *Host) learn(a netip.Addr, hw openflow.MAC, always bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.table[a]
	waiting := h.asked[a]
	if hw == (openflow.MAC{}) || (!always && !known && waiting == nil) {
		return
	}
	h.table[a] = hw
	if waiting != nil {
		close(waiting)
		delete(h.asked, a)
	}
}

// Resolve finds the Ethernet address of dst by ARP or neighbour discovery. It
// asks every second until ctx ends.
func (h *Host) Resolve(ctx context.Context, dst netip.Addr) (openflow.MAC, error) {
	src, ok := h.source(dst)
	if !ok {
		return openflow.MAC{}, errNoSource
	}
	for {
		h.mu.Lock()
		hw, known := h.table[dst]
		if known {
			h.mu.Unlock()
			return hw, nil
		}
		if h.asked[dst] == nil {
			h.asked[dst] = make(chan struct{})
		}
		answered := h.asked[dst]
		h.mu.Unlock()
		if dst.Is4() {
			h.Send(ARPRequest(h.mac, src, dst))
		} else {
			h.Send(NeighborSolicit(h.mac, src, dst))
		}
		if err := waitFor(ctx, answered); err != nil {
			return openflow.MAC{}, err
		}
	}
}

// waitFor waits until done is closed or it is time to ask again; the error is
// the context's.
func waitFor(ctx context.Context, done <-chan struct{}) error {
	t := time.NewTimer(askAgain)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Forget empties the table of resolved addresses.
func (h *Host) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.table)
}

// Announce sends a gratuitous ARP request or an unsolicited neighbour
// advertisement for each address.
func (h *Host) Announce() {
	for _, a := range h.addrs {
		if a.Is4() {
			h.Send(ARPRequest(h.mac, a, a))
		} else {
			h.Send(NeighborAdvert(h.mac, a, openflow.MAC{}, netip.Addr{}))
		}
	}
}

func (h *Host) onEcho(p *packet, src, dst netip.Addr, at time.Time) {
	request, reply := byte(8), byte(0)
	if p.isIPv6() {
		request, reply = icmpv6EchoRequest, icmpv6EchoReply
	}
	body := p.data[p.l4:p.ipEnd()]
	if len(body) < 8 {
		return
	}
	switch body[0] {
	case request:
		answer := append([]byte(nil), body...)
		answer[0] = reply
		h.Send(icmp(openflow.MAC(p.data[6:12]), h.mac, dst, src, answer))
	case reply:
		key := ping{src, binary.BigEndian.Uint16(body[4:]), binary.BigEndian.Uint16(body[6:])}
		h.mu.Lock()
		defer h.mu.Unlock()
		if waiting := h.pings[key]; waiting != nil {
			waiting <- at // has room: it is taken out here
			delete(h.pings, key)
		}
	}
}

// ipEnd returns where the IP packet ends, before the filling of a short frame.
func (p *packet) ipEnd() int {
	end := p.l3 + int(binary.BigEndian.Uint16(p.data[p.l3+2:]))
	if p.isIPv6() {
		end = p.l3 + ipv6Len + int(binary.BigEndian.Uint16(p.data[p.l3+4:]))
	}
	return max(p.l4, min(end, len(p.data)))
}

// Ping resolves dst, sends an ICMP echo request and returns the round-trip
// time. It repeats the request every second until ctx ends.
func (h *Host) Ping(ctx context.Context, dst netip.Addr) (time.Duration, error) {
	hw, err := h.Resolve(ctx, dst)
	if err != nil {
		return 0, err
	}
	src, _ := h.source(dst)
	kind := byte(8)
	if dst.Is6() {
		kind = icmpv6EchoRequest
	}
	h.mu.Lock()
	h.lastPing++
	key := ping{from: dst, id: h.lastPing}
	h.mu.Unlock()
	for {
		key.seq++
		answer := make(chan time.Time, 1)
		h.mu.Lock()
		h.pings[key] = answer
		h.mu.Unlock()
		body := binary.BigEndian.AppendUint16([]byte{kind, 0, 0, 0}, key.id)
		body = binary.BigEndian.AppendUint16(body, key.seq)
		sent := time.Now()
		h.Send(icmp(hw, h.mac, src, dst, append(body, make([]byte, 56)...)))
		rtt, err := h.await(ctx, key, answer, sent)
		if err != nil || rtt >= 0 {
			return max(rtt, 0), err
		}
	}
}

// await waits for an echo reply; the time is negative if none came before it is
// time to ask again.
func (h *Host) await(ctx context.Context, key ping, answer <-chan time.Time, sent time.Time) (time.Duration, error) {
	t := time.NewTimer(askAgain)
	defer t.Stop()
	select {
	case at := <-answer:
		return at.Sub(sent), nil
	case <-t.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pings, key)
	return -1, ctx.Err()
}
