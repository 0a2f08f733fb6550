package httpapi

import (
	"net/http"
	"time"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// An operatorView is an operator's key, without the key.
type operatorView struct {
	Name      string     `json:"name"`
	APIKey    string     `json:"api_key,omitempty"` // in the answer to its creation only
	Role      string     `json:"role"`
	StartTime int64      `json:"start_time"`
	EndTime   int64      `json:"end_time"`
	Links     rest.Links `json:"_links"`
}

func viewOperator(x *exchange, key auth.Key) operatorView {
	return operatorView{
		Name: key.User, Role: "operator", StartTime: key.Start, EndTime: key.End,
		Links: rest.SelfLinks(x.path("operators", key.User)),
	}
}

// createOperator serves POST /operators: {"name": …, "duration": seconds}.
func (a *api) createOperator(x *exchange) error {
	b := x.body
	name := b.Text("name")
	if name.Set && !auth.ValidOperator(name.V) {
		b.Reject("name", "%s", auth.OperatorRule)
	}
	duration := b.Integer("duration", 1, int64(auth.MaxOperatorTTL/time.Second))
	b.Require("name")
	if err := x.done(); err != nil {
		return err
	}
	ttl := auth.OperatorTTL
	if duration.Set {
		ttl = time.Duration(duration.V) * time.Second
	}
	x.detail = auth.Redact(name.V)
	along, err := a.recordOps(x, http.StatusCreated)
	if err != nil {
		return err
	}
	secret, key, err := a.Keys.IssueOperator(x.Request.Context(), name.V, ttl, along...)
	if err != nil {
		return err
	}
	view := viewOperator(x, key)
	view.APIKey = secret
	x.Header("Location", view.Links.Self.Href)
	return x.succeed(http.StatusCreated, []operatorView{view})
}

// listOperators serves GET and HEAD /operators.
func (a *api) listOperators(x *exchange) error {
	_, q, err := x.listParameters()
	if err != nil {
		return err
	}
	return showPage(x, q, a.Keys.Operators(), func(key auth.Key) string { return key.User }, func(key auth.Key) operatorView { return viewOperator(x, key) })
}

// showOperator serves GET and HEAD /operators/{name}.
func (a *api) showOperator(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	key, err := a.Keys.Operator(x.Param("name"))
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []operatorView{viewOperator(x, key)})
}

// noteOperator makes the audit log name the operator that the request is about,
// if there is one: another name could be anything.
func (a *api) noteOperator(x *exchange, name string) error {
	if _, err := a.Keys.Operator(name); err != nil {
		return err
	}
	x.detail = auth.Redact(name)
	return nil
}

// renewOperator serves PATCH /operators/{name}: {"duration": seconds}, from
// now.
func (a *api) renewOperator(x *exchange) error {
	b := x.body
	duration := b.Integer("duration", 1, int64(auth.MaxOperatorTTL/time.Second))
	b.Require("duration")
	if err := x.done(); err != nil {
		return err
	}
	name := x.Param("name")
	if err := a.noteOperator(x, name); err != nil {
		return err
	}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return err
	}
	key, err := a.Keys.RenewOperator(x.Request.Context(), name, time.Duration(duration.V)*time.Second, along...)
	if err != nil {
		return err
	}
	a.recheckReaders() // it may end sooner
	return x.succeed(http.StatusOK, []operatorView{viewOperator(x, key)})
}

// deleteOperator serves DELETE /operators/{name}.
func (a *api) deleteOperator(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	name := x.Param("name")
	if err := a.noteOperator(x, name); err != nil {
		return err
	}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return err
	}
	if err := a.Keys.DeleteOperator(x.Request.Context(), name, along...); err != nil {
		return err
	}
	a.recheckReaders()
	type deleted struct {
		Name string `json:"name"`
	}
	return x.succeed(http.StatusOK, []deleted{{name}})
}
