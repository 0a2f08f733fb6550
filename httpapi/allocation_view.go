package httpapi

import (
	"conga/allocator"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// allocationView is an allocation as the document shows it, in its order, and
// below that what we add. What is absent is null.
type allocationView struct {
	ID        string  `json:"allocation_id"`
	StartTime *int64  `json:"start_time"` // planned while pending, actual from then on
	EndTime   *int64  `json:"end_time"`
	State     string  `json:"state"`
	Bandwidth *uint64 `json:"bandwidth"` // bit/s
	UserID    string  `json:"user_id"`
	ProjectID string  `json:"project_id"`
	SrcIP     string  `json:"src_ip"`
	SrcPort   *uint16 `json:"src_port"`
	DstIP     string  `json:"dst_ip"`
	DstPort   *uint16 `json:"dst_port"`
	Duration  int64   `json:"duration"`

	Protocol string    `json:"protocol"`
	Lease    *int64    `json:"lease"` // seconds
	Reason   *string   `json:"reason"`
	Path     []hopView `json:"path"`

	Connections *int            `json:"connections"` // reported of its traffic; null: the project reports nothing
	InUse       *bool           `json:"in_use"`      // active, and somebody is on it; null: nobody can tell
	Links       allocationLinks `json:"_links"`
}

// allocationLinks leads from an allocation to who is on its path.
type allocationLinks struct {
	Self        rest.Link  `json:"self"`
	Connections *rest.Link `json:"connections,omitempty"`
}

// hopView is one switch on the path: the ports where traffic from the source
// enters and leaves it.
type hopView struct {
	DPID string `json:"dpid"`
	In   uint32 `json:"in_port"`
	Out  uint32 `json:"out_port"`
}

// createdView answers POST /allocations.
type createdView struct {
	ID    string     `json:"allocation_id"`
	State string     `json:"state"`
	Links rest.Links `json:"_links"`
}

// deletedView answers DELETE /allocations/{id}.
type deletedView struct {
	ID string `json:"allocation_id"`
}

// orNull is a pointer to v, or nil for the zero value, which says "absent"
// everywhere in an allocation.
func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// viewAllocation shows an allocation; path makes the addresses of its links.
func viewAllocation(path func(...string) string, a allocator.Allocation) allocationView {
	v := allocationView{
		ID: a.ID, State: string(a.State), Bandwidth: orNull(uint64(a.Bandwidth)),
		UserID: a.UserID, ProjectID: a.ProjectID,
		SrcIP: a.Key.Src.String(), SrcPort: orNull(a.Key.SrcPort),
		DstIP: a.Key.Dst.String(), DstPort: orNull(a.Key.DstPort),
		Duration: a.Duration, Protocol: protocolName(a.Key.Proto), Reason: orNull(a.Reason), Lease: orNull(a.Lease),
		Links: allocationLinks{Self: rest.LinkTo(path("allocations", a.ID))},
	}
	if a.Window != (allocator.Window{}) {
		v.StartTime, v.EndTime = &a.Window.Start, &a.Window.End
	}
	for _, h := range a.Path {
		v.Path = append(v.Path, hopView{DPID: h.DPID.String(), In: uint32(h.In), Out: uint32(h.Out)})
	}
	return v
}

func protocolName(proto uint8) string {
	switch proto {
	case path.ProtoTCP:
		return "tcp"
	case path.ProtoUDP:
		return "udp"
	}
	return "any"
}

// protocolNumber reads what protocolName writes.
func protocolNumber(name string) (proto uint8, ok bool) {
	switch name {
	case "tcp":
		return path.ProtoTCP, true
	case "udp":
		return path.ProtoUDP, true
	case "any":
		return path.ProtoAny, true
	}
	return 0, false
}
