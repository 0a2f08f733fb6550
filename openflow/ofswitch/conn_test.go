package ofswitch

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conga/openflow"
)

// take receives the next message, which must be a T.
func take[T openflow.Message](p *peer) T {
	p.t.Helper()
	_, m := p.recv()
	got, ok := m.(T)
	if !ok {
		p.t.Fatalf("%T %+v, want %T", m, m, got)
	}
	return got
}

func newPeered(t *testing.T, cfg Config, ports int) (*Switch, *peer) {
	t.Helper()
	cfg.DPID = 7
	s := New(cfg)
	for i := range ports {
		s.AddPort(openflow.PortNo(i+1), "p", 1_000_000)
	}
	return s, pipePeer(t, s)
}

func TestConversation(t *testing.T) {
	s, p := newPeered(t, Config{Tables: 3, Manufacturer: "Us", Probe: -1}, 2)
	p.send(&openflow.FeaturesRequest{})
	if f := take[*openflow.FeaturesReply](p); f.DPID != 7 || f.NTables != 3 {
		t.Errorf("features: %+v", f)
	}
	p.send(&openflow.EchoRequest{Data: []byte("hey")})
	if e := take[*openflow.EchoReply](p); string(e.Data) != "hey" {
		t.Errorf("echo: %q", e.Data)
	}
	p.send(&openflow.SetConfig{MissSendLen: 99})
	p.send(&openflow.GetConfigRequest{})
	if c := take[*openflow.GetConfigReply](p); c.MissSendLen != 99 {
		t.Errorf("config: %+v", c)
	}
	p.send(&openflow.MultipartRequest{MPType: openflow.MultipartDesc})
	if d := take[*openflow.MultipartReply](p).Body.(*openflow.DescReply); d.Manufacturer != "Us" {
		t.Errorf("description: %+v", d)
	}
	p.send(&openflow.MultipartRequest{MPType: openflow.MultipartPortDesc})
	if d := take[*openflow.MultipartReply](p).Body.(openflow.PortDescReply); len(d) != 2 || d[1].CurrSpeed != 1_000_000 {
		t.Errorf("ports: %+v", d)
	}
	p.send(&openflow.MultipartRequest{MPType: openflow.MultipartTable})
	if d := take[*openflow.MultipartReply](p).Body.(openflow.TableStatsReply); len(d) != 3 {
		t.Errorf("tables: %+v", d)
	}
	p.send(&openflow.MultipartRequest{MPType: openflow.MultipartMeterFeatures})
	if d := take[*openflow.MultipartReply](p).Body.(*openflow.MeterFeatures); d.MaxMeter != 262144 || d.BandTypes != 2 {
		t.Errorf("meter features: %+v", d)
	}
	p.send(openflow.NewMultipartRequest(openflow.TableFeaturesRequest{}))
	for i := range 3 {
		d := take[*openflow.MultipartReply](p)
		if more := d.Flags == openflow.MultipartMore; more != (i < 2) {
			t.Errorf("part %d: more is %t", i, more)
		}
	}
	p.send(&openflow.GetAsyncRequest{})
	if a := take[*openflow.GetAsyncReply](p); a.PacketIn[0] != 3 {
		t.Errorf("async: %+v", a)
	}
	if !s.Connected() || s.Counters().Connections != 1 {
		t.Error("not connected")
	}
}

func TestAsynchronousMessages(t *testing.T) {
	s, p := newPeered(t, Config{Probe: -1}, 2)
	miss := flow(0, nil, to(openflow.PortController))
	miss.Cookie = 5
	gone := flow(9, openflow.Match{openflow.InPort(2)}, to(openflow.PortController))
	gone.Flags = openflow.FlowSendFlowRem
	p.ask(miss, gone)
	go s.Inject(1, udp4.UDP())
	in := take[*openflow.PacketIn](p)
	if no, _ := in.InPort(); no != 1 || in.Reason != openflow.PacketInNoMatch || in.Cookie != 5 ||
		in.BufferID != openflow.NoBuffer || !slices.Equal(in.Data, udp4.UDP()) {
		t.Errorf("packet-in: %+v", in)
	}
	go s.Inject(2, udp4.UDP())
	if in := take[*openflow.PacketIn](p); in.Reason != openflow.PacketInAction {
		t.Errorf("packet-in: %+v", in)
	}
	removed := p.ask(openflow.NewFlowDelete(0, gone.Match))
	if m, ok := removed[0].(*openflow.FlowRemoved); !ok || m.Reason != openflow.FlowRemovedDelete || m.PacketCount != 1 {
		t.Errorf("removed: %+v", removed)
	}
	s.SetPortUp(2, false)
	if m := take[*openflow.PortStatus](p); m.Reason != openflow.PortModified || m.Port.State != openflow.PortStateLinkDown {
		t.Errorf("port status: %+v", m)
	}
	s.AddPort(3, "new", 1)
	if m := take[*openflow.PortStatus](p); m.Reason != openflow.PortAdded || m.Port.Name != "new" {
		t.Errorf("port status: %+v", m)
	}
	s.RemovePort(3)
	if m := take[*openflow.PortStatus](p); m.Reason != openflow.PortDeleted {
		t.Errorf("port status: %+v", m)
	}
	var quiet openflow.AsyncConfig
	p.ask(&openflow.SetAsync{AsyncConfig: quiet})
	s.SetPortUp(2, true)
	s.Inject(1, udp4.UDP())
	if m := p.ask(); len(m) != 0 {
		t.Errorf("in spite of the async configuration: %+v", m)
	}
}

