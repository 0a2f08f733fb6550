//go:build linux

package main

import (
	"fmt"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A contents is what the switches hold, but for their counters.
type contents map[openflow.DPID]*switchContents

// A switchContents is what one switch holds.
type switchContents struct {
	rules  map[string]string                // all entries and meters but those of routes
	routes map[openflow.MAC]openflow.PortNo // best effort, by destination
}

// routeTable holds the best-effort routes, at routePriority.
const (
	routeTable    = 2
	routePriority = 200
)

// contents returns what all switches but one hold.
func (g *grid) contents(but *ofswitch.Switch) contents {
	p := contents{}
	for _, s := range g.Switches() {
		if s == but {
			continue
		}
		h := &switchContents{rules: map[string]string{}, routes: map[openflow.MAC]openflow.PortNo{}}
		p[s.DPID()] = h
		for _, e := range s.Flows(openflow.TableAll) {
			if to, ok := e.Match.Get(openflow.FieldEthDst); ok && e.Table == routeTable && e.Priority == routePriority {
				h.routes[to.MAC()] = outputOf(e.Instructions)
				continue
			}
			h.rules[fmt.Sprint(e.Table, e.Priority, e.Match.Key())] = fmt.Sprint(e.Cookie, e.Instructions)
		}
		for _, m := range s.MeterConfigs() {
			h.rules[fmt.Sprint("meter", m.Meter)] = fmt.Sprint(m)
		}
	}
	return p
}

// needless returns how many switches were written without need, and how many
// best-effort routes were changed whose way still existed. A switch has to be
// written if needed says so, if it holds something new other than routes, or if
// a route over it led into what has failed.
func (p contents) needless(now contents, g *grid, f failure, written map[openflow.DPID]int, needed map[openflow.DPID]bool) (switches, routes int) {
	ways, failed := g.ways(), map[switchPort]bool{}
	for _, e := range f.leads {
		failed[switchPort{e.sw.DPID(), e.port}] = true
	}
	for d, h := range p {
		broken := false
		for to, port := range now[d].routes {
			before, was := h.routes[to]
			switch {
			case was && before == port:
			case !was || p.dead(d, to, ways, failed):
				broken = true
			default:
				routes++
			}
		}
		for to := range h.routes {
			if _, is := now[d].routes[to]; !is {
				broken = true // the host has gone
			}
		}
		if written[d] > 0 && !needed[d] && !broken && sameRules(h.rules, now[d].rules) {
			switches++
		}
	}
	return switches, routes
}

// dead reports whether the way to a destination led into what has failed, or
// ended without a host.
func (p contents) dead(from openflow.DPID, to openflow.MAC, ways map[switchPort]switchPort, failed map[switchPort]bool) bool {
	for range len(p) {
		h := p[from]
		if h == nil {
			return true // the switch that is lost
		}
		out := switchPort{from, h.routes[to]}
		next, ok := ways[out]
		if failed[out] || !ok {
			return failed[out] || out.port == 0 // a host is there, or nothing
		}
		from = next.dpid
	}
	return true // a loop
}

func sameRules(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}
