// Package ovstest runs a private Open vSwitch for tests and benchmarks.
package ovstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// DPID is the datapath ID of the bridge, in the form that ovs-vsctl takes.
const DPID = "00000000000000c0"

// schema returns the database schema that goes with an ovs-vswitchd.
func schema(program string) string {
	const name = "share/openvswitch/vswitch.ovsschema"
	beside := filepath.Join(filepath.Dir(program), "..", name)
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	return filepath.Join("/usr", name)
}

// An OVS is an Open vSwitch with its own directory, database and daemons, and
// one userspace bridge, br0.
type OVS struct {
	t   testing.TB
	dir string
}

// Start starts an Open vSwitch that ends with the test, or skips the test where
// it is not installed or the test does not run as root.
func Start(t testing.TB) *OVS {
	t.Helper()
	program, err := exec.LookPath("ovs-vswitchd")
	if err != nil {
		t.Skip("Open vSwitch is not installed")
	}
	if _, err := os.Stat(schema(program)); err != nil {
		t.Skip("Open vSwitch is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("Open vSwitch needs root")
	}
	dir, err := os.MkdirTemp("", "ovs") // a short name: socket paths are limited
	if err != nil {
		t.Fatal(err)
	}
	o := &OVS{t: t, dir: dir}
	t.Cleanup(o.stop)
	sock, db := filepath.Join(dir, "db.sock"), filepath.Join(dir, "conf.db")
	o.Run("ovsdb-tool", "create", db, schema(program))
	o.Run("ovsdb-server", db, "--remote=punix:"+sock, "--pidfile", "--detach", "--no-chdir", "--log-file=/dev/null",
		"--unixctl="+filepath.Join(dir, "db.ctl"))
	o.Vsctl("--no-wait", "init")
	o.Run("ovs-vswitchd", "unix:"+sock, "--pidfile", "--detach", "--no-chdir", "--log-file=/dev/null",
		"--unixctl="+filepath.Join(dir, "vs.ctl"))
	o.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure",
		"protocols=OpenFlow10,OpenFlow13,OpenFlow14", "other-config:datapath-id="+DPID)
	return o
}

// Run runs a program of Open vSwitch against this one. A failure ends the test.
func (o *OVS) Run(name string, args ...string) {
	o.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+o.dir, "OVS_LOGDIR="+o.dir, "OVS_DBDIR="+o.dir)
	// Not a pipe: the daemons would hold it open.
	if err := cmd.Run(); err != nil {
		o.t.Fatalf("%s %v: %v", name, args, err)
	}
}

// Vsctl runs ovs-vsctl.
func (o *OVS) Vsctl(args ...string) {
	o.t.Helper()
	o.Run("ovs-vsctl", append([]string{"--db=unix:" + filepath.Join(o.dir, "db.sock"), "--timeout=10"}, args...)...)
}

// Bridge returns the name of the bridge for ovs-ofctl.
func (o *OVS) Bridge() string { return "unix:" + filepath.Join(o.dir, "br0.mgmt") }

// stop ends the daemons by the pids in their own files.
func (o *OVS) stop() {
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
