package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"conga/cmd/internal/eventually"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// An operator sends requests to a daemon with its admin key.
type operator struct {
	t         *testing.T
	url, key  string
	transport *http.Transport
}

func (p *running) operator(data string) *operator {
	p.t.Helper()
	key, err := os.ReadFile(filepath.Join(data, "admin.key"))
	if err != nil {
		p.t.Fatal(err)
	}
	o := &operator{t: p.t, url: p.until("listening for users")["url"].(string), key: strings.TrimSpace(string(key)),
		transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // its own certificate
	p.t.Cleanup(o.transport.CloseIdleConnections)
	return o
}

// first returns the first result at a path below /api.
func (o *operator) first(target string) map[string]any {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), "GET", o.url+"/api"+target, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+o.key)
	w, err := o.transport.RoundTrip(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer w.Body.Close()
	var answer struct {
		Results []map[string]any
		Errors  []string
	}
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || len(answer.Results) == 0 {
		o.t.Fatalf("%s: %v, %v", target, err, answer.Errors)
	}
	return answer.Results[0]
}

// packets returns how many packets one direction of an allocation entered and
// delivered.
func (o *operator) packets(id, way string) (entered, delivered float64) {
	d := o.first("/stats/allocations/" + id)[way].(map[string]any)
	of := func(name string) float64 { return d[name].(map[string]any)["packets"].(float64) }
	return of("entered"), of("delivered")
}

// Packets are counted in /stats, over kill -9 while packets flow, up to the
// receipt.
func TestStatisticsOverAKill(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "conga.yaml"), filepath.Join(dir, "data")
	config := testConfig + "stats: {interval: 1s}\n"
	writeConfig(t, file, fmt.Sprintf(config, data, "127.0.0.1:0"))
	p := start(t, file)
	addr := p.until("listening for switches")["addr"].(string)
	writeConfig(t, file, fmt.Sprintf(config, data, addr))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	n := ofswitch.Diamond(ofswitch.TopologyConfig{Switch: ofswitch.Config{Backoff: 100 * time.Millisecond}})
	defer n.Close()
	n.Start(ctx, addr)
	h1, h2 := n.Host("h1"), n.Host("h2")
	reach(ctx, t, h1, h2)
	c := p.login()
	made := activated(ctx, t, c, client.Request{
		ProjectID: "projectB", SrcIP: h1.Addr().String(), DstIP: h2.Addr().String(), Duration: 3600, Bandwidth: 40_000_000,
	})
	begun := time.Now().Unix()
	sent := 0.0
	send := func() {
		v, err := h1.SendUDP(ctx, netip.AddrPortFrom(h2.Addr(), 9), ofswitch.Traffic{Rate: 8e6, Size: 500, Duration: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		sent += float64(v.Packets)
	}
	counted := func(o *operator) {
		t.Helper()
		eventually.True(t, fmt.Sprintf("%v packets are counted", sent), func() bool {
			entered, delivered := o.packets(made.ID, "forward")
			return entered == sent && delivered == sent
		})
	}
	o := p.operator(data)
	send()
	counted(o)
	if s := o.first("/stats/links?from=1:2"); s["reserved"] != 4e7 || s["stale"] != false {
		t.Errorf("the link says %v", s)
	}
	if total := o.first("/stats")["entered"].(map[string]any)["packets"].(float64); total < sent {
		t.Errorf("the totals say %v packets, sent were %v", total, sent)
	}

	p.Stop(syscall.SIGKILL)
	send() // while no daemon runs
	p = start(t, file)
	o = p.operator(data)
	counted(o)

	send() // these are counted by the switches' flow-removed messages
	soon := time.Now().Unix() - begun + 3
	if _, err := p.login().Update(ctx, made.ID, client.Change{Duration: &soon}); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the receipt", func() bool { return o.first("/stats/allocations/" + made.ID)["final"] == true })
	counted(o)
	if code := p.Stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p = start(t, file)
	o = p.operator(data)
	counted(o)
	if r := o.first("/stats/allocations/" + made.ID); r["final"] != true || r["state"] != "complete" {
		t.Errorf("after a restart the receipt is %v", r)
	}
}
