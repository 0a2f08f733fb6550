package openflow

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const recordDPID DPID = 0x00c0ffee

// recordFrame is an LLDP-like frame that the recording sends through the
// switch.
var recordFrame = append([]byte{
	0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x0a, 0, 0, 0, 0, 1, 0x88, 0xcc,
}, make([]byte, 46)...)

// recordGolden starts a private Open vSwitch, talks to it and writes down what
// it says.
func recordGolden(t *testing.T) {
	r := startOpenVSwitch(t)
	r.recordIntroduction()
	r.recordEntries()
	r.recordStatistics()
	r.recordEvents()
	if err := os.WriteFile(goldenFile, []byte(r.out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r *recorder) keep(name string, b []byte) { fmt.Fprintf(&r.out, "%s\t%x\n", name, b) }

func (r *recorder) ask(name string, m Message, reply Type) {
	r.t.Helper()
	r.send(m)
	r.keep(name, r.next(reply))
}

func (r *recorder) recordIntroduction() {
	keep, ask := r.keep, r.ask
	keep("hello", r.next(TypeHello))
	r.send(NewHello(Version))
	ask("features", &FeaturesRequest{}, TypeFeaturesReply)
	ask("echo", &EchoRequest{Data: []byte("ping")}, TypeEchoReply)
	r.send(&SetConfig{MissSendLen: MaxLenNoBuffer}) // without it this kind of connection gets no packet-ins
	ask("config", &GetConfigRequest{}, TypeGetConfigReply)
	ask("role", &RoleRequest{Role: RoleEqual}, TypeRoleReply)
	r.send(&SetAsync{sampleAsync})
	ask("async", &GetAsyncRequest{}, TypeGetAsyncReply)
}

// recordedFlow returns the entry whose coming and going is recorded.
func recordedFlow() *FlowMod {
	add := *sampleFlowMod
	add.Command, add.Flags = FlowAdd, FlowSendFlowRem
	return &add
}

func (r *recorder) recordEntries() {
	r.send(&MeterMod{Command: MeterAdd, Flags: MeterKbps | MeterBurst | MeterStats, ID: 7, Bands: []MeterBand{
		{Type: MeterBandDrop, Rate: 1000, BurstSize: 100},
	}})
	r.send(&GroupMod{Command: GroupAdd, GroupType: GroupTypeFF, ID: 7, Buckets: []Bucket{
		{WatchPort: 1, WatchGroup: GroupAny, Actions: []Action{Output(1, 0)}},
		{WatchPort: 2, WatchGroup: GroupAny, Actions: []Action{Output(2, 0)}},
	}})
	r.send(recordedFlow())
	for i, text := range matchTexts {
		m, err := ParseMatch(text)
		if err != nil {
			r.t.Fatal(err)
		}
		r.send(&FlowMod{
			Cookie: Cookie(i), Table: 9, Priority: uint16(i), BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny,
			Match: m, Instructions: []Instruction{ApplyActions(GroupAction(7))},
		})
	}
	r.ask("barrier", &BarrierRequest{}, TypeBarrierReply)
	r.ask("error", &FlowMod{BufferID: NoBuffer, OutPort: PortAny, OutGroup: GroupAny, Match: Match{TCPDst(1)}}, TypeError)
}

func (r *recorder) recordStatistics() {
	keep, ask := r.keep, r.ask
	for _, body := range []MultipartRequestBody{
		AllFlows(), (*AggregateStatsRequest)(AllFlows()), &PortStatsRequest{Port: PortAny}, &GroupStatsRequest{Group: GroupAll},
		&QueueStatsRequest{Port: PortAny, Queue: QueueAll}, &MeterStatsRequest{Meter: MeterAll}, &MeterConfigRequest{Meter: MeterAll},
	} {
		name := body.requestType().String()
		if name == "flow" {
			name = "flow stats"
		}
		ask(name, NewMultipartRequest(body), TypeMultipartReply)
	}
	for _, typ := range []MultipartType{
		MultipartDesc, MultipartGroupDesc, MultipartGroupFeatures, MultipartMeterFeatures, MultipartPortDesc,
	} {
		ask(typ.String(), &MultipartRequest{MPType: typ}, TypeMultipartReply)
	}
	ask("queue config", &QueueGetConfigRequest{Port: 1}, TypeQueueGetConfigReply)
	ask("bundle", (&BundleControl{ID: 1, Type: BundleOpenRequest, Flags: BundleAtomic | BundleOrdered}).Experimenter(), TypeExperimenter)
	ask("bundle error", (&BundleControl{ID: 2, Type: BundleCommitRequest}).Experimenter(), TypeError)

	r.send(&MultipartRequest{MPType: MultipartTableFeatures})
	keep("table features", cutReply(r.next(TypeMultipartReply), func(b []byte) int { return int(binary.BigEndian.Uint16(b)) }))
	r.drain()
	r.send(&MultipartRequest{MPType: MultipartTable})
	keep("table", cutReply(r.next(TypeMultipartReply), func([]byte) int { return tableStatsLen }))
}

func (r *recorder) recordEvents() {
	keep, ask := r.keep, r.ask
	r.send(NewFlowDelete(TableAll, nil))
	r.drain()
	for _, text := range niciraFlows { // those that this switch takes
		r.command("ovs-ofctl", "-O", "OpenFlow13", "add-flow", "unix:"+filepath.Join(r.dir, "br0.mgmt"), "table=7,"+text).Run()
	}
	ask("flow stats of extensions", NewMultipartRequest(AllFlows()), TypeMultipartReply)
	r.send(recordedFlow())
	r.send(&PacketOut{
		BufferID: NoBuffer, InPort: 1, Actions: []Action{Output(PortController, MaxLenNoBuffer)}, Data: recordFrame,
	})
	keep("packet-in", r.next(TypePacketIn))
	del := recordedFlow()
	del.Command, del.Flags = FlowDeleteStrict, 0
	r.send(del)
	keep("flow removed", r.next(TypeFlowRemoved))
	r.vsctl("del-port", "br0", "p2")
	keep("port status", r.next(TypePortStatus))
}

// cutReply keeps the first element of a multipart reply that is too long for a
// golden file.
func cutReply(b []byte, first func([]byte) int) []byte {
	b = b[:16+first(b[16:])]
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[10:], 0) // no more parts
	return b
}

// recorder is a connection to a switch of its own.
type recorder struct {
	t    *testing.T
	dir  string
	conn net.Conn
	xid  uint32
	out  strings.Builder // what is recorded
}

// startOpenVSwitch starts a switch of dummy ports, with everything it needs in
// a temporary folder, and connects to its management socket.
func startOpenVSwitch(t *testing.T) *recorder {
	for _, program := range []string{"ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("recording needs Open vSwitch: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "ovs") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &recorder{t: t, dir: dir}
	db, sock := filepath.Join(dir, "conf.db"), "punix:"+filepath.Join(dir, "db.sock")
	r.run("ovsdb-tool", "create", db, "/usr/share/openvswitch/vswitch.ovsschema")
	r.start("ovsdb-server", db, "--remote="+sock)
	r.run("ovs-vsctl", "--no-wait", "--retry", "--db="+sock[1:], "init")
	r.start("ovs-vswitchd", sock[1:], "--enable-dummy=override")
	r.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "protocols=OpenFlow13", "fail_mode=secure",
		fmt.Sprintf("other_config:datapath-id=%v", recordDPID),
		"--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1",
		"--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2")
	if r.conn, err = net.Dial("unix", filepath.Join(dir, "br0.mgmt")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

func (r *recorder) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+r.dir, "OVS_LOGDIR="+r.dir, "OVS_DBDIR="+r.dir)
	return cmd
}

