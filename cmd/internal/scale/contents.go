//go:build linux

package main

import (
	"fmt"

	"conga/openflow"
	"conga/openflow/ofswitch"
)

// A picture is what the switches hold, but for their counters.
type picture map[openflow.DPID]*holding

// A holding is what one switch holds.
type holding struct {
	rules  map[string]string                // all entries and meters but those of routes
	routes map[openflow.MAC]openflow.PortNo // best effort, by destination
}

// routeTable holds the best-effort routes, at routePriority.
const (
	routeTable    = 2
	routePriority = 200
)

// picture returns what all switches but one hold.
func (g *grid) picture(but *ofswitch.Switch) picture {
	p := picture{}
	for _, s := range g.Switches() {
		if s == but {
			continue
		}
		h := &holding{rules: map[string]string{}, routes: map[openflow.MAC]openflow.PortNo{}}
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

// needless returns how many switches were written that need not have been, and
// how many best-effort routes were changed whose way still existed. A switch
// has to be written if it is needed, if it now holds anything else than routes
// that it did not hold, or if a route over it led into what has failed.
func (p picture) needless(now picture, g *grid, f failure, written map[openflow.DPID]int, needed map[openflow.DPID]bool) (switches, routes int) {
	ways, failed := g.ways(), map[place]bool{}
	for _, e := range f.leads {
		failed[place{e.sw.DPID(), e.port}] = true
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
// nowhere.
func (p picture) dead(from openflow.DPID, to openflow.MAC, ways map[place]place, failed map[place]bool) bool {
	for range len(p) {
		h := p[from]
		if h == nil {
			return true // the switch that is lost
		}
		out := place{from, h.routes[to]}
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
