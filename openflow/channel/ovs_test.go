package channel

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"conga/openflow"
	"conga/openflow/ovstest"
)

// connect has the bridge of an Open vSwitch connect to l.
func connect(t testing.TB, o *ovstest.OVS, l *Listener) *Conn {
	t.Helper()
	o.Vsctl("set-controller", "br0", "tcp:"+l.Addr().String())
	return accept(t, l)
}

func TestOpenVSwitch(t *testing.T) {
	o := ovstest.Start(t)
	l := listen(t, Config{EchoInterval: 200 * time.Millisecond})
	c := connect(t, o, l)
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
	o := ovstest.Start(t)
	o.Vsctl("set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow14")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	o.Vsctl("set-controller", "br0", "tcp:"+ln.Addr().String())
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
