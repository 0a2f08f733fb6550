package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"conga/bitrate"
	"conga/httpapi/client"
	"conga/openflow/ofswitch"
)

// The rates of the demonstration, in bit/s. The transfer and the flood do not
// both fit on a trunk.
const (
	trunkRate    = 100_000_000
	transferRate = 20_000_000
	promisedRate = 30_000_000
	floodRate    = 200_000_000
	measureTime  = 1500 * time.Millisecond
)

// demoNetwork returns four switches, with two hosts on the first, two on the
// last, and two ways between these.
func demoNetwork() *ofswitch.Network {
	return ofswitch.Diamond(ofswitch.TopologyConfig{
		Trunk: ofswitch.LinkConfig{Capacity: trunkRate, Delay: time.Millisecond},
		Edge:  ofswitch.LinkConfig{Capacity: 1_000_000_000},
		Hosts: 2,
		// Meters may have any ID that OpenFlow allows (§7.3.4.4), as with Open
		// vSwitch.
		Switch: ofswitch.Config{Backoff: time.Second},
	})
}

// A story is the demonstration of CONGA on an emulated network.
type story struct {
	out              io.Writer
	net              *ofswitch.Network
	url, fingerprint string
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// run runs the demonstration, unless an earlier one has left allocations in the
// store, which would be in its way.
func (s *story) run(ctx context.Context) error {
	s.say("An emulated network: h1, h2 - s1 - s2 or s3 - s4 - h3, h4; %s between the switches.", rateText(trunkRate))
	if err := s.meet(ctx); err != nil {
		return err
	}
	c, err := s.login(ctx, "abc123", "projectB")
	if err != nil {
		return err
	}
	defer c.Close()
	left, err := s.left(ctx, c)
	if err != nil {
		return err
	}
	if left > 0 {
		s.say("\nThe store has allocations of an earlier demonstration, %d of them not complete. They go on, and it is not repeated.", left)
		return nil
	}
	return s.show(ctx, c)
}

// left returns how many allocations of its project an earlier demonstration has
// left that are not complete.
func (s *story) left(ctx context.Context, c *client.Client) (n int, err error) {
	for _, state := range []client.State{client.Pending, client.Active} {
		for _, err := range c.List(ctx, "projectB", state) {
			if err != nil {
				return 0, err
			}
			n++
		}
	}
	return n, nil
}

// show floods a transfer, and does so again when it has an allocation.
func (s *story) show(ctx context.Context, c *client.Client) error {
	h1, h2, h3 := s.net.Host("h1"), s.net.Host("h2"), s.net.Host("h3")
	s.say("\nh1 sends %s to h3, while h2 floods h3 with %s.", rateText(transferRate), rateText(floodRate))
	before, err := s.measure(ctx, h1, h2, h3)
	if err != nil {
		return err
	}
	s.say("  without an allocation:         %3.0f %% of h1's packets arrive", before)
	al, err := s.allocate(ctx, c, "projectB", h1, h3, client.Request{Bandwidth: promisedRate, Duration: 3600})
	if err != nil {
		return err
	}
	if al, err = c.Wait(ctx, al.ID, client.Active, nil); err != nil {
		return err
	}
	after, err := s.measure(ctx, h1, h2, h3)
	if err != nil {
		return err
	}
	s.say("  with one of %s: %3.0f %% arrive, marked with DSCP %d", rateText(promisedRate), after, h3.Got(h1.Addr(), transferPort).DSCP)
	s.say("  its path: %s", pathText(al.Path))
	return s.more(ctx, c)
}

// meet waits until the switches are connected and all hosts reach each other,
// from which CONGA learns where they are.
func (s *story) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.net.WaitConnected(ctx); err != nil {
		return fmt.Errorf("the emulated switches do not connect: %w", err)
	}
	hosts := s.net.Hosts()
	for i, h := range hosts {
		if _, err := h.Ping(ctx, hosts[(i+1)%len(hosts)].Addr()); err != nil {
			return fmt.Errorf("the emulated hosts do not reach each other: %w", err)
		}
	}
	return nil
}

