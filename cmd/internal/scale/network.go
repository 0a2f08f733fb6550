//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A grid is a torus of emulated switches: each is linked to four neighbours,
// and has its hosts on its first ports.
type grid struct {
	*ofswitch.Network
	side     int // switches in a row, and rows
	hosts    int // a switch
	recorder *recorder
}

// A switchPort is a port of a switch.
type switchPort struct {
	dpid openflow.DPID
	port openflow.PortNo
}

// newGrid makes a torus of side times side switches, at least nine. No switch
// is connected to a controller yet.
func newGrid(side, hosts int) *grid {
	g := &grid{Network: ofswitch.NewNetwork(ofswitch.NetworkConfig{MaxQueue: 1 << 20}), side: side, hosts: hosts}
	for i := range side * side {
		s := g.AddSwitch(ofswitch.Config{DPID: openflow.DPID(i + 1), Backoff: time.Second, Probe: time.Minute})
		for k := range hosts {
			mac, addrs := ofswitch.HostAddrs(i*hosts + k + 1)
			g.AddHost(fmt.Sprintf("h%d", i*hosts+k+1), mac, addrs[:1], s, openflow.PortNo(k+1))
		}
	}
	all := g.Switches()
	for i, s := range all {
		row, col := i/side, i%side
		east, south := all[row*side+(col+1)%side], all[(row+1)%side*side+col]
		g.Link(s, g.trunk(0), east, g.trunk(1), ofswitch.LinkConfig{})
		g.Link(s, g.trunk(2), south, g.trunk(3), ofswitch.LinkConfig{})
	}
	g.recorder = record(g.Network)
	return g
}

// trunk returns the port that leads east, west, south or north: 0, 1, 2 or 3.
func (g *grid) trunk(direction int) openflow.PortNo { return openflow.PortNo(g.hosts + 1 + direction) }

// directed returns how many directed links there are between switches.
func (g *grid) directed() int { return 4 * g.side * g.side }

// size returns how many switches there are.
func (g *grid) size() int { return g.side * g.side }

// hostOf returns a host of a switch, both counted from 0.
func (g *grid) hostOf(sw, k int) netip.Addr {
	_, addrs := ofswitch.HostAddrs(sw*g.hosts + k + 1)
	return addrs[0]
}

// neighbour returns the switch that is so many columns to the east and rows to
// the south of another, both counted from 0.
func (g *grid) neighbour(sw, east, south int) int {
	wrap := func(n int) int { return (n%g.side + g.side) % g.side }
	return wrap(sw/g.side+south)*g.side + wrap(sw%g.side+east)
}

// speak has hosts make themselves known, at most so many a second. Each sends
// an ARP reply to the first host: a broadcast would reach every other host,
// which costs the emulation more than anything that is measured.
func (g *grid) speak(ctx context.Context, silent func(netip.Addr) bool, rate int) error {
	all := g.Hosts()
	first := all[0]
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for i, h := range all {
		if !silent(h.Addr()) {
			continue
		}
		if h == first {
			h.Send(ofswitch.ARPRequest(h.MAC(), h.Addr(), h.Addr()))
		} else {
			h.Send(ofswitch.ARPReply(h.MAC(), h.Addr(), first.MAC(), first.Addr()))
		}
		if i%max(1, rate/100) == 0 {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// ways returns where each port that leads to another switch leads.
func (g *grid) ways() map[switchPort]switchPort {
	out := map[switchPort]switchPort{}
	for _, l := range g.Links() {
		if a, b := l.Ends(); a.Host == "" && b.Host == "" {
			out[switchPort{a.DPID, a.Port}], out[switchPort{b.DPID, b.Port}] = switchPort{b.DPID, b.Port}, switchPort{a.DPID, a.Port}
		}
	}
	return out
}

// quiet waits until no switch has been changed for a while, and returns when
// the last change came.
func (g *grid) quiet(ctx context.Context, while time.Duration) (time.Time, error) {
	began := time.Now()
	for {
		last := g.recorder.lastChange()
		if last.Before(began) {
			last = began
		}
		if time.Since(last) >= while {
			return last, nil
		}
		if err := sleep(ctx, max(time.Millisecond, while-time.Since(last))); err != nil {
			return last, fmt.Errorf("the switches are still being changed: %w", err)
		}
	}
}
