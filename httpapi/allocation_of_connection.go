package httpapi

import (
	"net/http"
	"net/netip"
)

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
