package httpapi

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

var errNoConnection = rest.NewFault(http.StatusNotFound, "connection_uuid: no such connection, or it has expired")

// routeConnections adds the connections below one of the API's bases.
func (a *api) routeConnections(g *gin.RouterGroup) {
	if a.Connections == nil {
		return
	}
	g.Match(read, "/connections", a.keyed(a.listConnections))
	g.POST("/connections", a.serve(reportForm, needsKey, a.reportConnections))
	g.Match(read, "/connections/:id", a.keyed(a.showConnection))
}

// reportConnections serves POST /connections below /api: 201 if any was not
// known.
func (a *api) reportConnections(x *exchange) error {
	receipt, err := a.takeOver(x)
	if err != nil {
		return err
	}
	views := make([]namedView, len(receipt.IDs))
	for i, id := range receipt.IDs {
		views[i] = namedView{id, connectionLinks(x, id)}
	}
	code := http.StatusOK
	if receipt.Fresh > 0 {
		code = http.StatusCreated
	}
	return x.succeed(code, views)
}

// takeOver saves what the body reports: all of it or nothing.
func (a *api) takeOver(x *exchange) (connections.Result, error) {
	inBody := takeName(x.body, "project_id")
	reports := takeReports(x.body)
	p, err := x.parameters("project_id")
	if err != nil {
		return connections.Result{}, err
	}
	project, err := a.projectOf(x, inBody, p.Text("project_id"))
	if err != nil {
		return connections.Result{}, err
	}
	if project == "" {
		return connections.Result{}, rest.NewFault(http.StatusUnprocessableEntity,
			"project_id: is required with an operator's key, in the query if the body is an array")
	}
	return a.Connections.Report(x.Request.Context(), project, reports)
}

// projectOf returns the project whose connections a request is about: the one
// that body or query name, or else the key's own, which for an operator is "":
// all.
func (a *api) projectOf(x *exchange, inBody rest.Value[string], inQuery string) (string, error) {
	project := inQuery
	switch {
	case inBody.Set && inQuery != "" && inQuery != inBody.V:
		return "", rest.NewFault(http.StatusUnprocessableEntity, "project_id: body and query name different projects")
	case inBody.Set:
		project = inBody.V
	case inQuery == "":
		return x.key.Project, nil
	}
	return project, a.mayUse(x, project)
}

// listConnections serves GET and HEAD /connections below /api.
func (a *api) listConnections(x *exchange) error {
	q, want, err := a.connectionQuery(x)
	if err != nil {
		return err
	}
	found, err := a.pageOfConnections(x, q, want)
	if err != nil {
		return err
	}
	views := make([]connectionView, len(found))
	for i, c := range found {
		views[i] = viewConnection(x, c)
	}
	return x.succeed(http.StatusOK, views)
}

// pageOfConnections returns the connections on a page of the list at the
// request's address, and sets the header that leads to the others.
func (a *api) pageOfConnections(x *exchange, q rest.Page, want connections.Query) (found []*connections.Connection, err error) {
	var e rest.Edges
	found = a.Connections.Cut(want, func(total int, number func(i int) uint64) (first, last int) {
		first, last, e, err = q.Cut(total, func(i int) string { return rest.Order(number(i)) })
		return first, last
	})
	if err != nil {
		return nil, err
	}
	x.linkPages(q, x.Request.URL.Path, e)
	return found, nil
}

// connectionQuery returns what a list of connections is asked for: a project,
// times (before, after), or an allocation whose traffic they are.
func (a *api) connectionQuery(x *exchange) (q rest.Page, want connections.Query, err error) {
	inBody := takeName(x.body, "project_id")
	p, q, err := x.listParameters("project_id", "before", "after", "allocation")
	if err != nil {
		return q, want, err
	}
	want.Before = p.Time("before", 1)
	want.After = p.Time("after", 0) // some ask for what came after the beginning of time
	if err := p.Done(); err != nil {
		return q, want, err
	}
	if want.Project, err = a.projectOf(x, inBody, p.Text("project_id")); err != nil {
		return q, want, err
	}
	if inBody.Set {
		q.Narrow("project_id", want.Project) // the links to other pages have no body
	}
	return q, want, a.onAllocation(x, p, &want)
}

// onAllocation narrows the query to the traffic of the allocation that p names,
// if it names one. It must be one that the key may see.
func (a *api) onAllocation(x *exchange, p *rest.Parameters, want *connections.Query) error {
	id, ok := p.Lookup("allocation")
	if !ok {
		return nil
	}
	found, err := a.Allocations.Get(id)
	if err != nil || !sees(x.key, found.ProjectID) {
		return rest.NewFault(http.StatusNotFound, "allocation: no such allocation")
	}
	want.Flow = new(flowOf(found))
	return nil
}

// flowOf returns the traffic that belongs on the allocation's path.
func flowOf(a allocator.Allocation) connections.Flow {
	return connections.Flow{Project: a.ProjectID, Key: a.Key}
}

// showConnection serves GET and HEAD /connections/{connection_uuid}. That of
// another project does not exist, as far as this key can tell.
func (a *api) showConnection(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	c, err := a.Connections.Get(x.Param("id"))
	if err != nil {
		return err
	}
	if !sees(x.key, c.Project) {
		return errNoConnection
	}
	return x.succeed(http.StatusOK, []connectionView{viewConnection(x, c)})
}

func faultOfConnections(e *connections.Error) *rest.Fault {
	switch {
	case e.Kind == connections.NotFound:
		return errNoConnection
	case e.Kind == connections.Full:
		return rest.NewFault(http.StatusTooManyRequests, e.Err.Error()).After(30 * time.Second)
	case interrupted(e):
		return errOverloaded
	}
	return errInternal
}
