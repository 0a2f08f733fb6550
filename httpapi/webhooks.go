package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"conga/httpapi/webhook"
)

// webhookView is a subscription. Its secret is in the answer that made it only.
type webhookView struct {
	ID         string   `json:"webhook_id"`
	ProjectID  *string  `json:"project_id"` // null: all
	UserID     string   `json:"user_id"`
	URL        string   `json:"url"`
	Events     []string `json:"events"`
	Created    int64    `json:"created"`
	Secret     string   `json:"secret,omitempty"`
	Delivered  uint64   `json:"delivered"`
	Failed     uint64   `json:"failed"`
	LastStatus *int     `json:"last_status"`
	Links      links    `json:"_links"`
}

func viewWebhook(x *exchange, h webhook.Hook, s webhook.Status) webhookView {
	return webhookView{
		ID: h.ID, ProjectID: orNull(h.Project), UserID: h.User, URL: h.URL, Events: h.Events, Created: h.Created,
		Delivered: s.Delivered, Failed: s.Failed, LastStatus: orNull(s.LastStatus),
		Links: links{Self: link{x.path("webhooks", h.ID)}},
	}
}

var errNoWebhook = newFault(http.StatusNotFound, "webhook_id: "+webhook.ErrNotFound.Error())

// createWebhook is POST /webhooks.
func (a *api) createWebhook(x *exchange) error {
	if a.Webhooks == nil {
		return errNoResource
	}
	known := []string{allocationChanged, allocationDeleted}
	if x.key.Admin {
		known = append(known, topologyChanged)
	}
	target, project, chosen := x.body.text("url"), x.body.name("project_id"), x.body.choices("events", known)
	x.body.require("url")
	if err := x.body.done(); err != nil {
		return err
	}
	hook := webhook.Hook{Project: x.key.Project, User: x.key.User, Admin: x.key.Admin, URL: target.v, Events: chosen}
	if project.set {
		if err := a.mayUse(x, project.v); err != nil {
			return err
		}
		hook.Project = project.v
	}
	if hook.Project != "" && slices.Contains(chosen, topologyChanged) {
		return newFault(http.StatusUnprocessableEntity, "events: "+topologyChanged+" belongs to no project")
	}
	if len(chosen) == 0 {
		hook.Events = known
	}
	along, err := a.recordOps(x, http.StatusCreated)
	if err != nil {
		return err
	}
	made, err := a.Webhooks.Create(x.Request.Context(), hook, along...)
	if bad, ok := errors.AsType[*webhook.URLError](err); ok {
		return newFault(http.StatusUnprocessableEntity, "url: "+bad.Error())
	}
	if errors.Is(err, webhook.ErrFull) {
		return newFault(http.StatusConflict, webhook.ErrFull.Error())
	}
	if err != nil {
		return err
	}
	v := viewWebhook(x, made, webhook.Status{})
	v.Secret = string(made.Secret)
	x.Header("Location", v.Links.Self.Href)
	return x.succeed(http.StatusCreated, []webhookView{v})
}

// choices takes a list of texts out of known ones.
func (f *fields) choices(name string, known []string) (out []string) {
	raw := f.take(name)
	if raw == nil || raw[0] == 'n' {
		return nil
	}
	if raw[0] != '[' {
		f.mistype(name, "an array of strings", raw)
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) == 0 || len(items) > len(known) {
		f.reject(name, "must name 1 to %d of %s", len(known), strings.Join(known, ", "))
		return nil
	}
	for i, item := range items {
		text, err := "", error(nil)
		if item[0] != '"' {
			f.mistype(fmt.Sprintf("%s[%d]", name, i), "a string", item)
			return nil
		}
		if text, err = unquote(item); err != nil || !slices.Contains(known, text) || slices.Contains(out, text) {
			f.reject(name, "must name some of %s, each once", strings.Join(known, ", "))
			return nil
		}
		out = append(out, text)
	}
	return out
}

// findWebhook is the subscription in the address. That of another project does
// not exist, as far as this key can tell.
func (a *api) findWebhook(x *exchange) (webhook.Hook, webhook.Status, error) {
	if a.Webhooks == nil {
		return webhook.Hook{}, webhook.Status{}, errNoResource
	}
	if err := x.body.done(); err != nil {
		return webhook.Hook{}, webhook.Status{}, err
	}
	hook, status, err := a.Webhooks.Get(x.Param("id"))
	if err != nil || !sees(x.key, hook.Project) {
		return webhook.Hook{}, webhook.Status{}, errNoWebhook
	}
	return hook, status, nil
}

// showWebhook is GET and HEAD /webhooks/{id}.
func (a *api) showWebhook(x *exchange) error {
	hook, status, err := a.findWebhook(x)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []webhookView{viewWebhook(x, hook, status)})
}

// deleteWebhook is DELETE /webhooks/{id}.
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
		if errors.Is(err, webhook.ErrNotFound) {
			return errNoWebhook
		}
		return err
	}
	type deleted struct {
		ID string `json:"webhook_id"`
	}
	return x.succeed(http.StatusOK, []deleted{{hook.ID}})
}

// listWebhooks is GET and HEAD /webhooks.
func (a *api) listWebhooks(x *exchange) error {
	if a.Webhooks == nil {
		return errNoResource
	}
	q, err := parseListQuery(x.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	if err := x.body.done(); err != nil {
		return err
	}
	if q.project != "" {
		if err := a.mayUse(x, q.project); err != nil {
			return err
		}
	}
	list := a.Webhooks.List(func(project string) bool {
		return sees(x.key, project) && (q.project == "" || project == q.project)
	})
	first, last := q.bounds(len(list))
	x.Header("Link", q.links(x.path("webhooks"), len(list)))
	views := make([]webhookView, 0, last-first)
	for _, hook := range list[first:last] {
		if _, status, err := a.Webhooks.Get(hook.ID); err == nil {
			views = append(views, viewWebhook(x, hook, status))
		}
	}
	return x.succeed(http.StatusOK, views)
}
