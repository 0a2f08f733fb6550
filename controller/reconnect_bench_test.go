package controller

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/openflow/ovstest"
)

const benchEntries = 100_000

// manyCircuits returns so many circuits through one switch that it holds
// benchEntries flow entries of them.
func manyCircuits() []path.Circuit {
	circuits := make([]path.Circuit, benchEntries/2)
	for i := range circuits {
		circuits[i] = path.Circuit{
			ID: fmt.Sprint(i), Handle: uint32(i + 1), Path: path.Path{{DPID: 0xc0, In: 1, Out: 2}},
			Key: path.FlowKey{
				Src: path.Host(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})), Dst: path.Host(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})),
			},
		}
	}
	return circuits
}

// compared runs a controller for an Open vSwitch that connects to it, until the
// switch holds what it should. It returns how long that took from the
// handshake, and how many flow mods.
func compared(b *testing.B, o *ovstest.OVS, listen string, circuits []path.Circuit) (took time.Duration, mods uint64, addr string) {
	b.Helper()
	c, err := New(Config{Listen: listen, Patience: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	c.Restore(circuits)
	if err := c.Listen(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	if addr = c.Addr().String(); strings.HasSuffix(listen, ":0") {
		o.Vsctl("set-controller", "br0", "tcp:"+addr)
	}
	began := time.Now()
	var met time.Time
	for held := false; !held; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			b.Fatal("not compared within a minute")
		}
		looked := make(chan struct{})
		c.post(ctx, inspect(func(k *core) {
			defer close(looked)
			p := k.peers[0xc0]
			if p == nil {
				return
			}
			if held = p.first != 0 && p.all >= p.first; held {
				met, mods = p.session.mastered, p.session.sent.Load()
			}
		}))
		<-looked
	}
	took = time.Since(met)
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return took, mods, addr
}

// BenchmarkReconnectOpenVSwitch has an Open vSwitch with 100,000 right entries
// connect, and then one of which 1,000 are missing and that has 1,000 strange
// ones of ours.
func BenchmarkReconnectOpenVSwitch(b *testing.B) {
	o := ovstest.Start(b)
	circuits := manyCircuits()
	_, _, addr := compared(b, o, "127.0.0.1:0", circuits)
	for b.Loop() {
		took, mods, _ := compared(b, o, addr, circuits)
		b.ReportMetric(took.Seconds(), "s/right")
		b.ReportMetric(float64(mods), "mods/right")
		damage(b, o)
		took, mods, _ = compared(b, o, addr, circuits)
		b.ReportMetric(took.Seconds(), "s/repaired")
		b.ReportMetric(float64(mods), "mods/repaired")
	}
}

// damage takes 1,000 entries out of the bridge and adds 1,000 that are not
// wanted.
func damage(b *testing.B, o *ovstest.OVS) {
	b.Helper()
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "delete table=0,ip,nw_src=10.1.%d.%d\ndelete table=0,ip,nw_dst=10.1.%d.%d\n", i>>8, i&0xff, i>>8, i&0xff)
	}
	for i := range 1000 {
		cookie := uint64(purpose.MakeCookie(purpose.Allocation, uint64(0x100000+i)))
		fmt.Fprintf(&text, "add table=0,priority=20000,cookie=%#x,in_port=3,ip,nw_src=10.9.%d.%d,actions=output:2\n", cookie, i>>8, i&0xff)
	}
	file := filepath.Join(b.TempDir(), "flows")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	o.Run("ovs-ofctl", "-O", "OpenFlow13", "add-flows", o.Bridge(), file)
}
