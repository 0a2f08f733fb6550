//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// An attack is what peers that mean harm do to the daemon's OpenFlow port until
// ctx ends. They have addresses of their own on the loopback network. It
// returns how many connections were made, and how many bytes sent.
type attack func(ctx context.Context, to string) (connections, bytes int64)

// attacks are all attacks, by name.
var attacks = map[string]attack{
	"parts":    byPeers(2, 1, (*peer).answerWithoutEnd),
	"ports":    byPeers(1, 2, (*peer).addPorts),
	"errors":   byPeers(2, 3, func(p *peer, ctx context.Context) { p.repeat(ctx, anError) }),
	"removed":  byPeers(2, 4, func(p *peer, ctx context.Context) { p.repeat(ctx, aRemoval) }),
	"packets":  byPeers(2, 5, func(p *peer, ctx context.Context) { p.repeat(ctx, aPacket) }),
	"echoes":   byPeers(2, 6, func(p *peer, ctx context.Context) { p.repeat(ctx, anEcho) }),
	"flaps":    byPeers(2, 9, func(p *peer, ctx context.Context) { p.repeat(ctx, aFlap) }),
	"switches": manySwitches,
	"silent":   silent,
}

// A peer is a switch that completes the handshake, and then does harm.
type peer struct {
	net.Conn
	dpid   openflow.DPID
	shaken chan struct{} // closed when the handshake is over
	once   sync.Once     // closes it
	asked  chan uint32   // transaction of a question for the meters
	head   []byte        // of the message that is being read, as far as it has come
	rest   int           // bytes of it that are to come

	mu   sync.Mutex // a leaf; held while writing; guards sent
	sent int64      // bytes
}

// byPeers returns the attack of so many peers with made-up numbers and the n-th
// address.
func byPeers(count, n int, harm func(*peer, context.Context)) attack {
	return func(ctx context.Context, to string) (connections, bytes int64) {
		var wg sync.WaitGroup
		var made, sent atomic.Int64
		for i := range count {
			wg.Go(func() {
				for ctx.Err() == nil { // it comes again when it is thrown out
					if p := dialPeer(ctx, to, n, openflow.DPID(0xbad000+n*16+i)); p != nil {
						p.attack(ctx, harm)
						made.Add(1)
						sent.Add(p.total())
					}
					_ = sleep(ctx, 100*time.Millisecond)
				}
			})
		}
		wg.Wait()
		return made.Load(), sent.Load()
	}
}

// dialPeer connects from an address that only the n-th attack has; nil if that
// fails.
func dialPeer(ctx context.Context, to string, n int, dpid openflow.DPID) *peer {
	from := net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n))}
	conn, err := (&net.Dialer{LocalAddr: &from}).DialContext(ctx, "tcp", to)
	if err != nil {
		return nil
	}
	return &peer{Conn: conn, dpid: dpid, shaken: make(chan struct{}), asked: make(chan uint32, 16)}
}

// attack completes the handshake and does harm until ctx or the connection
// ends.
func (p *peer) attack(ctx context.Context, harm func(*peer, context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	net := ofswitch.NewNetwork(ofswitch.NetworkConfig{})
	defer net.Close()
	s := net.AddSwitch(ofswitch.Config{DPID: p.dpid})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		_ = s.Serve(p)
	})
	select {
	case <-p.shaken:
		harm(p, ctx)
	case <-ctx.Done():
	}
	cancel()
	wg.Wait()
}

// Write implements net.Conn: what the switch says and what the attack adds do
// not get into each other.
func (p *peer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.Conn.Write(b)
	p.sent += int64(n)
	return n, err
}

// total returns how many bytes were sent.
func (p *peer) total() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// Read implements net.Conn, and looks at what the daemon asks.
func (p *peer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	for seen := b[:n]; len(seen) > 0; {
		if p.rest > 0 {
			k := min(p.rest, len(seen))
			seen, p.rest = seen[k:], p.rest-k
			continue
		}
		p.head, seen = append(p.head, seen[0]), seen[1:]
		if len(p.head) < 8 {
			continue
		}
		length := int(binary.BigEndian.Uint16(p.head[2:]))
		if len(p.head) == min(headSize, length) {
			p.heard(p.head)
			p.rest, p.head = length-len(p.head), p.head[:0]
		}
	}
	return n, err
}

// headSize is the size of a header and the type of a multipart request.
const headSize = 10

func (p *peer) heard(head []byte) {
	switch openflow.Type(head[1]) {
	case openflow.TypeMultipartRequest:
		if len(head) == headSize && openflow.MultipartType(binary.BigEndian.Uint16(head[8:])) == openflow.MultipartMeterConfig {
			select {
			case p.asked <- binary.BigEndian.Uint32(head[4:]):
			default:
			}
		}
	case openflow.TypeFlowMod: // the handshake is over
		p.once.Do(func() { close(p.shaken) })
	}
}

