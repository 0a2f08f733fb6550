package httpapi

import (
	"net/http"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// A heldKeyView is a key without its secret.
type heldKeyView struct {
	ID        string     `json:"key_id"`
	UserID    string     `json:"user_id"`
	ProjectID string     `json:"project_id"`
	StartTime int64      `json:"start_time"`
	EndTime   int64      `json:"end_time"`
	UsedTime  int64      `json:"used_time"` // last used, renewed or made
	Links     rest.Links `json:"_links"`
}

func viewHeldKey(x *exchange, k auth.HeldKey) heldKeyView {
	return heldKeyView{
		ID: k.ID, UserID: k.User, ProjectID: k.Project, StartTime: k.Start, EndTime: k.End, UsedTime: k.Used,
		Links: rest.SelfLinks(x.path("keys", k.ID)),
	}
}

// seesKey reports whether the request's key may know of another: a user of its
// own in the same project, operators and the admin of all.
func (x *exchange) seesKey(k auth.Key) bool {
	return x.key.SeesAll() || k.User == x.key.User && k.Project == x.key.Project
}

// errNoSuchKey answers for a key that is not there, or not for the caller.
var errNoSuchKey = rest.NewFault(http.StatusNotFound, "key_id: there is no such key, or it has expired")

// listKeys serves GET and HEAD /keys.
func (a *api) listKeys(x *exchange) error {
	p, q, err := x.listParameters("user", "project")
	if err != nil {
		return err
	}
	user, ofUser := p.Lookup("user")
	project, ofProject := p.Lookup("project")
	list := a.Keys.Held(func(k auth.Key) bool {
		return x.seesKey(k) && (!ofUser || k.User == user) && (!ofProject || k.Project == project)
	})
	return showPage(x, q, list, func(k auth.HeldKey) string { return rest.Order(^uint64(k.Start)) + k.ID },
		func(k auth.HeldKey) heldKeyView { return viewHeldKey(x, k) })
}

// showHeldKey serves GET and HEAD /keys/{key_id}.
func (a *api) showHeldKey(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	for _, k := range a.Keys.Held(x.seesKey) {
		if k.ID == x.Param("id") {
			return x.succeed(http.StatusOK, []heldKeyView{viewHeldKey(x, k)})
		}
	}
	return errNoSuchKey
}

// endKey serves DELETE /keys/{key_id}.
func (a *api) endKey(x *exchange) error {
	if err := x.done(); err != nil {
		return err
	}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return err
	}
	id := x.Param("id")
	if _, err := a.Keys.End(x.Request.Context(), id, x.seesKey, along...); err != nil {
		if err == auth.ErrNoKey {
			return errNoSuchKey
		}
		return err
	}
	a.recheckReaders()
	type ended struct {
		ID string `json:"key_id"`
	}
	return x.succeed(http.StatusOK, []ended{{id}})
}
