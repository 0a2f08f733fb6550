package httpapi

import "conga/httpapi/auth"

// HasRole reports whether the table of roles has a row for a route's template.
func HasRole(template string) bool { return roleOf(template).address != "" }

// MayCall calls mayCall.
func MayCall(key auth.Key, method, template string) error { return mayCall(key, method, template) }
