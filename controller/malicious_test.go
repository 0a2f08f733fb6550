package controller

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"conga/bitrate"
	"conga/controller/discovery"
	"conga/controller/purpose"
	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A malicious is a switch that says other things besides what a switch says,
// and remembers what it was sent.
type malicious struct {
	net.Conn
	*ofswitch.Switch

	writing chan struct{} // holds a token while nothing is written

	mu    sync.Mutex // guards heard
	heard [][]byte   // the last messages that it was sent, whole
	part  []byte     // of the one that is being read
}

const (
	maliciousDPID  = 3
	maliciousPorts = 4
	maliciousHears = 64
)

// admit connects a malicious switch, which has ports with nothing behind.
func (l *lab) admit() *malicious {
	l.Helper()
	conn, err := l.pipes.dial(l.Context(), "")
	if err != nil {
		l.Fatal(err)
	}
	m := &malicious{Conn: conn, Switch: ofswitch.New(ofswitch.Config{DPID: maliciousDPID}), writing: make(chan struct{}, 1)}
	m.writing <- struct{}{}
	for no := openflow.PortNo(1); no <= maliciousPorts; no++ {
		m.AddPort(no, "p", 0)
	}
	go func() { _ = m.Serve(m) }()
	time.Sleep(2 * time.Second)
	return m
}

// Read implements net.Conn.
func (m *malicious) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.part = append(m.part, b[:n]...)
	for len(m.part) >= openflow.HeaderLen {
		length := int(binary.BigEndian.Uint16(m.part[2:]))
		if length < openflow.HeaderLen || len(m.part) < length {
			break
		}
		m.heard = append(m.heard, append([]byte{}, m.part[:length]...))
		m.heard = m.heard[max(0, len(m.heard)-maliciousHears):]
		m.part = append([]byte{}, m.part[length:]...)
	}
	return n, err
}

// Write implements net.Conn.
func (m *malicious) Write(b []byte) (int, error) {
	<-m.writing
	defer func() { m.writing <- struct{}{} }()
	return m.Conn.Write(b)
}

// one returns one of the last messages that it was sent; nil if there is none.
func (m *malicious) one(t *rand.Rand) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.heard) == 0 {
		return nil
	}
	return m.heard[t.IntN(len(m.heard))]
}

// frame draws a frame that the switch may claim to have got: a probe that was
// to leave by another port, a host's announcement, or anything.
func (m *malicious) frame(t *rand.Rand, l *lab) []byte {
	hosts := l.net.Hosts()
	victim := hosts[t.IntN(len(hosts))]
	switch t.IntN(6) {
	case 0:
		if _, sent, err := openflow.Parse(m.one(t)); err == nil {
			if out, ok := sent.(*openflow.PacketOut); ok {
				return out.Data
			}
		}
		fallthrough
	case 1:
		return ofswitch.ARPRequest(victim.MAC(), victim.Addr(), victim.Addr())
	case 2:
		mac := openflow.MAC{2, 7, 0, 0, 0, byte(t.Uint32())}
		return ofswitch.ARPRequest(mac, victim.Addr(), netip.AddrFrom4([4]byte{10, 0, 0, 77}))
	case 3:
		return ofswitch.NeighborAdvert(victim.MAC(), victim.Addrs()[1], victim.MAC(), victim.Addrs()[1])
	case 4: // as a host of the same Ethernet address in a VLAN
		return discovery.Announcement(victim.MAC(), victim.Addrs()[t.IntN(2)], uint16(t.IntN(3)))
	}
	return noise(t, 80)
}

// message draws what the switch says next.
func (m *malicious) message(t *rand.Rand, l *lab) openflow.Message {
	port := func() openflow.PortNo {
		return oneOf(t, []openflow.PortNo{0, 1, 2, 3, maliciousPorts, 5, 4095, openflow.PortLocal, openflow.PortController, openflow.PortAny})
	}
	switch t.IntN(10) {
	case 0, 1, 2:
		return &openflow.PacketIn{BufferID: openflow.NoBuffer, Match: openflow.Match{openflow.InPort(port())}, Data: m.frame(t, l)}
	case 3:
		return &openflow.PortStatus{
			Reason: openflow.PortReason(t.IntN(4)),
			Port: openflow.Port{No: port(), Config: openflow.PortConfig(t.Uint32()),
				State: openflow.PortState(t.IntN(8)), CurrSpeed: t.Uint32()},
		}
	case 4:
		return &openflow.FlowRemoved{
			Cookie:   purpose.MakeCookie(purpose.Kind(t.IntN(5)), uint64(t.IntN(10))),
			Priority: uint16(t.Uint32()), Table: openflow.TableID(t.IntN(4)),
			PacketCount: t.Uint64(), ByteCount: t.Uint64(),
			DurationSec: t.Uint32(), Match: openflow.Match{openflow.InPort(port())},
		}
	case 5:
		return &openflow.Error{ErrType: openflow.ErrorType(t.IntN(14)), Code: uint16(t.IntN(17)), Data: m.one(t)}
	case 6:
		return &openflow.BarrierReply{}
	case 7:
		return &openflow.RoleReply{Role: openflow.Role(t.IntN(4)), GenerationID: t.Uint64()}
	case 8:
		body := oneOf(t, []openflow.MultipartReplyBody{
			&openflow.DescReply{}, openflow.PortDescReply{{No: port()}, {No: port()}}, openflow.MeterConfigReply{{Meter: purpose.TeachingID}},
			openflow.FlowStatsReply{{Cookie: purpose.MakeCookie(purpose.Allocation, 7), Priority: 20000}},
		})
		reply := openflow.NewMultipartReply(body)
		if t.IntN(2) == 0 {
			reply.Flags = openflow.MultipartMore
		}
		return reply
	}
	return &openflow.EchoRequest{Data: noise(t, 20)}
}

