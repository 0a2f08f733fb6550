package httpapi

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"conga/httpapi/rest"
	"conga/stats"
)

// flowStats holds a flow entry with its counters. It counts packets before a
// meter drops any.
type flowStats struct {
	Table        uint32   `json:"table"`
	Priority     uint16   `json:"priority"`
	Cookie       string   `json:"cookie"`
	Kind         string   `json:"kind"`          // control, forward, allocation or foreign
	Allocation   *string  `json:"allocation_id"` // that an allocation's entry is of
	Match        string   `json:"match"`         // as ovs-ofctl prints it
	Instructions []string `json:"instructions"`
	trafficView
	IdleTimeout uint16  `json:"idle_timeout"` // seconds; 0: none
	HardTimeout uint16  `json:"hard_timeout"`
	Age         float64 `json:"age"` // seconds
	freshness
	Links rest.Relations `json:"_links"`
}

// listFlowStats serves GET and HEAD /stats/switches/{dpid}/flows, in the order
// in which the switch looks at the entries. They are asked of the switch,
// unless that was done a moment ago.
func (a *api) listFlowStats(x *exchange) error {
	d, err := a.details(x, "table", 0)
	if err != nil {
		return err
	}
	list, told := a.Statistics.Flows(x.Request.Context(), d.sw)
	d.fresh = freshness{nil, true}
	if told {
		d.fresh = freshness{unixOrNull(list.At), list.Stale}
	}
	type placed struct {
		position string
		*stats.Flow
	}
	var flows []placed
	for i := range list.Flows {
		if f := &list.Flows[i]; d.picked(uint32(f.Table)) {
			flows = append(flows, placed{positionOfFlow(f), f})
		}
	}
	slices.SortFunc(flows, func(a, b placed) int { return cmp.Compare(a.position, b.position) })
	return showPage(x, d.query, flows, func(f placed) string { return f.position }, func(f placed) flowStats { return d.viewFlow(x, f.Flow) })
}

// positionOfFlow returns that of a flow entry in the order in which its switch
// looks at the entries. What a match says is hashed, to be as long as any
// other.
func positionOfFlow(f *stats.Flow) string {
	match := sha256.Sum256([]byte(f.Match.String()))
	return rest.Order(uint64(f.Table), math.MaxUint16-uint64(f.Priority), uint64(f.Cookie)) + string(match[:16])
}

func (d *detail) viewFlow(x *exchange, f *stats.Flow) flowStats {
	v := flowStats{
		Table: uint32(f.Table), Priority: f.Priority, Cookie: fmt.Sprintf("%016x", uint64(f.Cookie)), Kind: f.Kind.String(),
		Allocation: orNull(f.Allocation), Match: f.Match.String(), Instructions: []string{},
		trafficView: viewTraffic(stats.Volume{Packets: f.PacketCount, Bytes: f.ByteCount}, f.Rate),
		IdleTimeout: f.IdleTimeout, HardTimeout: f.HardTimeout, Age: round(f.Age().Seconds()), freshness: d.fresh,
		Links: d.links("flows", uint32(f.Table)), // an entry has no address of its own: its table's
	}
	for _, in := range f.Instructions {
		v.Instructions = append(v.Instructions, in.String())
	}
	if f.Allocation != "" {
		v.Links["allocation"] = rest.LinkTo(x.path("stats", "allocations", f.Allocation))
	}
	return v
}
