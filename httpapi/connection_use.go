package httpapi

import (
	"net/http"
	"net/netip"
	"slices"

	"conga/allocator"
	"conga/httpapi/connections"
	"conga/stats"
)

// viewAllocations is viewAllocation for many, with how each is used.
func (a *api) viewAllocations(x *exchange, list []allocator.Allocation) []allocationView {
	views := make([]allocationView, len(list))
	flows := make([]connections.Flow, len(list))
	for i, one := range list {
		views[i], flows[i] = viewAllocation(x.path, one), flowOf(one)
	}
	if a.Connections != nil {
		a.countReports(x, views, flows)
	}
	for i := range views {
		views[i].InUse = a.inUse(list[i], views[i].Connections)
	}
	return views
}

// countReports shows how many connections were reported of each flow. Where a
// project reports nothing at all that says nothing, and stays null.
func (a *api) countReports(x *exchange, views []allocationView, flows []connections.Flow) {
	list := x.path("connections") + "?allocation="
	reports, any := map[string]bool{}, false
	for i, f := range flows {
		if _, asked := reports[f.Project]; !asked {
			_, total := a.Connections.List(connections.Query{Project: f.Project}, 0, 0)
			reports[f.Project] = total > 0
			any = any || total > 0
		}
		views[i].Links.Connections = &link{list + views[i].ID}
	}
	if !any {
		return
	}
	for i, n := range a.Connections.Count(flows) {
		if reports[flows[i].Project] {
			views[i].Connections = &n
		}
	}
}

// inUse tells whether anybody is on an active path: somebody has reported a
// connection, or traffic is seen. Nil: nobody can tell.
func (a *api) inUse(one allocator.Allocation, reported *int) *bool {
	if one.State != allocator.Active {
		return new(false)
	}
	if reported != nil && *reported > 0 {
		return new(true)
	}
	if a.Statistics != nil {
		s := a.Statistics.Allocation(one.ID)
		rates := []*stats.Rate{s.Forward.EnteredRate, s.Reverse.EnteredRate, s.Forward.DeliveredRate, s.Reverse.DeliveredRate}
		for _, r := range rates {
			if r != nil && r.Bits > 0 {
				return new(true)
			}
		}
		if slices.ContainsFunc(rates, func(r *stats.Rate) bool { return r != nil }) && !s.Stale {
			return new(false)
		}
	}
	if reported != nil {
		return new(false)
	}
	return nil
}

// takeConnectionID takes connection_uuid, which says in one word what the
// addresses, the ports and the protocol say otherwise; beside it they are
// refused, and without it the addresses are required.
func (a *api) takeConnectionID(b *fields, f *allocationFields) (of value[string]) {
	if a.Connections != nil {
		of = b.text("connection_uuid")
	}
	if !of.set {
		b.require(required...)
		return of
	}
	b.require("project_id", "duration")
	for name, given := range map[string]bool{
		"src_ip": f.src.set, "dst_ip": f.dst.set, "src_port": f.srcPort.set, "dst_port": f.dstPort.set,
		"protocol": f.proto.set,
	} {
		if given {
			b.reject(name, "is what connection_uuid says already; leave one of them out")
		}
	}
	return of
}

// followConnection has the request be about the traffic of a connection, which
// must be one that the project has reported.
func (a *api) followConnection(f *allocationFields, of value[string]) error {
	if !of.set {
		return nil
	}
	c, err := a.Connections.Get(of.v)
	if err != nil || c.Project != f.project.v {
		return newFault(http.StatusUnprocessableEntity, "connection_uuid: the project has reported no such connection, or it has expired")
	}
	k := c.FlowKey()
	f.src, f.dst = value[netip.Addr]{v: k.Src, set: true}, value[netip.Addr]{v: k.Dst, set: true}
	f.srcPort = value[int64]{v: int64(k.SrcPort), set: true}
	f.dstPort = value[int64]{v: int64(k.DstPort), set: true}
	f.proto = value[uint8]{v: k.Proto, set: true}
	return nil
}
