package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// webhookFields are the fields of a subscription in a request.
type webhookFields struct {
	url, project value[string]
	events       []string // nil: all that may be had
	eventsGiven  bool     // if only as null
}

// takeWebhook takes every field that a request about a subscription can have.
func takeWebhook(x *exchange) webhookFields {
	known := eventsFor("")
	if !x.key.Admin {
		known = eventsFor(x.key.Project)
	}
	return webhookFields{
		url: x.body.text("url"), project: x.body.name("project_id"),
		eventsGiven: find(x.body.members, "events") != nil, events: x.body.choices("events", known),
	}
}

// eventsFor are the types of the events that a subscription of a project, or of
// all of them for "", may be for.
func eventsFor(project string) []string {
	if project == "" {
		return []string{allocationChanged, allocationDeleted, topologyChanged}
	}
	return []string{allocationChanged, allocationDeleted}
}

// eventsOf are those that the request chooses for a subscription of the project.
func (f webhookFields) eventsOf(project string) ([]string, error) {
	if project != "" && slices.Contains(f.events, topologyChanged) {
		return nil, newFault(http.StatusUnprocessableEntity, "events: "+topologyChanged+" belongs to no project")
	}
	if f.events == nil {
		return eventsFor(project), nil
	}
	return f.events, nil
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
