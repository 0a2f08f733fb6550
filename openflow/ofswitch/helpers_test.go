package ofswitch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"conga/openflow"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is a switch of which a test sees what leaves.
type rig struct {
	*Switch
	t    *testing.T
	at   time.Time
	sent []Packet
}

// newRig makes a switch with ports 1 to n and a clock that only the test moves.
func newRig(t *testing.T, n int, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, at: time.Unix(1_000_000, 0)}
	cfg.DPID, cfg.Now = 1, func() time.Time { return r.at }
	r.Switch = New(cfg)
	for i := range n {
		r.AddPort(openflow.PortNo(i+1), fmt.Sprintf("eth%d", i+1), 1_000_000)
	}
	r.Tap(func(p Packet) {
		if p.Out {
			p.Data = slices.Clone(p.Data)
			r.sent = append(r.sent, p)
		}
	})
	return r
}

// must applies messages that have to be accepted.
func (r *rig) must(messages ...openflow.Message) {
	r.t.Helper()
	for _, m := range messages {
		if err := r.Apply(m); err != nil {
			r.t.Fatalf("%+v: %v", m, describe(err))
		}
	}
}

// wait moves the clock.
func (r *rig) wait(d time.Duration) {
	r.at = r.at.Add(d)
	r.Tick()
}

// inject has a frame arrive and returns the ports it left by, in order, as
// text.
func (r *rig) inject(in openflow.PortNo, frame []byte) string {
	r.sent = nil
	r.Inject(in, frame)
	return r.ports()
}

func (r *rig) ports() string {
	var out []string
	for _, p := range r.sent {
		out = append(out, p.Port.String())
	}
	return strings.Join(out, " ")
}

// last returns the last frame that left, parsed.
func (r *rig) last() *packet {
	r.t.Helper()
	if len(r.sent) == 0 {
		r.t.Fatal("nothing left the switch")
	}
	p := &packet{data: r.sent[len(r.sent)-1].Data}
	p.parse()
	return p
}

func describe(err error) string {
	if e, ok := errors.AsType[*openflow.Error](err); ok {
		return fmt.Sprintf("error %d/%d", e.ErrType, e.Code)
	}
	return fmt.Sprint(err)
}

// flow returns a flow mod that adds an entry to table 0.
func flow(priority uint16, match openflow.Match, in ...openflow.Instruction) *openflow.FlowMod {
	return &openflow.FlowMod{
		Priority: priority, Match: match, Instructions: in, BufferID: openflow.NoBuffer,
		OutPort: openflow.PortAny, OutGroup: openflow.GroupAny,
	}
}

func inTable(id openflow.TableID, m *openflow.FlowMod) *openflow.FlowMod {
	m.Table = id
	return m
}

// to returns the instruction to output to ports.
func to(ports ...openflow.PortNo) openflow.Instruction {
	var actions []openflow.Action
	for _, p := range ports {
		actions = append(actions, openflow.Output(p, openflow.MaxLenNoBuffer))
	}
	return openflow.ApplyActions(actions...)
}

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func hostMAC(i byte) openflow.MAC { return openflow.MAC{2, 0, 0, 0, 0, i} }

var (
	udp4 = Datagram{SrcMAC: hostMAC(1), DstMAC: hostMAC(2), Src: ap("10.0.0.1:1000"), Dst: ap("10.0.0.2:2000")}
	udp6 = Datagram{SrcMAC: hostMAC(1), DstMAC: hostMAC(2), Src: ap("[fd00::1]:1000"), Dst: ap("[fd00::2]:2000")}
)
