package ofswitch

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"conga/openflow"
)

const ovsSchema = "/usr/share/openvswitch/vswitch.ovsschema"

// startOVS starts a private Open vSwitch with a bridge of n dummy ports, which
// needs no root, and returns the path of its OpenFlow socket. It skips the test
// where Open vSwitch is not installed.
func startOVS(t *testing.T, n int) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts daemons")
	}
	for _, tool := range []string{"ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s", tool)
		}
	}
	if _, err := os.Stat(ovsSchema); err != nil {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "ovs") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	env := append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_DBDIR="+dir, "OVS_LOGDIR="+dir)
	db := "unix:" + filepath.Join(dir, "db.sock")
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", name, err, out)
		}
	}
	start := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = env
		if err := cmd.Start(); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
	}
	run("ovsdb-tool", "create", filepath.Join(dir, "conf.db"), ovsSchema)
	start("ovsdb-server", filepath.Join(dir, "conf.db"), "--remote=p"+db,
		"--unixctl="+filepath.Join(dir, "db.ctl"), "-vconsole:off")
	run("ovs-vsctl", "--retry", "--timeout=20", "--db="+db, "--no-wait", "init")
	start("ovs-vswitchd", db, "--enable-dummy", "--disable-system",
		"--unixctl="+filepath.Join(dir, "vs.ctl"), "-vconsole:off")
	run("ovs-vsctl", "--timeout=20", "--db="+db, "add-br", "br0", "--", "set", "bridge", "br0",
		"datapath_type=dummy", "protocols=OpenFlow13", "fail_mode=secure")
	for i := range n {
		p := fmt.Sprintf("p%d", i+1)
		run("ovs-vsctl", "--timeout=20", "--db="+db, "add-port", "br0", p, "--", "set", "interface", p,
			"type=dummy", fmt.Sprintf("ofport_request=%d", i+1))
	}
	return filepath.Join(dir, "br0.mgmt")
}

// A peer is the controller's end of an OpenFlow connection.
type peer struct {
	t   *testing.T
	nc  net.Conn
	xid uint32
}

func dialPeer(t *testing.T, network, addr string) *peer {
	t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, nc)
}

// newPeer exchanges hellos.
func newPeer(t *testing.T, nc net.Conn) *peer {
	t.Helper()
	p := &peer{t: t, nc: nc}
	t.Cleanup(func() { nc.Close() })
	p.send(openflow.NewHello(openflow.Version))
	if _, m := p.recv(); m.Type() != openflow.TypeHello {
		t.Fatalf("%v instead of hello", m.Type())
	}
	return p
}

// pipePeer connects a controller's end to a switch by a pipe.
func pipePeer(t *testing.T, s *Switch) *peer {
	t.Helper()
	a, b := net.Pipe()
	var served sync.WaitGroup
	served.Go(func() { s.Serve(b) })
	t.Cleanup(func() {
		a.Close()
		served.Wait()
	})
	return newPeer(t, a)
}

func (p *peer) send(m openflow.Message) uint32 {
	p.t.Helper()
	p.xid++
	b, err := openflow.Append(nil, p.xid, m)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatal(err)
	}
	return p.xid
}

func (p *peer) recv() (openflow.Header, openflow.Message) {
	p.t.Helper()
	h, m, err := p.tryRecv()
	if err != nil {
		p.t.Fatal(err)
	}
	return h, m
}

func (p *peer) tryRecv() (openflow.Header, openflow.Message, error) {
	p.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, openflow.HeaderLen)
	if _, err := io.ReadFull(p.nc, b); err != nil {
		return openflow.Header{}, nil, err
	}
	h, err := openflow.ParseHeader(b)
	if err != nil {
		return h, nil, err
	}
	b = append(b, make([]byte, int(h.Length)-len(b))...)
	if _, err := io.ReadFull(p.nc, b[openflow.HeaderLen:]); err != nil {
		return h, nil, err
	}
	return openflow.Parse(b)
}

// ask sends messages and a barrier, and returns all that came before the
// barrier's reply.
func (p *peer) ask(messages ...openflow.Message) (replies []openflow.Message) {
	p.t.Helper()
	for _, m := range messages {
		p.send(m)
	}
	barrier := p.send(&openflow.BarrierRequest{})
	for {
		h, m := p.recv()
		switch m := m.(type) {
		case *openflow.BarrierReply:
			if h.XID == barrier {
				return replies
			}
		case *openflow.EchoRequest:
			p.reply(h.XID, &openflow.EchoReply{Data: m.Data})
		default:
			replies = append(replies, m)
		}
	}
}

func (p *peer) reply(xid uint32, m openflow.Message) {
	b, err := openflow.Append(nil, xid, m)
	if err == nil {
		p.nc.Write(b)
	}
}

// errorsOf names the errors among messages.
func errorsOf(messages []openflow.Message) (out []string) {
	for _, m := range messages {
		if e, ok := m.(*openflow.Error); ok {
			out = append(out, describeError(e))
		}
	}
	return out
}

func describeError(e *openflow.Error) string {
	if e.ErrType == openflow.ErrorTypeExperimenter {
		return fmt.Sprintf("experimenter %#x/%d", e.Experimenter, e.Code)
	}
	return fmt.Sprintf("%d/%d", e.ErrType, e.Code)
}
