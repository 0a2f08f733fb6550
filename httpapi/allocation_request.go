package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/path"
	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// An allocationRequest is what a body says of an allocation's attributes.
type allocationRequest []given

// of returns what is said of an attribute.
func (f allocationRequest) of(name string) given {
	for _, g := range f {
		if g.name == name {
			return g
		}
	}
	return given{}
}

// takeAllocation takes every attribute that a request can have. What is no
// bandwidth is told the least.
func takeAllocation(b *rest.Fields, least bitrate.Rate) allocationRequest {
	f := make(allocationRequest, 0, len(attributes))
	for i := range attributes {
		if a := &attributes[i]; a.read != nil {
			read := a.read
			if a.name == "bandwidth" {
				read = rate(least, bandwidth)
			}
			g := read(b, a.name)
			g.name = a.name
			f = append(f, g)
		}
	}
	return f
}

// namesOf returns the names of the attributes that pass.
func namesOf(pass func(*attribute) bool) (names []string) {
	for i := range attributes {
		if pass(&attributes[i]) {
			names = append(names, attributes[i].name)
		}
	}
	return names
}

var trafficNames = namesOf(func(a *attribute) bool { return a.traffic })

// setByUs is why attributes that only the server sets are refused.
const setByUs = "is set by CONGA; leave it out"

// setByServer says why fields of answers are refused in a request, by name.
var setByServer = func() map[string]string {
	reasons := map[string]string{}
	for _, name := range namesOf(func(a *attribute) bool { return a.read == nil }) {
		reasons[name] = setByUs
	}
	return reasons
}()

// request returns the request for a new allocation. Null is as good as absent.
func (f allocationRequest) request() (r allocator.Request) {
	for _, g := range f {
		if g.set {
			g.put(&r)
		}
	}
	return r
}

// change returns the change that an update asks for: what is absent stays, and
// null takes back what is optional.
func (f allocationRequest) change(now allocator.Allocation) allocator.Change {
	return f.changeBut(now, f.echoes)
}

// changeBut returns the change without the attributes that are sent back as
// echoes says.
func (f allocationRequest) changeBut(now allocator.Allocation, echoes func(string, allocator.Allocation) bool) (c allocator.Change) {
	r := now.Request
	for i := range attributes {
		a := &attributes[i]
		g := f.of(a.name)
		if a.change == nil || !g.set && !g.null {
			continue
		}
		if echoes(a.name, now) {
			continue
		}
		g.put(&r)
		a.change(&c, &r)
	}
	return c
}

// echoes reports whether an attribute is sent back as CONGA has set it, which
// changes nothing: an active allocation shows when it really started, one with
// a volume how fast and how long it is planned, and a scavenger what it has.
func (f allocationRequest) echoes(name string, now allocator.Allocation) bool {
	if !f.of(name).set {
		return false
	}
	switch r := f.request(); name {
	case "start_time":
		return (now.State != allocator.Pending || now.Class == allocator.Scavenger) && r.StartTime == now.Window.Start
	case "bandwidth":
		return (now.Class == allocator.Scavenger || now.Volume != 0 && !now.FixedRate) && r.Bandwidth == now.Bandwidth
	case "duration":
		return now.Volume != 0 && r.Duration == now.Duration
	}
	return false
}

// echoesWhole reports whether echoes does, or the rate is that of another step,
// or a scavenger's: where all that was read is sent back, another one may be
// held by now.
func (f allocationRequest) echoesWhole(name string, now allocator.Allocation) bool {
	held := func(s allocator.Step) bool { return s.Rate == f.request().Bandwidth }
	return f.echoes(name, now) || name == "bandwidth" && f.of(name).set && !now.FixedRate && (now.Class == allocator.Scavenger || slices.ContainsFunc(now.Profile, held))
}

// required returns the names of the attributes that must be said. A volume says
// the duration.
func (f allocationRequest) required() []string {
	return namesOf(func(a *attribute) bool {
		return a.required && (a.name != "duration" || !f.of("volume").set)
	})
}

// replacement returns the change that leaves only what f says of an allocation.
func (f allocationRequest) replacement(now allocator.Allocation, clock time.Time) allocator.Change {
	var all allocationRequest
	started := now.State != allocator.Pending || now.Window.Start != 0 && now.Window.Start <= path.SecondsOf(clock)
	for i := range attributes {
		a := &attributes[i]
		g := f.of(a.name)
		if a.read == nil {
			continue
		}
		absent := !g.set
		if a.name == "start_time" {
			if g.set && f.request().StartTime == now.Window.Start {
				continue // as it is shown, be it asked for or not
			}
			absent = absent && !started // the start of what has started stays
		}
		if a.optional && absent {
			g.null = true
		}
		all = append(all, g)
	}
	return all.changeBut(now, all.echoesWhole)
}

// notNull refuses null where a change cannot mean "none".
func (f allocationRequest) notNull(b *rest.Fields) {
	for _, name := range namesOf(func(a *attribute) bool { return !a.optional && f.of(a.name).null }) {
		b.Reject(name, "cannot be null")
	}
}

// ignoreShown makes a replacement hold what GET has shown, so that a client can
// change what it got and send it back. What the server decides must be as it
// is, unless it may have changed meanwhile.
func (a *api) ignoreShown(x *exchange) error {
	id, state, end := x.body.Text("allocation_id"), x.body.Text("state"), x.body.Integer("end_time", 0, rest.MaxTime)
	x.body.Ignore(namesOf(func(a *attribute) bool { return a.read == nil })...)
	if !id.Set && !state.Set && !end.Set {
		return nil
	}
	now, err := a.find(x)
	if err != nil {
		return err
	}
	for name, other := range map[string]bool{
		"allocation_id": id.Set && id.V != now.ID, "state": state.Set && state.V != string(now.State),
		"end_time": end.Set && end.V != int64(now.Window.End),
	} {
		if other {
			x.body.Reject(name, "%s", setByUs)
		}
	}
	return nil
}

// mayUse checks the project that a request names: it must be the key's own.
func (a *api) mayUse(x *exchange, project string) error {
	if !sees(x.key, project) {
		return rest.NewFault(http.StatusForbidden, "project_id: the key is for another project")
	}
	if !a.Directory.Project(project) { // only an operator's key comes this far
		return rest.NewFault(http.StatusUnprocessableEntity, "project_id: there is no such project")
	}
	return nil
}

// userOf returns the owner of a new allocation: the key's user, or the member
// of the project that the request names. Another member is for the admin to
// name, and for users who may change other members' allocations.
func (a *api) userOf(x *exchange, r allocator.Request) (string, error) {
	if r.UserID == "" || r.UserID == x.key.User {
		return x.key.User, nil
	}
	if !x.key.Admin && !a.Directory.Manages(x.key.User, r.ProjectID) {
		return "", rest.NewFault(http.StatusForbidden,
			"user_id: it would be yours; leave user_id out, or have a manager of the project or the admin ask in another member's name")
	}
	err := a.Directory.Admit(x.Request.Context(), r.UserID, r.ProjectID)
	if errors.Is(err, auth.ErrNotMember) {
		return "", rest.NewFault(http.StatusForbidden, "user_id: not a member of this project")
	}
	return r.UserID, err
}
