package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/allocator/store"
	"conga/httpapi/connections"
)

var errNoConnection = newFault(http.StatusNotFound, "connection_uuid: no such connection, or it has expired")

// routeConnections adds the connections below one of the API's bases.
func (a *api) routeConnections(g *gin.RouterGroup) {
	if a.Connections == nil {
		return
	}
	g.Match(read, "/connections", a.keyed(a.listConnections))
	g.POST("/connections", a.serve(reportForm, needsKey, a.reportConnections))
	g.Match(read, "/connections/:id", a.keyed(a.showConnection))
}

// reportConnections is POST /connections below /api: 201 if any was not known.
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

// takeOver takes over what the body reports: all of it or nothing.
func (a *api) takeOver(x *exchange) (connections.Receipt, error) {
	x.body.text("api_key")
	inBody := x.body.name("project_id")
	reports := takeReports(x.body)
	inQuery, err := reportQuery(x.Request.URL)
	if err != nil {
		return connections.Receipt{}, err
	}
	if err := x.body.done(); err != nil {
		return connections.Receipt{}, err
	}
	project, err := a.projectOf(x, inBody, inQuery)
	if err != nil {
		return connections.Receipt{}, err
	}
	if project == "" {
		return connections.Receipt{}, newFault(http.StatusUnprocessableEntity,
			"project_id: is required with an operator's key, in the query if the body is an array")
	}
	return a.Connections.Report(x.Request.Context(), project, reports)
}

// reportQuery is the project that the query of a report names, or "".
func reportQuery(u *url.URL) (project string, err error) {
	q, err := parseListQuery(u.RawQuery)
	if err != nil {
		return "", err
	}
	if q.values.Has("page") || q.values.Has("per_page") {
		return "", newFault(http.StatusUnprocessableEntity, "page, per_page: a report has no pages")
	}
	return q.project, nil
}

// projectOf is whose connections a request is about: the project that body or
// query name, or else the key's own, which for an operator is "": all.
func (a *api) projectOf(x *exchange, inBody value[string], inQuery string) (string, error) {
	project := inQuery
	switch {
	case inBody.set && inQuery != "" && inQuery != inBody.v:
		return "", newFault(http.StatusUnprocessableEntity, "project_id: body and query name different projects")
	case inBody.set:
		project = inBody.v
	case inQuery == "":
		return x.key.Project, nil
	}
	return project, a.mayUse(x, project)
}

// listConnections is GET and HEAD /connections below /api.
func (a *api) listConnections(x *exchange) error {
	q, want, err := a.connectionQuery(x)
	if err != nil {
		return err
	}
	found := a.pageOfConnections(x, q, want, x.path("connections"))
	views := make([]connectionView, len(found))
	for i, c := range found {
		views[i] = viewConnection(x, c)
	}
	return x.succeed(http.StatusOK, views)
}

// pageOfConnections is what the page of q holds. The header that leads to the
// others is set.
func (a *api) pageOfConnections(x *exchange, q listQuery, want connections.Query, path string) []*connections.Connection {
	found, total := a.Connections.List(want, q.skip(), q.perPage)
	x.linkPages(q, path, total)
	return found
}

// connectionQuery is what a list of connections is asked for: a project, times
// (before, after), or an allocation whose traffic they are.
func (a *api) connectionQuery(x *exchange) (q listQuery, want connections.Query, err error) {
	inBody := x.body.name("project_id")
	values, err := url.ParseQuery(x.Request.URL.RawQuery)
	if err != nil {
		return q, want, newFault(http.StatusBadRequest, "query: cannot be read")
	}
	var errs []string
	own := url.Values{}
	for _, name := range []string{"before", "after", "allocation"} {
		if !values.Has(name) {
			continue
		}
		if own[name] = values[name]; len(own[name]) > 1 {
			errs = append(errs, name+": given twice in the query")
		}
		values.Del(name)
	}
	want.Before, errs = epoch(own, "before", 1, errs)
	want.After, errs = epoch(own, "after", 0, errs) // some ask for what came after the beginning of time
	q, err = parseListQuery(values.Encode())
	if other, ok := errors.AsType[*fault](err); ok {
		return q, want, newFault(other.status, append(other.errs, errs...)...)
	}
	if len(errs) > 0 {
		return q, want, newFault(http.StatusUnprocessableEntity, errs...)
	}
	for name, given := range own {
		q.values[name] = given // for the links to other pages
	}
	if err := x.body.done(); err != nil {
		return q, want, err
	}
	if want.Project, err = a.projectOf(x, inBody, q.project); err != nil {
		return q, want, err
	}
	if inBody.set {
		q.values.Set("project_id", want.Project) // the links to other pages have no body
	}
	return q, want, a.onAllocation(x, own, &want)
}

// epoch reads a time of the query.
func epoch(values url.Values, name string, least int64, errs []string) (int64, []string) {
	if !values.Has(name) {
		return 0, errs
	}
	t, err := strconv.ParseInt(values.Get(name), 10, 64)
	if err != nil || t < least || t > maxTime {
		errs = append(errs, name+": must be a time in UNIX seconds")
	}
	return t, errs
}

// onAllocation narrows the query to the traffic of the allocation that values
// name, if they name one. It must be one that the key may see.
func (a *api) onAllocation(x *exchange, values url.Values, want *connections.Query) error {
	if !values.Has("allocation") {
		return nil
	}
	found, err := a.Allocations.Get(values.Get("allocation"))
	if err != nil || !sees(x.key, found.ProjectID) {
		return newFault(http.StatusNotFound, "allocation: no such allocation")
	}
	want.Flow = new(flowOf(found))
	return nil
}

// flowOf is the traffic that belongs on the allocation's path.
func flowOf(a allocator.Allocation) connections.Flow {
	return connections.Flow{Project: a.ProjectID, Key: a.Key}
}

// showConnection is GET and HEAD /connections/{connection_uuid}. That of another
// project does not exist, as far as this key can tell.
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

func faultOfConnections(e *connections.Error) *fault {
	switch {
	case e.Kind == connections.NotFound:
		return errNoConnection
	case e.Kind == connections.Full:
		return &fault{status: http.StatusTooManyRequests, errs: []string{e.Err.Error()}, retry: 30}
	case errors.Is(e, store.ErrClosed), errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		return faultOf(errors.Unwrap(e))
	}
	return faultOf(errors.New("internal"))
}