func TestMasterAndSlave(t *testing.T) {
	s, a := newPeered(t, Config{Probe: -1}, 2)
	b := pipePeer(t, s)
	a.send(&openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 1})
	take[*openflow.RoleReply](a)
	b.send(&openflow.RoleRequest{Role: openflow.RoleMaster, GenerationID: 2})
	take[*openflow.RoleReply](b)
	if e := errorsOf(a.ask(flow(1, nil))); !slices.Equal(e, []string{"1/10"}) {
		t.Errorf("the old master was told %v", e)
	}
	b.ask(flow(0, nil, to(openflow.PortController)))
	s.Inject(1, udp4.UDP())
	if m := a.ask(); len(m) != 0 {
		t.Errorf("a slave got %+v", m)
	}
	if m := b.ask(); len(m) != 1 {
		t.Errorf("the master got %+v", m)
	}
}

func TestLongDumpComesInParts(t *testing.T) {
	s, p := newPeered(t, Config{Probe: -1}, 1)
	const n = 3000
	for i := range n {
		s.Apply(flow(uint16(i), openflow.Match{openflow.EthDst(hostMAC(1))}, to(1)))
	}
	got, parts := 0, 0
	for _, m := range p.ask(openflow.NewMultipartRequest(openflow.AllFlows())) {
		parts++
		got += len(m.(*openflow.MultipartReply).Body.(openflow.FlowStatsReply))
	}
	if got != n || parts < 3 {
		t.Errorf("%d entries in %d parts", got, parts)
	}
}

func TestBundleIsAllOrNothing(t *testing.T) {
	s, p := newPeered(t, Config{Probe: -1}, 2)
	p.ask(flow(1, nil, to(1)))
	commit := func(messages ...openflow.Message) []string {
		ctl := func(kind openflow.BundleControlType) openflow.Message {
			return (&openflow.BundleControl{ID: 4, Type: kind, Flags: openflow.BundleAtomic}).Experimenter()
		}
		all := []openflow.Message{ctl(openflow.BundleOpenRequest)}
		for i, m := range messages {
			add, err := (&openflow.BundleAdd{ID: 4, Flags: openflow.BundleAtomic, XID: p.xid + uint32(i) + 2, Message: m}).Experimenter()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, add)
		}
		all = append(all, ctl(openflow.BundleCloseRequest), ctl(openflow.BundleCommitRequest))
		return errorsOf(p.ask(all...))
	}
	if e := commit(openflow.NewFlowDelete(0, nil), flow(2, nil, to(2)), flow(3, nil, to(0xff00))); !slices.Equal(e, []string{"2/4", "experimenter 0x4f4e4600/2315"}) {
		t.Errorf("errors %v", e)
	}
	if f := s.Flows(0); len(f) != 1 || f[0].Priority != 1 {
		t.Errorf("a failed bundle left %+v", f)
	}
	if e := commit(openflow.NewFlowDelete(0, nil), flow(2, nil, to(2))); e != nil {
		t.Errorf("errors %v", e)
	}
	if f := s.Flows(0); len(f) != 1 || f[0].Priority != 2 {
		t.Errorf("a bundle left %+v", f)
	}
}

// A switch must answer another version's hello with the error that says so, and
// hang up.
func TestOtherVersion(t *testing.T) {
	a, b := net.Pipe()
	var served sync.WaitGroup
	served.Go(func() { New(Config{DPID: 1}).Serve(b) })
	defer served.Wait()
	defer a.Close()
	go a.Write([]byte{1, 0, 0, 8, 0, 0, 0, 1})
	p := &peer{t: t, nc: a}
	take[*openflow.Hello](p)
	if e := take[*openflow.Error](p); e.ErrType != openflow.ErrorTypeHelloFailed || e.Code != 0 {
		t.Errorf("error %+v", e)
	}
	if _, _, err := p.tryRecv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the error: %v", err)
	}
}

func TestSilentControllerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		var err error
		var served sync.WaitGroup
		start := time.Now()
		served.Go(func() { err = New(Config{DPID: 1}).Serve(b) })
		p := newPeer(t, a)
		p.send(&openflow.BarrierRequest{})
		take[*openflow.BarrierReply](p)
		take[*openflow.EchoRequest](p)
		served.Wait()
		if !errors.Is(err, errSilent) || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// dialer hands the controller's ends of pipes to accept.
func dialer(accept chan net.Conn) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		a, b := net.Pipe()
		select {
		case accept <- a:
			return b, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func TestRunReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		accept := make(chan net.Conn)
		s := New(Config{DPID: 1, Dial: dialer(accept)})
		ctx, cancel := context.WithCancel(t.Context())
		var ran sync.WaitGroup
		ran.Go(func() { s.Run(ctx, "") })
		for range 3 {
			p := newPeer(t, <-accept)
			if err := s.WaitConnected(ctx); err != nil {
				t.Fatal(err)
			}
			s.Disconnect()
			if _, _, err := p.tryRecv(); err == nil {
				t.Error("still connected")
			}
		}
		cancel()
		ran.Wait()
	})
}

func TestFaults(t *testing.T) { synctest.Test(t, testFaults) }

func testFaults(t *testing.T) {
	s, p := newPeered(t, Config{Probe: -1}, 1)
	full := openflow.Error{ErrType: openflow.ErrorTypeFlowModFailed, Code: 1}
	s.SetFaults(Faults{Reject: RejectFlowMod(2, full)})
	if e := errorsOf(p.ask(flow(1, nil), flow(2, nil), flow(3, nil))); !slices.Equal(e, []string{"5/1"}) || len(s.Flows(0)) != 2 {
		t.Errorf("errors %v, %d entries", e, len(s.Flows(0)))
	}
	s.SetFaults(Faults{Lose: LoseType(openflow.TypeEchoReply)})
	if m := p.ask(&openflow.EchoRequest{}); len(m) != 0 {
		t.Errorf("a lost reply came: %+v", m)
	}
	s.SetFaults(Faults{Delay: DelayType(openflow.TypeError, 20*time.Millisecond)})
	if e := p.ask(flow(1, nil, to(0xff00))); len(e) != 0 {
		t.Errorf("the late error was not late: %+v", e)
	}
	take[*openflow.Error](p)
	s.SetFaults(Faults{Stall: true})
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ask(&openflow.EchoRequest{}, &openflow.EchoRequest{})
	}()
	synctest.Wait()
	select {
	case <-done:
		t.Error("a stalled switch answers")
	default:
	}
	s.SetFaults(Faults{})
	<-done
	s.SetFaults(Faults{Mute: true})
	p.send(flow(77, nil))
	p.send(&openflow.BarrierRequest{})
	synctest.Wait()
	if got := s.Flows(0)[0].Priority; got != 77 {
		t.Errorf("a mute switch does not obey: %d", got)
	}
	s.SetFaults(Faults{CutMidMessage: true})
	p.send(&openflow.FeaturesRequest{})
	if _, _, err := p.tryRecv(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
}

// Whatever bytes come, the switch answers or hangs up.
func FuzzServe(f *testing.F) {
	hello, _ := openflow.Append(nil, 1, openflow.NewHello(openflow.Version))
	for _, m := range []openflow.Message{flow(1, openflow.Match{openflow.EthType(0x800)}, to(1)),
		&openflow.PacketOut{BufferID: openflow.NoBuffer, Data: udp4.UDP(), Actions: []openflow.Action{openflow.Output(openflow.PortFlood, 0)}},
		openflow.NewMultipartRequest(openflow.AllFlows()), &openflow.GroupMod{ID: 1, Buckets: []openflow.Bucket{bucketTo(1)}}} {
		b, _ := openflow.Append(slices.Clone(hello), 2, m)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Config{DPID: 1, Probe: -1})
		s.AddPort(1, "p", 1)
		a, b := net.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { s.Serve(b) })
		wg.Go(func() { io.Copy(io.Discard, a) })
		a.Write(data)
		a.Close()
		wg.Wait()
		s.Inject(1, udp4.UDP())
	})
}