func (r *recorder) run(name string, args ...string) {
	r.t.Helper()
	if out, err := r.command(name, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (r *recorder) vsctl(args ...string) {
	r.t.Helper()
	r.run("ovs-vsctl", append([]string{"--timeout=10", "--db=unix:" + filepath.Join(r.dir, "db.sock")}, args...)...)
}

// start runs a daemon in the foreground, as a child that ends with the test.
func (r *recorder) start(name string, args ...string) {
	r.t.Helper()
	cmd := r.command(name, append(args, "--no-chdir", "--log-file=/dev/null")...)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

func (r *recorder) send(m Message) {
	r.t.Helper()
	r.xid++
	if _, err := r.conn.Write(mustAppend(r.t, r.xid, m)); err != nil {
		r.t.Fatal(err)
	}
}

// next returns the next message of the type, and passes over what else comes,
// but for errors.
func (r *recorder) next(want Type) []byte {
	r.t.Helper()
	for {
		b := r.read()
		switch Type(b[1]) {
		case want:
			return b
		case TypeError:
			_, m, err := Parse(b)
			r.t.Fatalf("waiting for %v: %v, %v", want, m, err)
		}
	}
}

// drain reads the parts of a multipart reply that still come.
func (r *recorder) drain() {
	r.send(&BarrierRequest{})
	r.next(TypeBarrierReply)
}

func (r *recorder) read() []byte {
	r.t.Helper()
	r.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	head := make([]byte, HeaderLen)
	if _, err := io.ReadFull(r.conn, head); err != nil {
		r.t.Fatal(err)
	}
	b := append(head, make([]byte, int(binary.BigEndian.Uint16(head[2:]))-HeaderLen)...)
	if _, err := io.ReadFull(r.conn, b[HeaderLen:]); err != nil {
		r.t.Fatal(err)
	}
	return b
}
