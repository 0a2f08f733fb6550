package httpapi

import (
	"net/http"
	"slices"

	"conga/allocator"
	"conga/httpapi/rest"
)

// takeConnectionID takes connection_uuid of a request for an allocation.
func (a *api) takeConnectionID(b *rest.Fields, f allocationRequest) rest.Value[string] {
	return a.takeConnection(b, f, f.required()...)
}

// takeConnection takes connection_uuid, which stands for the attributes that
// say which traffic an allocation is for: with it they are refused, and not
// required.
func (a *api) takeConnection(b *rest.Fields, f allocationRequest, required ...string) (id rest.Value[string]) {
	if a.Connections != nil {
		id = b.Text("connection_uuid")
	}
	if !id.Set {
		b.Require(required...)
		return id
	}
	b.Require(slices.DeleteFunc(slices.Clone(required), func(name string) bool { return slices.Contains(trafficNames, name) })...)
	for _, name := range trafficNames {
		if f.of(name).set {
			b.Reject(name, "is what connection_uuid says already; leave one of them out")
		}
	}
	return id
}

// followConnection makes r a request for the traffic of a connection, which the
// project must have reported.
func (a *api) followConnection(r *allocator.Request, id rest.Value[string]) error {
	if !id.Set {
		return nil
	}
	c, err := a.Connections.Get(id.V)
	if err != nil || c.Project != r.ProjectID {
		return rest.NewFault(http.StatusUnprocessableEntity, "connection_uuid: the project has reported no such connection, or it has expired")
	}
	r.Key = c.FlowKey()
	return nil
}
