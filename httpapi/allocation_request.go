package httpapi

import (
	"errors"
	"math"
	"net/http"
	"net/netip"

	"conga/allocator"
	"conga/controller/path"
	"conga/controller/topology"
	"conga/httpapi/auth"
	"conga/httpapi/rest"
)

// setByServer says why fields of answers are refused in a request, by name.
var setByServer = func() map[string]string {
	reasons := map[string]string{}
	for _, name := range []string{"allocation_id", "end_time", "state", "reason", "path", "in_use", "connections", "_links"} {
		reasons[name] = setByUs
	}
	return reasons
}()

const setByUs = "is set by CONGA; leave it out"

// allocationFields are the fields of an allocation in a request.
type allocationFields struct {
	user, project                rest.Value[string]
	src, dst                     rest.Value[netip.Addr]
	srcPort, dstPort             rest.Value[int64]
	proto                        rest.Value[uint8]
	duration, rate, start, lease rest.Value[int64]
}

// takeAllocation takes every field that a request about an allocation can have.
func takeAllocation(b *rest.Fields) allocationFields {
	f := allocationFields{
		user: takeName(b, "user_id"), project: takeName(b, "project_id"),
		src: b.Address("src_ip"), dst: b.Address("dst_ip"),
		srcPort: b.Integer("src_port", 1, math.MaxUint16), dstPort: b.Integer("dst_port", 1, math.MaxUint16),
		duration: b.Integer("duration", 1, allocator.MaxDuration),
		rate:     b.Integer("bandwidth", 1, math.MaxInt64),
		start:    b.Integer("start_time", 1, rest.MaxTime),
		lease:    b.Integer("lease", 1, allocator.MaxLease),
	}
	name := b.Text("protocol")
	f.proto.Null = name.Null
	if name.Set {
		var ok bool
		if f.proto.V, ok = protocolNumber(name.V); ok {
			f.proto.Set = true
		} else {
			b.Reject("protocol", "must be tcp, udp or any, not %s", rest.Quote(name.V))
		}
	}
	return f
}

// required are the fields without which there is no allocation.
var required = []string{"project_id", "src_ip", "dst_ip", "duration"}

// flowKey is the traffic that the fields describe by themselves.
func (f *allocationFields) flowKey() path.FlowKey {
	return path.FlowKey{
		Src: f.src.V, Dst: f.dst.V, Proto: f.proto.V,
		SrcPort: uint16(f.srcPort.V), DstPort: uint16(f.dstPort.V),
	}
}

// request is what the fields of a creation ask for. Null is as good as absent.
func (f *allocationFields) request() allocator.Request {
	return allocator.Request{
		UserID: f.user.V, ProjectID: f.project.V, Key: f.flowKey(),
		Duration: f.duration.V, Bandwidth: topology.BitRate(f.rate.V), StartTime: f.start.V,
		Lease: f.lease.V,
	}
}

// change is what an update asks for: absent fields stay, and null takes back an
// optional one.
func (f *allocationFields) change(now allocator.Allocation) allocator.Change {
	var c allocator.Change
	if f.project.Set {
		c.ProjectID = &f.project.V
	}
	if f.duration.Set {
		c.Duration = &f.duration.V
	}
	if f.rate.Set || f.rate.Null {
		c.Bandwidth = new(topology.BitRate(f.rate.V))
	}
	// What an active allocation shows is when it really started; to be given that
	// back is no change.
	shown := now.State != allocator.Pending && f.start.V == now.Window.Start
	if f.start.Set && !shown || f.start.Null && now.StartTime != 0 {
		c.StartTime = &f.start.V
	}
	if f.lease.Set || f.lease.Null {
		c.Lease = &f.lease.V
	}
	key := now.Key
	overwrite(&key.Src, f.src, func(a netip.Addr) netip.Addr { return a })
	overwrite(&key.Dst, f.dst, func(a netip.Addr) netip.Addr { return a })
	overwrite(&key.Proto, f.proto, func(p uint8) uint8 { return p })
	overwrite(&key.SrcPort, f.srcPort, func(p int64) uint16 { return uint16(p) })
	overwrite(&key.DstPort, f.dstPort, func(p int64) uint16 { return uint16(p) })
	if key != now.Key {
		c.Key = &key
	}
	return c
}

// overwrite sets *to if the request holds the field; null sets its zero value.
func overwrite[T, V any](to *T, v rest.Value[V], convert func(V) T) {
	if v.Set || v.Null {
		*to = convert(v.V)
	}
}

// replacement is the change that leaves nothing of now but what f says.
func (f *allocationFields) replacement(now allocator.Allocation, clock int64) allocator.Change {
	absent := func(v *rest.Value[int64]) { v.Null = v.Null || !v.Set }
	all := *f
	all.proto.Null = all.proto.Null || !all.proto.Set
	absent(&all.srcPort)
	absent(&all.dstPort)
	absent(&all.rate)
	absent(&all.lease)
	started := now.State != allocator.Pending || now.Window.Start != 0 && now.Window.Start <= clock
	switch {
	case all.start.Set && all.start.V == now.Window.Start:
		all.start = rest.Value[int64]{} // as it is shown; whether it was asked for is not
	case !started: // of what has started it is no longer anybody's to choose
		absent(&all.start)
	}
	return all.change(now)
}

// notNull refuses null where a change cannot mean "none".
func (f *allocationFields) notNull(b *rest.Fields) {
	for name, null := range map[string]bool{
		"user_id": f.user.Null, "project_id": f.project.Null, "duration": f.duration.Null,
		"src_ip": f.src.Null, "dst_ip": f.dst.Null,
	} {
		if null {
			b.Reject(name, "cannot be null")
		}
	}
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

// userOf is whose allocation a creation asks for: the user named, who must be a
// member of the project, or else the key's.
func (a *api) userOf(x *exchange, f *allocationFields) (string, error) {
	if !f.user.Set || f.user.V == x.key.User {
		return x.key.User, nil
	}
	err := a.Directory.Admit(x.Request.Context(), f.user.V, f.project.V)
	if errors.Is(err, auth.ErrNotMember) {
		return "", rest.NewFault(http.StatusForbidden, "user_id: not a member of this project")
	}
	return f.user.V, err
}