// xid draws the transaction of what the switch says: one that it was asked, or
// any.
func (m *malicious) xid(t *rand.Rand) uint32 {
	if asked := m.one(t); asked != nil && t.IntN(2) == 0 {
		return binary.BigEndian.Uint32(asked[4:])
	}
	return t.Uint32()
}

func noise(t *rand.Rand, most int) []byte {
	b := make([]byte, t.IntN(most+1))
	for i := range b {
		b[i] = byte(t.Uint32())
	}
	return b
}

func oneOf[E any](t *rand.Rand, all []E) E { return all[t.IntN(len(all))] }

var (
	maliciousFor  = flag.Duration("malicious", 5*time.Second, "how long TestMaliciousSwitch goes on")
	maliciousSeed = flag.Uint64("maliciousseed", 0, "what the first round of TestMaliciousSwitch draws from; 0: the time")
)

// TestMaliciousSwitch: whatever one switch says, the allocation between hosts
// of others keeps its packets, they keep their links, and hold what they must.
func TestMaliciousSwitch(t *testing.T) {
	seed := *maliciousSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for began := time.Now(); time.Since(began) < *maliciousFor && !t.Failed(); seed++ {
		inBubble(t, pair, Config{}, func(l *lab) { l.endureMalice(rand.New(rand.NewPCG(seed, 0))) })
		if t.Failed() {
			t.Logf("-maliciousseed %d", seed)
		}
	}
}

// endureMalice has malicious switches come and say what they say.
func (l *lab) endureMalice(t *rand.Rand) {
	l.settled(2, 1)
	l.pingAll()
	l.acquainted()
	if err := l.install(l.circuit("a", 7, "h1", "h2", 40*bitrate.Mbps)); err != nil {
		l.Fatal(err)
	}
	for range 5 {
		m := l.admit()
		m.talk(t, l)
		time.Sleep(time.Second)
		l.unharmed()
		m.Close()
	}
	l.until("every switch to hold what it must", l.held)
}

// talk says some messages, of which some are damaged, until it is thrown out.
func (m *malicious) talk(t *rand.Rand, l *lab) {
	for range 1 + t.IntN(30) {
		b, err := openflow.Append(nil, m.xid(t), m.message(t, l))
		if err != nil {
			continue // it cannot be said
		}
		if t.IntN(10) == 0 {
			b[t.IntN(len(b))] ^= 1 << t.IntN(8)
		}
		if _, err := m.Write(b); err != nil {
			return
		}
		time.Sleep(time.Duration(oneOf(t, []int{0, 0, 0, 1, 50, 1000, 3000})) * time.Millisecond)
	}
}

// unharmed checks that others are as they were.
func (l *lab) unharmed() {
	if got := l.send("h1", "h2", 100); got.Packets != 100 {
		l.Errorf("%d of 100 packets of the allocation arrived", got.Packets)
	}
	s := l.Snapshot()
	links := 0
	for _, link := range s.Links {
		switch from, to := link.ID.From.DPID, link.ID.To.DPID; {
		case from != maliciousDPID && to != maliciousDPID:
			links++
		case from != to:
			l.Errorf("there is a link %v", link.ID)
		}
	}
	if h1, h2 := l.home("h1").DPID, l.home("h2").DPID; links != 2 || h1 != 1 || h2 != 2 {
		l.Errorf("%d links between the others, hosts at switches %v and %v", links, h1, h2)
	}
	for dpid := openflow.DPID(1); dpid <= 2; dpid++ {
		if !s.Switches[dpid].Connected {
			l.Errorf("switch %v is not connected", dpid)
		}
	}
}
