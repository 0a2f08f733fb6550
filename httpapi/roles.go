package httpapi

import (
	"net/http"
	"strings"
	"sync"

	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// An access says which keys open something.
type access uint8

const (
	byNone      access = iota // there is no such request, or no row says which keys may make it
	byAdmin                   // the admin's key
	byOperators               // operators' keys too
	byUsers                   // every key; a user's opens what is its project's
	byAll                     // no key is asked for
)

// A role says which keys may read and change what is at an address and below.
type role struct {
	address      string // below /api or /api/v1; below the root for /connections, /metrics and /backup
	read, change access
}

// asking is what is read by POST.
const asking = "/availability"

// roles is the one table of what each sort of key may do. The longest address
// counts. An operator's key changes nothing that users have, wherever a user's
// may; the admin's may do everything that a key can do. What has no row is the
// admin's alone, so that a new resource is closed until it gets a row.
var roles = []role{
	{"/", byAll, byNone},    // says only where things are
	{"/auth", byAll, byAll}, // the key is the address, or what is asked for
	{"/session", byUsers, byAll},
	{"/operators", byAdmin, byAdmin},
	{"/keys", byUsers, byUsers}, // of the same user and project

	{"/allocations", byUsers, byUsers},
	{"/series", byUsers, byUsers},
	{"/connections", byUsers, byUsers},
	{"/events", byUsers, byNone},
	{"/paths", byUsers, byNone},
	{asking, byUsers, byNone},
	{"/projects", byUsers, byAdmin},
	{"/webhooks", byUsers, byUsers},

	{"/stats", byUsers, byNone},
	{"/stats/switches", byOperators, byNone},
	{"/stats/links", byOperators, byNone},
	{"/switches", byOperators, byAdmin},
	{"/links", byOperators, byAdmin},
	{"/hosts", byOperators, byAdmin},
	{"/attachments", byOperators, byAdmin},
	{"/maintenance", byOperators, byOperators},
	{"/audit", byOperators, byNone},
	{"/backup", byAdmin, byNone},      // has what opens webhooks
	{"/metrics", byOperators, byNone}, // and without a key on the machine itself
}

// rolesByRoute are the rows that roleOf has found, by template.
var rolesByRoute sync.Map

// roleOf returns the row that counts for a route's template.
func roleOf(template string) role {
	if r, ok := rolesByRoute.Load(template); ok {
		return r.(role)
	}
	r := findRole(template)
	rolesByRoute.Store(template, r)
	return r
}

func findRole(template string) role {
	address := template
	for _, base := range []string{"/api/v1", "/api"} {
		if template == base {
			address = "/"
			break
		}
		if below, ok := strings.CutPrefix(template, base+"/"); ok {
			address = "/" + below
			break
		}
	}
	var found role
	for _, r := range roles {
		if (address == r.address || strings.HasPrefix(address, r.address+"/")) && len(r.address) > len(found.address) {
			found = r
		}
	}
	return found
}

var (
	errReadOnly = rest.NewFault(http.StatusForbidden, "api_key: an operator's key sees everything and changes nothing but maintenance")
	errNeedsKey = map[access]*rest.Fault{
		byNone:      rest.NewFault(http.StatusForbidden, "api_key: this is for the admin's key"),
		byAdmin:     rest.NewFault(http.StatusForbidden, "api_key: this is for the admin's key"),
		byOperators: rest.NewFault(http.StatusForbidden, "api_key: this is for operators' keys"),
	}
)

// mayCall checks the sort of key against the table. What a user's key reaches
// of a resource is for the resource to say, see sees.
func mayCall(key auth.Key, method, template string) error {
	if key.Admin {
		return nil
	}
	r := roleOf(template)
	need := r.change
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodPost && r.address == asking {
		need = r.read
	} else if key.Operator && need >= byUsers {
		return errReadOnly
	}
	if need == byAll || need == byUsers || need == byOperators && key.Operator {
		return nil
	}
	return errNeedsKey[need]
}
