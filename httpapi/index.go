package httpapi

import (
	"net/http"
	"strings"

	"conga/httpapi/rest"
)

// An indexView tells a client that knows nothing but our address where
// everything is.
type indexView struct {
	Name    string         `json:"name"`
	Version string         `json:"version"` // of the media type
	Links   rest.Relations `json:"_links"`
}

// showIndex serves GET and HEAD of the address below which everything is. It
// needs no key, as the OpenAPI document does not, which says the same at more
// length.
func (a *api) showIndex(x *exchange) error {
	x.body.Text("api_key") // some clients show it always
	if err := x.done(); err != nil {
		return err
	}
	base := x.FullPath()
	links := rest.Relate("self", base, "describedby", "/openapi.json", "session", base+"/session", "session.oidc", base+"/session/oidc")
	for _, list := range a.lists() {
		links[strings.ReplaceAll(list, "/", ".")] = rest.LinkTo(base + "/" + list)
	}
	return x.succeed(http.StatusOK, []indexView{{Name: "CONGA", Version: "1.0", Links: links}})
}

// lists returns the resources that are read without knowing a name. It leaves
// out what is not served.
func (a *api) lists() []string {
	all := []string{"allocations", "keys", "operators", "switches", "links", "hosts", "attachments"}
	for list, served := range map[string]bool{
		"connections": a.Connections != nil, "maintenance": a.Maintenance != nil, "stats": a.Statistics != nil,
		"events": a.Events != nil, "webhooks": a.Webhooks != nil, "projects": a.Projects != nil, "audit": a.Audit != nil,
	} {
		if served {
			all = append(all, list)
		}
	}
	return all
}
