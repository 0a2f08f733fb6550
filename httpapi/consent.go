package httpapi

import (
	"net/http"
	"net/netip"

	"conga/allocator"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi/rest"
)

// consented checks that the request's project may reserve paths between its
// addresses. The admin may reserve any.
func (a *api) consented(x *exchange, r allocator.Request) error {
	if a.Owners == nil || x.key.Admin {
		return nil
	}
	return a.Owners().Judge(r.ProjectID, r.Key.Src.Net(), r.Key.Dst.Net(), a.addressesOf)
}

// consentedChange does what consented does for what an allocation becomes. What
// has been admitted stays when its addresses become another project's, and may
// become less; it is judged anew when it becomes more, or another thing.
func (a *api) consentedChange(x *exchange, now allocator.Allocation, c allocator.Change) error {
	if now.Lessens(c, path.SecondsOf(a.Now())) {
		return nil
	}
	r := now.Request
	if c.ProjectID != nil {
		r.ProjectID = *c.ProjectID
	}
	if c.Key != nil {
		r.Key = *c.Key
	}
	return a.consented(x, r)
}

// mayTouch checks that the key's user may change and release an allocation that
// it sees: its own, or a colleague's if the project has it so. The admin may
// all.
func (a *api) mayTouch(x *exchange, one allocator.Allocation) error {
	if x.key.Admin || one.UserID == x.key.User || a.Directory.Manages(x.key.User, one.ProjectID) {
		return nil
	}
	return rest.NewFault(http.StatusForbidden, "allocation_id: it is "+one.UserID+"'s; its user, a manager of the project or the admin may change and release it")
}

// addressesOf returns the addresses that a host is known to have.
func (a *api) addressesOf(mac [6]byte) []netip.Addr {
	if a.Snapshot == nil {
		return nil
	}
	h, _ := a.Snapshot().Hosts.Get(topology.HostID{MAC: mac})
	return h.Addrs
}
