package channel

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"conga/openflow"
)

// An ovs is a private Open vSwitch: its own directory, database and daemons.
type ovs struct {
	t   testing.TB
	dir string
}

// newOVS starts Open vSwitch with one userspace bridge, br0, or skips the test.
func newOVS(t testing.TB) *ovs {
	t.Helper()
	schema := "/usr/share/openvswitch/vswitch.ovsschema"
	if _, err := os.Stat(schema); err != nil {
		t.Skip("Open vSwitch is not installed")
	}
	if _, err := exec.LookPath("ovs-vswitchd"); err != nil {
		t.Skip("Open vSwitch is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("Open vSwitch needs root")
	}
	dir, err := os.MkdirTemp("", "ovs") // a short name: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	o := &ovs{t: t, dir: dir}
	t.Cleanup(o.stop)
	sock, db := filepath.Join(dir, "db.sock"), filepath.Join(dir, "conf.db")
	o.run("ovsdb-tool", "create", db, schema)
	o.run("ovsdb-server", db, "--remote=punix:"+sock, "--pidfile", "--detach", "--no-chdir", "--log-file=/dev/null",
		"--unixctl="+filepath.Join(dir, "db.ctl"))
	o.vsctl("--no-wait", "init")
	o.run("ovs-vswitchd", "unix:"+sock, "--pidfile", "--detach", "--no-chdir", "--log-file=/dev/null",
		"--unixctl="+filepath.Join(dir, "vs.ctl"))
	o.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure",
		"protocols=OpenFlow10,OpenFlow13,OpenFlow14", "other-config:datapath-id=00000000000000c0")
	return o
}

func (o *ovs) run(name string, args ...string) {
	o.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+o.dir, "OVS_LOGDIR="+o.dir, "OVS_DBDIR="+o.dir)
	// Not a pipe: the daemons would hold it open.
	if err := cmd.Run(); err != nil {
		o.t.Fatalf("%s %v: %v", name, args, err)
	}
}

func (o *ovs) vsctl(args ...string) {
	o.t.Helper()
	o.run("ovs-vsctl", append([]string{"--db=unix:" + filepath.Join(o.dir, "db.sock"), "--timeout=10"}, args...)...)
}

// stop ends the daemons by the pids in their own files.
func (o *ovs) stop() {
	for _, name := range []string{"ovs-vswitchd", "ovsdb-server"} {
		b, err := os.ReadFile(filepath.Join(o.dir, name+".pid"))
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			p.Signal(os.Interrupt)
			time.Sleep(50 * time.Millisecond)
			p.Kill()
		}
	}
	os.RemoveAll(o.dir)
}

// connect has the bridge connect to l.
func (o *ovs) connect(l *Listener) *Conn {
	o.t.Helper()
	o.vsctl("set-controller", "br0", "tcp:"+l.Addr().String())
	return accept(o.t, l)
}

func TestOpenVSwitch(t *testing.T) {
	o := newOVS(t)
	l := listen(t, Config{EchoInterval: 200 * time.Millisecond})
	c := o.connect(l)
	c.Start(func(_ openflow.Header, m openflow.Message) {
		if e, ok := m.(*openflow.Error); ok {
			t.Errorf("unsolicited: %v", e)
		}
	})
	if c.DPID() != 0xc0 || c.Features().NTables != 254 || len(c.Ports()) == 0 {
		t.Fatalf("datapath %v, features %+v, ports %v", c.DPID(), c.Features(), c.Ports())
	}
	time.Sleep(time.Second) // keepalive

	const n = 10_000
	msgs := flowMods(n)
	bad := flowMod(5)
	bad.Table = openflow.TableAll // not for adding
	msgs[5] = bad
	k := c.Commit(msgs)
	within(t, k.Done(), "commit")
	if err := k.Err(); err != nil {
		t.Fatal(err)
	}
	if r := k.Refused(); len(r) != 1 || r[0].Index != 5 || r[0].Err.ErrType != openflow.ErrorTypeFlowModFailed {
		t.Errorf("refused %v", r)
	}

	m, err := c.Request(t.Context(), openflow.NewMultipartRequest(openflow.AllFlows()))
	if err != nil {
		t.Fatal(err)
	}
	entries := m.(*openflow.MultipartReply).Body.(openflow.FlowStatsReply)
	if len(entries) != n-1 {
		t.Errorf("%d entries in the dump, want %d", len(entries), n-1)
	}
	_, err = c.Request(t.Context(), &openflow.MultipartRequest{MPType: 77})
	if err == nil {
		t.Error("an unknown multipart request was answered")
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

// Open vSwitch without OpenFlow 1.3 is refused.
func TestOpenVSwitchWithout13(t *testing.T) {
	o := newOVS(t)
	o.vsctl("set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow14")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	o.vsctl("set-controller", "br0", "tcp:"+ln.Addr().String())
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Server(t.Context(), nc, Config{})
	wantKind(t, err, ErrVersion)
	if !strings.Contains(fmt.Sprint(err), "1.0, 1.4") {
		t.Error(err)
	}
}
