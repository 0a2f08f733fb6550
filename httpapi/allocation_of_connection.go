package httpapi

import (
	"net/http"
	"net/netip"

	"conga/httpapi/rest"
)

// takeConnectionID takes connection_uuid, which says in one word what the
// addresses, the ports and the protocol say otherwise; beside it they are
// refused, and without it the addresses are required.
func (a *api) takeConnectionID(b *rest.Fields, f *allocationFields) (of rest.Value[string]) {
	if a.Connections != nil {
		of = b.Text("connection_uuid")
	}
	if !of.Set {
		b.Require(required...)
		return of
	}
	b.Require("project_id", "duration")
	for name, given := range map[string]bool{
		"src_ip": f.src.Set, "dst_ip": f.dst.Set, "src_port": f.srcPort.Set, "dst_port": f.dstPort.Set,
		"protocol": f.proto.Set,
	} {
		if given {
			b.Reject(name, "is what connection_uuid says already; leave one of them out")
		}
	}
	return of
}

// followConnection has the request be about the traffic of a connection, which
// must be one that the project has reported.
func (a *api) followConnection(f *allocationFields, of rest.Value[string]) error {
	if !of.Set {
		return nil
	}
	c, err := a.Connections.Get(of.V)
	if err != nil || c.Project != f.project.V {
		return rest.NewFault(http.StatusUnprocessableEntity, "connection_uuid: the project has reported no such connection, or it has expired")
	}
	k := c.FlowKey()
	f.src, f.dst = rest.Value[netip.Addr]{V: k.Src, Set: true}, rest.Value[netip.Addr]{V: k.Dst, Set: true}
	f.srcPort = rest.Value[int64]{V: int64(k.SrcPort), Set: true}
	f.dstPort = rest.Value[int64]{V: int64(k.DstPort), Set: true}
	f.proto = rest.Value[uint8]{V: k.Proto, Set: true}
	return nil
}
