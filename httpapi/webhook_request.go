package httpapi

import (
	"net/http"
	"slices"

	"conga/httpapi/rest"
)

// A webhookFields holds the fields of a subscription in a request.
type webhookFields struct {
	url, project rest.Value[string]
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
		url: x.body.Text("url"), project: takeName(x.body, "project_id"),
		eventsGiven: x.body.Has("events"), events: x.body.Choices("events", known),
	}
}

// eventsFor returns the types of events that a subscription of a project, or of
// all of them for "", may be for.
func eventsFor(project string) []string {
	if project == "" {
		return []string{allocationChanged, allocationDeleted, allocationDegraded, allocationIdle, topologyChanged, addressContested, switchRefused, probeRelayed, switchLimited, maintenancePlanned, maintenanceBegun, maintenanceEnded}
	}
	return []string{allocationChanged, allocationDeleted, allocationDegraded, allocationIdle, maintenancePlanned, maintenanceBegun, maintenanceEnded}
}

// eventsOf returns the types that the request chooses for a subscription of the
// project.
func (f webhookFields) eventsOf(project string) ([]string, error) {
	for _, e := range f.events {
		if allowed := eventsFor(project); !slices.Contains(allowed, e) {
			return nil, rest.NewFault(http.StatusUnprocessableEntity, "events: "+e+" belongs to no project")
		}
	}
	if f.events == nil {
		return eventsFor(project), nil
	}
	return f.events, nil
}
