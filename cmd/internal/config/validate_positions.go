package config

import (
	"fmt"

	"conga/openflow"
)

// mostCoordinate bounds x and y, so that a map can be drawn of any two.
const mostCoordinate = 1_000_000

// drawn checks where switches are drawn: each once, and all by the same two
// coordinates, since one map shows them all.
func (v *validator) drawn(list []Position) {
	seen := map[DPID]int{}
	first := -1 // the first that says by which coordinates
	for i, p := range list {
		key := fmt.Sprintf("network.positions[%d]", i)
		if p.DPID == 0 {
			v.add(key+".dpid", `the datapath ID is missing; write 16 hex digits, such as "0000000000000001"`)
		} else if other, ok := seen[p.DPID]; ok {
			v.add(key+".dpid", "switch %s is already network.positions[%d]; keep one", openflow.DPID(p.DPID), other)
		} else {
			seen[p.DPID] = i
		}
		if !v.coordinates(key, p) {
			continue
		}
		if first < 0 {
			first = i
		} else if (list[first].X == nil) != (p.X == nil) {
			v.add(key, "one map cannot show both: network.positions[%d] has %s; write the same of all switches", first, list[first].by())
		}
	}
}

// by returns the names of the coordinates of a position that has them.
func (p Position) by() string {
	if p.X != nil {
		return "x and y"
	}
	return "latitude and longitude"
}

// coordinates checks one position and reports whether it has two coordinates
// that belong together.
func (v *validator) coordinates(key string, p Position) bool {
	plane, earth := p.X != nil || p.Y != nil, p.Latitude != nil || p.Longitude != nil
	switch {
	case plane == earth:
		v.add(key, "a position is x and y, or latitude and longitude; write one of the two pairs")
		return false
	case plane && (p.X == nil || p.Y == nil):
		v.add(key, "x and y belong together; write both")
		return false
	case earth && (p.Latitude == nil || p.Longitude == nil):
		v.add(key, "latitude and longitude belong together; write both")
		return false
	}
	if plane {
		v.within(key+".x", *p.X, mostCoordinate, "coordinate")
		v.within(key+".y", *p.Y, mostCoordinate, "coordinate")
	} else {
		v.within(key+".latitude", *p.Latitude, 90, "latitude")
		v.within(key+".longitude", *p.Longitude, 180, "longitude")
	}
	return true
}

// within checks that a number is between -most and most. The comparison is
// written so that NaN fails it.
func (v *validator) within(key string, n float64, most int, what string) {
	if m := float64(most); !(n >= -m && n <= m) {
		v.add(key, "%v is no %s; write a number from %d to %d", n, what, -most, most)
	}
}
