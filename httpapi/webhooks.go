package httpapi

import (
	"errors"
	"net/http"
	"net/url"

	"conga/allocator/store"
	"conga/httpapi/rest"
	"conga/httpapi/webhook"
)

// A webhookView is a subscription. Its secret is in the answer that made it
// only.
type webhookView struct {
	ID         string     `json:"webhook_id"`
	ProjectID  *string    `json:"project_id"` // null: all
	UserID     string     `json:"user_id"`
	URL        string     `json:"url"`
	Events     []string   `json:"events"`
	Created    int64      `json:"created"`
	Secret     string     `json:"secret,omitempty"`
	Delivered  uint64     `json:"delivered"`
	Failed     uint64     `json:"failed"`
	LastStatus *int       `json:"last_status"`
	Links      rest.Links `json:"_links"`
}

func viewWebhook(x *exchange, h webhook.Hook, s webhook.Status) webhookView {
	target := h.URL
	if x.key.Operator {
		target = hostOf(target)
	}
	return webhookView{
		ID: h.ID, ProjectID: orNull(h.Project), UserID: h.User, URL: target, Events: h.Events, Created: h.Created,
		Delivered: s.Delivered, Failed: s.Failed, LastStatus: orNull(s.LastStatus),
		Links: rest.SelfLinks(x.path("webhooks", h.ID)),
	}
}

// hostOf returns a URL without what follows its host. With many services path
// and query are the secret that lets one post, and an operator's key is for
// watching.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return hidden // cannot be: it was checked when it was taken
	}
	return u.Scheme + "://" + u.Host + hidden
}

// hidden stands for the rest of a URL, if there is one or not.
const hidden = "/..."

var errNoWebhook = rest.NewFault(http.StatusNotFound, "webhook_id: "+webhook.ErrNotFound.Error())

// webhookFault returns the answer to an error of the subscriptions.
func webhookFault(err error) error {
	if bad, ok := errors.AsType[*webhook.URLError](err); ok {
		return rest.NewFault(http.StatusUnprocessableEntity, "url: "+bad.Error())
	}
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		return errNoWebhook
	case errors.Is(err, webhook.ErrFull):
		return rest.NewFault(http.StatusConflict, webhook.ErrFull.Error())
	}
	return err
}

// createWebhook serves POST /webhooks.
func (a *api) createWebhook(x *exchange) error {
	if a.Webhooks == nil {
		return errNoResource
	}
	f := takeWebhook(x)
	x.body.Require("url")
	if err := x.done(); err != nil {
		return err
	}
	hook := webhook.Hook{Project: x.key.Project, User: x.key.User, Admin: x.key.Admin, URL: f.url.V}
	if f.project.Set {
		if err := a.mayUse(x, f.project.V); err != nil {
			return err
		}
		hook.Project = f.project.V
	}
	var err error
	if hook.Events, err = f.eventsOf(hook.Project); err != nil {
		return err
	}
	made, err := a.Webhooks.Create(x.Request.Context(), hook, func(id string) ([]store.Op, error) {
		x.detail = id
		return a.recordOps(x, http.StatusCreated)
	})
	if err != nil {
		return webhookFault(err)
	}
	v := viewWebhook(x, made, webhook.Status{})
	v.Secret = string(made.Secret)
	x.Header("Location", v.Links.Self.Href)
	return x.succeed(http.StatusCreated, []webhookView{v})
}

// changeWebhook serves PATCH /webhooks/{id}: what is absent stays.
func (a *api) changeWebhook(x *exchange) error {
	f := takeWebhook(x)
	if f.url.Null {
		x.body.Reject("url", "cannot be null")
	}
	return a.updateWebhook(x, f)
}

// replaceWebhook serves PUT /webhooks/{id}: what is absent is as in a new one.
func (a *api) replaceWebhook(x *exchange) error {
	f := takeWebhook(x)
	x.body.Require("url")
	f.eventsGiven = true
	return a.updateWebhook(x, f)
}

// updateWebhook changes the subscription in the address.
func (a *api) updateWebhook(x *exchange, f webhookFields) error {
	hook, _, err := a.findWebhook(x)
	if err != nil {
		return err
	}
	if f.project.Set && f.project.V != hook.Project {
		return rest.NewFault(http.StatusUnprocessableEntity, "project_id: cannot be changed")
	}
	change := webhook.Change{User: x.key.User, Admin: x.key.Admin}
	if f.url.Set {
		change.URL = &f.url.V
	}
	if f.eventsGiven {
		if change.Events, err = f.eventsOf(hook.Project); err != nil {
			return err
		}
	}
	along := func() ([]store.Op, error) { return a.recordOps(x, http.StatusOK) }
	changed, status, err := a.Webhooks.Update(x.Request.Context(), hook.ID, change, along)
	if err != nil {
		return webhookFault(err)
	}
	return x.succeed(http.StatusOK, []webhookView{viewWebhook(x, changed, status)})
}

// findWebhook returns the subscription in the address. For a key of another
// project it does not exist.
func (a *api) findWebhook(x *exchange) (webhook.Hook, webhook.Status, error) {
	if a.Webhooks == nil {
		return webhook.Hook{}, webhook.Status{}, errNoResource
	}
	if err := x.done(); err != nil {
		return webhook.Hook{}, webhook.Status{}, err
	}
	hook, status, err := a.Webhooks.Get(x.Param("id"))
	if err != nil || !sees(x.key, hook.Project) {
		return webhook.Hook{}, webhook.Status{}, errNoWebhook
	}
	x.detail = hook.ID // for the audit log, and not the URL: it may hold a secret
	return hook, status, nil
}

// showWebhook serves GET and HEAD /webhooks/{id}.
func (a *api) showWebhook(x *exchange) error {
	hook, status, err := a.findWebhook(x)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []webhookView{viewWebhook(x, hook, status)})
}

// deleteWebhook serves DELETE /webhooks/{id}.
func (a *api) deleteWebhook(x *exchange) error {
	hook, _, err := a.findWebhook(x)
	if err != nil {
		return err
	}
	along, err := a.recordOps(x, http.StatusOK)
	if err != nil {
		return err
	}
	if err := a.Webhooks.Delete(x.Request.Context(), hook.ID, along...); err != nil {
		return webhookFault(err)
	}
	type deleted struct {
		ID string `json:"webhook_id"`
	}
	return x.succeed(http.StatusOK, []deleted{{hook.ID}})
}

// listWebhooks serves GET and HEAD /webhooks.
func (a *api) listWebhooks(x *exchange) error {
	if a.Webhooks == nil {
		return errNoResource
	}
	p, q, err := x.listParameters("project_id")
	if err != nil {
		return err
	}
	of := p.Text("project_id")
	if of != "" {
		if err := a.mayUse(x, of); err != nil {
			return err
		}
	}
	list := a.Webhooks.List(func(project string) bool { return sees(x.key, project) && (of == "" || project == of) })
	list, err = cutPage(x, q, list, func(h webhook.Hook) string { return rest.Order(uint64(h.Created)) + h.ID })
	if err != nil {
		return err
	}
	views := make([]webhookView, 0, len(list))
	for _, hook := range list {
		if _, status, err := a.Webhooks.Get(hook.ID); err == nil {
			views = append(views, viewWebhook(x, hook, status))
		}
	}
	return x.succeed(http.StatusOK, views)
}
