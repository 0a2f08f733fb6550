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
)

// maxTime is the end of the year 9999; the allocator judges what is sensible
// before it.
const maxTime = 253_402_300_799

// allocationFields are the fields of an allocation in a request.
type allocationFields struct {
	user, project                value[string]
	src, dst                     value[netip.Addr]
	srcPort, dstPort             value[int64]
	proto                        value[uint8]
	duration, rate, start, lease value[int64]
}

// takeAllocation takes every field that a request about an allocation can have.
func takeAllocation(b *fields) allocationFields {
	b.text("api_key") // authenticate has read it
	f := allocationFields{
		user: b.name("user_id"), project: b.name("project_id"),
		src: b.address("src_ip"), dst: b.address("dst_ip"),
		srcPort: b.integer("src_port", 1, math.MaxUint16), dstPort: b.integer("dst_port", 1, math.MaxUint16),
		duration: b.integer("duration", 1, allocator.MaxDuration),
		rate:     b.integer("bandwidth", 1, math.MaxInt64),
		start:    b.integer("start_time", 1, maxTime),
		lease:    b.integer("lease", 1, allocator.MaxLease),
	}
	name := b.text("protocol")
	f.proto.null = name.null
	if name.set {
		var ok bool
		if f.proto.v, ok = protocolNumber(name.v); ok {
			f.proto.set = true
		} else {
			b.reject("protocol", "must be tcp, udp or any, not %s", quote(name.v))
		}
	}
	return f
}

// required are the fields without which there is no allocation.
var required = []string{"project_id", "src_ip", "dst_ip", "duration"}

// flowKey is the traffic that the fields describe by themselves.
func (f *allocationFields) flowKey() path.FlowKey {
	return path.FlowKey{
		Src: f.src.v, Dst: f.dst.v, Proto: f.proto.v,
		SrcPort: uint16(f.srcPort.v), DstPort: uint16(f.dstPort.v),
	}
}

// request is what the fields of a creation ask for. Null is as good as absent.
func (f *allocationFields) request() allocator.Request {
	return allocator.Request{
		UserID: f.user.v, ProjectID: f.project.v, Key: f.flowKey(),
		Duration: f.duration.v, Bandwidth: topology.BitRate(f.rate.v), StartTime: f.start.v,
		Lease: f.lease.v,
	}
}

// change is what an update asks for: absent fields stay, and null takes back an
// optional one.
func (f *allocationFields) change(now allocator.Allocation) allocator.Change {
	var c allocator.Change
	if f.project.set {
		c.ProjectID = &f.project.v
	}
	if f.duration.set {
		c.Duration = &f.duration.v
	}
	if f.rate.set || f.rate.null {
		c.Bandwidth = new(topology.BitRate(f.rate.v))
	}
	// What an active allocation shows is when it really started; to be given that
	// back is no change.
	shown := now.State != allocator.Pending && f.start.v == now.Window.Start
	if f.start.set && !shown || f.start.null && now.StartTime != 0 {
		c.StartTime = &f.start.v
	}
	if f.lease.set || f.lease.null {
		c.Lease = &f.lease.v
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
func overwrite[T, V any](to *T, v value[V], convert func(V) T) {
	if v.set || v.null {
		*to = convert(v.v)
	}
}

// replacement is the change that leaves nothing of now but what f says.
func (f *allocationFields) replacement(now allocator.Allocation, clock int64) allocator.Change {
	absent := func(v *value[int64]) { v.null = v.null || !v.set }
	all := *f
	all.proto.null = all.proto.null || !all.proto.set
	absent(&all.srcPort)
	absent(&all.dstPort)
	absent(&all.rate)
	absent(&all.lease)
	started := now.State != allocator.Pending || now.Window.Start != 0 && now.Window.Start <= clock
	switch {
	case all.start.set && all.start.v == now.Window.Start:
		all.start = value[int64]{} // as it is shown; whether it was asked for is not
	case !started: // of what has started it is no longer anybody's to choose
		absent(&all.start)
	}
	return all.change(now)
}

// notNull refuses null where a change cannot mean "none".
func (f *allocationFields) notNull(b *fields) {
	for name, null := range map[string]bool{
		"user_id": f.user.null, "project_id": f.project.null, "duration": f.duration.null,
		"src_ip": f.src.null, "dst_ip": f.dst.null,
	} {
		if null {
			b.reject(name, "cannot be null")
		}
	}
}

// mayUse checks the project that a request names: it must be the key's own.
func (a *api) mayUse(x *exchange, project string) error {
	if !sees(x.key, project) {
		return newFault(http.StatusForbidden, "project_id: the key is for another project")
	}
	if !a.Directory.Project(project) { // only an operator's key comes this far
		return newFault(http.StatusUnprocessableEntity, "project_id: there is no such project")
	}
	return nil
}

// userOf is whose allocation a creation asks for: the user named, who must be a
// member of the project, or else the key's.
func (a *api) userOf(x *exchange, f *allocationFields) (string, error) {
	if !f.user.set || f.user.v == x.key.User {
		return x.key.User, nil
	}
	err := a.Directory.Admit(x.Request.Context(), f.user.v, f.project.v)
	if errors.Is(err, auth.ErrNotMember) {
		return "", newFault(http.StatusForbidden, "user_id: not a member of this project")
	}
	return f.user.v, err
}
