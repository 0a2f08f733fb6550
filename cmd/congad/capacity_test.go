package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// A link that comes to carry less than is reserved of it, because its port has
// become slower or the configuration says so, is left for another way, or it is
// said that there is none.
func TestLinkBecomesSlower(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conga.yaml")
	text := fmt.Sprintf(testConfig, filepath.Join(dir, "data"), "127.0.0.1:0")
	writeConfig(t, file, text)
	p := start(t, file)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := ofswitch.Diamond(ofswitch.TopologyConfig{
		Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}, Trunk: ofswitch.LinkConfig{Capacity: 1e9},
	})
	defer n.Close()
	n.Start(ctx, p.until("listening for switches")["addr"].(string))
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)
	c := p.login()
	made, err := c.Allocate(ctx, client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 500_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	becomes := func(what string, ok func(client.Allocation) bool) {
		t.Helper()
		eventually.True(t, what, func() bool {
			al, err := c.Show(ctx, made.ID)
			return err == nil && ok(al)
		})
	}
	active := func(over string) func(client.Allocation) bool {
		return func(al client.Allocation) bool {
			return al.State == client.Active && al.Reason == nil && len(al.Path) > 2 && al.Path[1].DPID == over
		}
	}
	const short, long = "0000000000000002", "0000000000000003"
	becomes("it takes the short way", active(short))
	for _, end := range ends(n.LinkBetween(1, 2)) {
		n.Switch(end.DPID).SetPortSpeed(end.Port, 100_000)
	}
	becomes("it takes the long way, since a link of the short one has become slow", active(long))

	detour := ends(n.LinkBetween(1, 3))
	links := fmt.Sprintf(`network: {links: [{a: "%s:%d", b: "%s:%d", capacity: 100M}], `,
		detour[0].DPID, detour[0].Port, detour[1].DPID, detour[1].Port)
	writeConfig(t, file, strings.Replace(text, "network: {", links, 1))
	p.Signal(syscall.SIGHUP)
	becomes("it says that it is degraded, since no way is left", func(al client.Allocation) bool {
		return al.State == client.Pending && al.Reason != nil && strings.HasPrefix(*al.Reason, "degraded to best effort: link ")
	})
	if applied := fmt.Sprint(p.until("configuration read again")["applied"]); applied != "[network.links]" {
		t.Errorf("applied %s", applied)
	}
	for _, end := range ends(n.LinkBetween(1, 2)) {
		n.Switch(end.DPID).SetPortSpeed(end.Port, 1_000_000)
	}
	becomes("it takes the short way again", active(short))
}

// ends returns the ports that a link joins.
func ends(l *ofswitch.Link) []ofswitch.End {
	a, b := l.Ends()
	return []ofswitch.End{a, b}
}
