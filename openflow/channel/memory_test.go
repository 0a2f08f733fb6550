package channel

import (
	"context"
	"net"
	"testing"

	"conga/openflow"
)

// meters returns one of many parts of an answer that lists meters without
// bands, which are four times as large in memory as on the wire.
func meters(t testing.TB, xid uint32) []byte {
	t.Helper()
	m := openflow.NewMultipartReply(make(openflow.MeterConfigReply, 8000))
	m.Flags = openflow.MultipartMore
	b, err := openflow.Append(nil, xid, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask asks the peer for all meters, and returns the xid of the request and a
// channel of the error that it will have.
func ask(t testing.TB, c *Conn, p *peer) (xid uint32, done chan error) {
	t.Helper()
	done = make(chan error, 1)
	go func() {
		_, err := c.Request(context.Background(), openflow.NewMultipartRequest(&openflow.MeterConfigRequest{Meter: openflow.MeterAll}))
		done <- err
	}()
	h, _ := expect[*openflow.MultipartRequest](p)
	return h.XID, done
}

// flood writes the bytes until the connection ends, and returns how many were
// taken.
func flood(nc net.Conn, b []byte) (n int) {
	for {
		k, err := nc.Write(b)
		if n += k; err != nil {
			return n
		}
	}
}

// An answer that does not end costs no more than its bound, and then the
// connection.
func TestEndlessAnswer(t *testing.T) {
	const most = 8 << 20
	c, p := pipe(t, Config{MaxMultipart: most})
	xid, done := ask(t, c, p)
	taken := flood(p.nc, meters(t, xid))
	wantKind(t, <-done, ErrTooLarge)
	within(t, c.Done(), "connection")
	wantKind(t, c.Err(), ErrTooLarge)
	if taken > most/4 {
		t.Errorf("%d bytes were taken, which are %d in memory", taken, 5*taken)
	}
	wantNothingHeld(t, c.cfg.memory)
}

func wantNothingHeld(t testing.TB, m *memory) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.total != 0 || len(m.held) != 0 {
		t.Errorf("%d bytes are still held for %d connections", m.total, len(m.held))
	}
}

// Several answers under way have a bound together.
func TestManyAnswers(t *testing.T) {
	c, p := pipe(t, Config{MaxUnread: 8 << 20, MaxMultipart: 6 << 20})
	var done []chan error
	var parts []byte
	for range 3 {
		xid, d := ask(t, c, p)
		done = append(done, d)
		parts = append(parts, meters(t, xid)...)
	}
	if taken := flood(p.nc, parts); taken > 2<<20 {
		t.Errorf("%d bytes were taken", taken)
	}
	for _, d := range done {
		wantKind(t, <-d, ErrClosed)
	}
	wantKind(t, c.Err(), ErrTooLarge)
	wantNothingHeld(t, c.cfg.memory)
}

// Where all connections together hold too much, the one that holds most ends,
// and not the one that asks for a little more.
func TestHeaviestGoes(t *testing.T) {
	shared := Config{MaxUnreadAll: 8 << 20}.withDefaults()
	heavy, p := pipe(t, shared)
	light, q := pipe(t, shared)
	lightXID, lightDone := ask(t, light, q)
	one := meters(t, lightXID)
	if _, err := q.nc.Write(one); err != nil {
		t.Fatal(err)
	}
	heavyXID, heavyDone := ask(t, heavy, p)
	flood(p.nc, meters(t, heavyXID))
	wantKind(t, <-heavyDone, ErrClosed)
	wantKind(t, heavy.Err(), ErrTooLarge)
	q.write(lightXID, openflow.NewMultipartReply(openflow.MeterConfigReply{{Meter: 1}}))
	if err := <-lightDone; err != nil {
		t.Errorf("the other connection's answer is lost: %v", err)
	}
	wantNothingHeld(t, shared.memory)
}

// What waits for Start counts too, and is given back.
func TestBacklogIsCounted(t *testing.T) {
	c, p := loopback(t, Config{})
	p.write(0, &openflow.PortStatus{})
	p.write(9, &openflow.EchoRequest{})
	p.read()
	m := c.cfg.memory
	m.mu.Lock()
	held := m.total
	m.mu.Unlock()
	if held == 0 {
		t.Error("what waits is not counted")
	}
	got := make(chan struct{})
	c.Start(func(openflow.Header, openflow.Message) { close(got) })
	within(t, got, "port status")
	wantNothingHeld(t, m)
}

// An answer that is not waited for any more holds nothing.
func TestForgottenAnswer(t *testing.T) {
	c, p := pipe(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Request(ctx, openflow.NewMultipartRequest(&openflow.MeterConfigRequest{Meter: openflow.MeterAll}))
	}()
	h, _ := expect[*openflow.MultipartRequest](p)
	p.raw(meters(t, h.XID))
	p.write(9, &openflow.EchoRequest{}) // answered once the part is taken
	p.read()
	cancel()
	<-done
	wantNothingHeld(t, c.cfg.memory)
}

func TestTooManyPorts(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	p := &peer{t: t, nc: b}
	go func() {
		p.handshake() // with two ports
		for {
			if _, _, err := p.next(); err != nil {
				return
			}
		}
	}()
	_, err := Server(context.Background(), a, Config{MaxPorts: 1})
	wantKind(t, err, ErrTooLarge)
}

func TestNetOf(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:6653": "10.0.0.1/32", "[::ffff:10.0.0.1]:1": "10.0.0.1/32", "[2001:db8::1]:1": "2001:db8::/64",
		"[2001:db8::2]:1": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::/64", "pipe": "invalid Prefix",
	} {
		if got := netOf(named(addr)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
	if netOf(nil).IsValid() {
		t.Error("no address is one")
	}
}

// named is an address of that text.
type named string

func (named) Network() string  { return "tcp" }
func (n named) String() string { return string(n) }