func (p *peer) say(xid uint32, m openflow.Message) error {
	b, err := openflow.Append(nil, xid, m)
	if err == nil {
		_, err = p.Write(b)
	}
	return err
}

// answerWithoutEnd answers the question for the meters with parts of which none
// is the last.
func (p *peer) answerWithoutEnd(ctx context.Context) {
	var list openflow.MeterConfigReply
	for i := range 3500 {
		list = append(list, openflow.MeterConfig{Meter: openflow.MeterID(i + 1)})
	}
	var xid uint32
	select {
	case xid = <-p.asked:
	case <-ctx.Done():
		return
	}
	for ctx.Err() == nil && p.say(xid, &openflow.MultipartReply{MPType: openflow.MultipartMeterConfig, Flags: openflow.MultipartMore, Body: list}) == nil {
	}
}

// addPorts tells of more and more ports.
func (p *peer) addPorts(ctx context.Context) {
	for no := openflow.PortNo(10); no < 133_500 && ctx.Err() == nil; no++ {
		port := openflow.Port{No: no, HWAddr: openflow.MAC{2, 1, byte(no >> 16), byte(no >> 8), byte(no)}, Name: "p", CurrSpeed: 1e6}
		if p.say(0, &openflow.PortStatus{Reason: openflow.PortAdded, Port: port}) != nil {
			return
		}
	}
}

// repeat says something new as fast as it is taken.
func (p *peer) repeat(ctx context.Context, next func(*rand.Rand) openflow.Message) {
	random := rand.New(rand.NewPCG(1, uint64(p.dpid)))
	for ctx.Err() == nil {
		var b []byte
		for range 100 {
			b, _ = openflow.Append(b, random.Uint32(), next(random))
		}
		if _, err := p.Write(b); err != nil {
			return
		}
	}
}

func anError(r *rand.Rand) openflow.Message {
	return &openflow.Error{ErrType: openflow.ErrorType(r.IntN(14)), Code: uint16(r.IntN(16)), Data: make([]byte, 64)}
}

func aRemoval(r *rand.Rand) openflow.Message {
	return &openflow.FlowRemoved{
		Cookie: purpose.MakeCookie(purpose.Allocation, uint64(r.Uint32N(1000))), Priority: 20000, PacketCount: r.Uint64(), ByteCount: r.Uint64(),
		Match: openflow.Match{openflow.InPort(openflow.PortNo(r.Uint32N(50)))},
	}
}

func aPacket(r *rand.Rand) openflow.Message {
	mac := openflow.MAC{2, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}
	addr := netip.AddrFrom4([4]byte{10, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
	return &openflow.PacketIn{
		BufferID: openflow.NoBuffer, Match: openflow.Match{openflow.InPort(openflow.PortNo(r.Uint32N(50)))},
		Data: ofswitch.ARPRequest(mac, addr, addr),
	}
}

// aFlap says of one of fifty ports that it is up, or down.
func aFlap(r *rand.Rand) openflow.Message {
	no := openflow.PortNo(1 + r.Uint32N(50))
	return &openflow.PortStatus{Reason: openflow.PortModified, Port: openflow.Port{
		No: no, HWAddr: openflow.MAC{2, 2, 0, 0, 0, byte(no)}, Name: "p", State: openflow.PortState(r.IntN(2)), CurrSpeed: 1e6,
	}}
}

func anEcho(*rand.Rand) openflow.Message { return &openflow.EchoRequest{Data: make([]byte, 1000)} }

// together carries out all attacks at once.
func together(ctx context.Context, to string) (connections, bytes int64) {
	var wg sync.WaitGroup
	var made, sent atomic.Int64
	for _, a := range attacks {
		wg.Go(func() {
			n, size := a(ctx, to)
			made.Add(n)
			sent.Add(size)
		})
	}
	wg.Wait()
	return made.Load(), sent.Load()
}

// manySwitches connects thousands of switches, which complete the handshake and
// do nothing more.
func manySwitches(ctx context.Context, to string) (connections, bytes int64) {
	var wg sync.WaitGroup
	var made, sent atomic.Int64
	for i := range 5000 {
		if sleep(ctx, 2*time.Millisecond) != nil {
			break
		}
		wg.Go(func() {
			if p := dialPeer(ctx, to, 7, openflow.DPID(0xbad0000+i)); p != nil {
				p.attack(ctx, func(_ *peer, ctx context.Context) { <-ctx.Done() })
				made.Add(1)
				sent.Add(p.total())
			}
		})
	}
	wg.Wait()
	return made.Load(), sent.Load()
}

// silent makes twenty connections a second from one address, which say nothing.
func silent(ctx context.Context, to string) (connections, bytes int64) {
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for sleep(ctx, 50*time.Millisecond) == nil {
		if p := dialPeer(ctx, to, 8, 0); p != nil {
			all = append(all, p.Conn)
		}
	}
	return int64(len(all)), 0
}