const transferPort, floodPort = 5001, 5002

// measure transfers from one host to another while a third floods the latter,
// and returns the share of the transfer that arrived, in percent.
func (s *story) measure(ctx context.Context, from, flooder, to *ofswitch.Host) (float64, error) {
	to.ResetGot()
	flood := make(chan error, 1)
	go func() {
		_, err := flooder.SendUDP(ctx, netip.AddrPortFrom(to.Addr(), floodPort),
			ofswitch.Traffic{Rate: floodRate, Size: 1400, Duration: measureTime + 500*time.Millisecond})
		flood <- err
	}()
	sent, err := from.SendUDP(ctx, netip.AddrPortFrom(to.Addr(), transferPort),
		ofswitch.Traffic{Rate: transferRate, Size: 1400, Duration: measureTime})
	if flooded := <-flood; err == nil {
		err = flooded
	}
	if err == nil {
		err = s.net.Settle(ctx)
	}
	if err != nil || sent.Packets == 0 {
		return 0, err
	}
	return 100 * float64(to.Got(from.Addr(), transferPort).Packets) / float64(sent.Packets), nil
}

// login gets a key over the API.
func (s *story) login(ctx context.Context, user, project string) (*client.Client, error) {
	cfg := client.Config{BaseURL: s.url, Fingerprint: s.fingerprint}
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	key, err := c.Login(ctx, client.Credentials{UserID: user, ProjectID: project})
	if err != nil {
		return nil, err
	}
	cfg.Key = key.APIKey
	return client.New(cfg)
}

func (s *story) allocate(ctx context.Context, c *client.Client, project string, from, to *ofswitch.Host, r client.Request) (client.Allocation, error) {
	r.ProjectID, r.SrcIP, r.DstIP = project, from.Addr().String(), to.Addr().String()
	return c.Allocate(ctx, r)
}

// more makes sample allocations of other kinds.
func (s *story) more(ctx context.Context, c *client.Client) error {
	other, err := s.login(ctx, "qrs456", "projectC")
	if err != nil {
		return err
	}
	defer other.Close()
	h1, h2, h3, h4 := s.net.Host("h1"), s.net.Host("h2"), s.net.Host("h3"), s.net.Host("h4")
	tomorrow := time.Now().Add(24 * time.Hour).Unix()
	for _, sample := range []struct {
		c        *client.Client
		project  string
		from, to *ofswitch.Host
		r        client.Request
	}{
		{c, "projectB", h2, h4, client.Request{Bandwidth: 20_000_000, Duration: 1800, Protocol: "udp", DstPort: client.OnePort(floodPort)}},
		{c, "projectB", h1, h4, client.Request{Bandwidth: 60_000_000, Duration: 7200, StartTime: tomorrow}},
		{other, "projectC", h4, h2, client.Request{Duration: 600}},
		{other, "projectC", h3, h2, client.Request{Bandwidth: 75_000_000, Duration: 600}},
	} {
		if _, err := s.allocate(ctx, sample.c, sample.project, sample.from, sample.to, sample.r); err != nil {
			return err
		}
	}
	return nil
}

// invite prints how to continue.
func (s *story) invite() {
	s.say("\nThe daemon goes on until you interrupt it. In another terminal (no password is needed, press Enter):")
	s.say("  bin/conga login --server %s --fingerprint %s --user abc123 --project projectB", s.url, s.fingerprint)
	s.say("  bin/conga list")
	s.say("  bin/conga allocate %s %s --bandwidth 10M --duration 10m --wait", s.net.Host("h2").Addr(), s.net.Host("h3").Addr())
}

func rateText(bits uint64) string { return bitrate.Rate(bits).String() + "bit/s" }

func pathText(path []client.Hop) string {
	hops := make([]string, len(path))
	for i, h := range path {
		hops[i] = fmt.Sprintf("%s[%d>%d]", h.DPID, h.In, h.Out)
	}
	return strings.Join(hops, " ")
}
