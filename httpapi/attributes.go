package httpapi

import (
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// An attribute is an attribute of an allocation, as requests and answers have
// it. Reading, rendering, the audit log's details and the names that it may
// tell of a refusal follow from the table below.
type attribute struct {
	name string

	// value returns what was asked for. It must be comparable.
	value func(*allocator.Allocation) any
	// show returns what answers have; nil: value, or null for an optional
	// attribute's zero value.
	show func(*shown) any
	// audited is the place in the audit log's details of a change; 0: none.
	audited int

	// read takes the attribute from a body; nil: only the server sets it.
	read func(b *rest.Fields, name string) given
	// change notes in c that the attribute is as in r; nil: it cannot be
	// changed.
	change   func(c *allocator.Change, r *allocator.Request)
	required bool // in a creation and in a replacement
	optional bool // null is a value: none
	traffic  bool // connection_uuid says it, too
}

// given holds what a request says of an attribute.
type given struct {
	name      string
	set, null bool
	put       func(*allocator.Request) // puts the value, zero for null
}

// attributes are those of the OpenAPI document, in the order of answers.
var attributes = []attribute{
	{name: "allocation_id", show: func(s *shown) any { return textOrNull(s.ID) }},
	{
		name: "start_time", audited: 10, optional: true, read: moment(allocator.MaxAhead, startTime), change: changeStart,
		value: func(a *allocator.Allocation) any { return int64(a.StartTime) },
		show:  func(s *shown) any { return s.windowTime(s.Window.Start) }, // planned while pending, actual from then on
	},
	{name: "end_time", show: func(s *shown) any { return s.windowTime(s.Window.End) }},
	{name: "state", audited: 1, value: func(a *allocator.Allocation) any { return string(a.State) }},
	{
		name: "bandwidth", audited: 8, optional: true, read: rate(1, bandwidth),
		value:  func(a *allocator.Allocation) any { return uint64(a.Bandwidth) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Bandwidth = &r.Bandwidth },
	},
	{name: "user_id", value: func(a *allocator.Allocation) any { return a.UserID }, read: named(userID)},
	{
		name: "project_id", audited: 2, required: true, read: named(projectID),
		value:  func(a *allocator.Allocation) any { return a.ProjectID },
		change: func(c *allocator.Change, r *allocator.Request) { c.ProjectID = &r.ProjectID },
	},
	{
		name: "src_ip", audited: 3, required: true, traffic: true, read: side(source), change: changeKey,
		value: func(a *allocator.Allocation) any { return a.Key.Src },
	},
	{
		name: "src_port", audited: 4, optional: true, traffic: true, read: ports(sourcePort), change: changeKey,
		value: func(a *allocator.Allocation) any { return a.Key.SrcPort },
	},
	{
		name: "dst_ip", audited: 5, required: true, traffic: true, read: side(destination), change: changeKey,
		value: func(a *allocator.Allocation) any { return a.Key.Dst },
	},
	{
		name: "dst_port", audited: 6, optional: true, traffic: true, read: ports(destinationPort), change: changeKey,
		value: func(a *allocator.Allocation) any { return a.Key.DstPort },
	},
	{
		name: "duration", audited: 9, required: true, read: integer(1, allocator.MaxDuration, duration), // seconds
		value:  func(a *allocator.Allocation) any { return int64(a.Duration) },
		show:   func(s *shown) any { return zeroAsNull(int64(s.Duration)) }, // it follows from a volume, once that is planned
		change: func(c *allocator.Change, r *allocator.Request) { c.Duration = &r.Duration },
	},
	{
		name: "protocol", audited: 7, optional: true, traffic: true, read: reader(takeProtocol, func(r *allocator.Request, p uint8) { r.Key.Proto = p }), change: changeKey,
		value: func(a *allocator.Allocation) any { return protocolName(a.Key.Proto) },
	},
	{
		name: "lease", audited: 11, optional: true, read: integer(1, allocator.MaxLease, lease), // seconds
		value:  func(a *allocator.Allocation) any { return int64(a.Lease) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Lease = &r.Lease },
	},
	{
		name: "active_lease", audited: 12, optional: true, read: integer(1, allocator.MaxLease, activeLease), // seconds
		value:  func(a *allocator.Allocation) any { return int64(a.ActiveLease) },
		change: func(c *allocator.Change, r *allocator.Request) { c.ActiveLease = &r.ActiveLease },
	},
	{
		name: "hold", audited: 24, optional: true, read: integer(1, allocator.MaxLease, hold), // seconds
		value:  func(a *allocator.Allocation) any { return int64(a.Hold) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Hold = &r.Hold },
	},
	{
		name: "earliest", audited: 13, optional: true, read: moment(allocator.MaxAhead, earliest),
		value:  func(a *allocator.Allocation) any { return int64(a.Earliest) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Earliest = &r.Earliest },
	},
	{
		name: "deadline", audited: 14, optional: true, read: moment(allocator.MaxDeadline, deadline),
		value:  func(a *allocator.Allocation) any { return int64(a.Deadline) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Deadline = &r.Deadline },
	},
	{
		name: "volume", audited: 15, optional: true, read: integer(1, allocator.MaxVolume, volume), // bytes
		value:  func(a *allocator.Allocation) any { return a.Volume },
		change: func(c *allocator.Change, r *allocator.Request) { c.Volume = &r.Volume },
	},
	{
		name: "min_bandwidth", audited: 16, optional: true, read: rate(1, minBandwidth),
		value:  func(a *allocator.Allocation) any { return uint64(a.MinBandwidth) },
		change: func(c *allocator.Change, r *allocator.Request) { c.MinBandwidth = &r.MinBandwidth },
	},
	{
		name: "max_bandwidth", audited: 17, optional: true, read: rate(1, maxBandwidth),
		value:  func(a *allocator.Allocation) any { return uint64(a.MaxBandwidth) },
		change: func(c *allocator.Change, r *allocator.Request) { c.MaxBandwidth = &r.MaxBandwidth },
	},
	{
		name: "reverse_bandwidth", audited: 23, optional: true, read: reader(takeReverse, setReverse),
		value:  func(a *allocator.Allocation) any { return reverse(a.Reverse) },
		change: func(c *allocator.Change, r *allocator.Request) { c.Reverse = &r.Reverse },
	},
	{
		name: "include", audited: 18, optional: true, read: elements(allocator.MaxInclude, include),
		value:  func(a *allocator.Allocation) any { return a.Include },
		change: func(c *allocator.Change, r *allocator.Request) { c.Include = &r.Include },
	},
	{
		name: "avoid", audited: 19, optional: true, read: elements(allocator.MaxAvoid, avoid),
		value:  func(a *allocator.Allocation) any { return a.Avoid },
		change: func(c *allocator.Change, r *allocator.Request) { c.Avoid = &r.Avoid },
	},
	{
		name: "disjoint_from", audited: 20, optional: true, read: reader(takeID, func(r *allocator.Request, id string) { r.DisjointFrom = id }),
		value:  func(a *allocator.Allocation) any { return a.DisjointFrom },
		change: func(c *allocator.Change, r *allocator.Request) { c.DisjointFrom = &r.DisjointFrom },
	},
	{
		name: "max_hops", audited: 21, optional: true, read: integer(1, allocator.MaxHops, maxHops), // switches
		value:  func(a *allocator.Allocation) any { return int64(a.MaxHops) },
		change: func(c *allocator.Change, r *allocator.Request) { c.MaxHops = &r.MaxHops },
	},
	{
		name: "max_latency", audited: 22, optional: true, read: reader(takeLatency, func(r *allocator.Request, d time.Duration) { r.MaxLatency = d }), // microseconds
		value:  func(a *allocator.Allocation) any { return a.MaxLatency.Microseconds() },
		change: func(c *allocator.Change, r *allocator.Request) { c.MaxLatency = &r.MaxLatency },
	},
	{
		name: "protection", audited: 26, optional: true, read: reader(takeProtection, func(r *allocator.Request, is bool) { r.Protected = is }),
		value:  func(a *allocator.Allocation) any { return protection(a.Protected) },
		show:   func(s *shown) any { return protection(s.Protected).String() },
		change: func(c *allocator.Change, r *allocator.Request) { c.Protected = &r.Protected },
	},
	{
		name: "class", audited: 25, optional: true, read: reader(takeClass, func(r *allocator.Request, c allocator.Class) { r.Class = c }),
		value:  func(a *allocator.Allocation) any { return a.Class },
		show:   func(s *shown) any { return s.Class.String() },
		change: func(c *allocator.Change, r *allocator.Request) { c.Class = &r.Class },
	},
	{name: "series", show: func(s *shown) any { return textOrNull(s.Series) }},
	{name: "recurrence", show: func(s *shown) any { return viewRecurrence(s.Recurrence) }},
	{
		name: "changed_by", optional: true, // the user, if not the allocation's own
		value: func(a *allocator.Allocation) any { return a.ChangedBy },
		show:  func(s *shown) any { return textOrNull(s.ChangedBy) },
	},
	{name: "reason", show: func(s *shown) any { return textOrNull(s.reason()) }},
	{name: "degraded", show: func(s *shown) any { return s.degraded() }},
	{name: "profile", show: func(s *shown) any { return viewProfile(&s.Allocation) }},
	{name: "path", show: func(s *shown) any { return viewHops(s.first()) }},
	{name: "backup_path", show: func(s *shown) any { return viewHops(s.second()) }},
	{name: "carried_by", show: func(s *shown) any { return s.carriedBy() }},
	{name: "connections", show: func(s *shown) any { return s.usage.connections() }},
	{name: "in_use", show: func(s *shown) any { return s.usage.inUse() }},
	{name: "receipt", show: func(s *shown) any { return s.shownReceipt() }},
	{name: "_links", show: func(s *shown) any { return s.links() }},
}

// The fields of a request that attributes are read into.
func userID(r *allocator.Request) *string                   { return &r.UserID }
func projectID(r *allocator.Request) *string                { return &r.ProjectID }
func source(r *allocator.Request) *path.Prefix              { return &r.Key.Src }
func destination(r *allocator.Request) *path.Prefix         { return &r.Key.Dst }
func sourcePort(r *allocator.Request) *path.Ports           { return &r.Key.SrcPort }
func destinationPort(r *allocator.Request) *path.Ports      { return &r.Key.DstPort }
func duration(r *allocator.Request) *allocator.Seconds      { return &r.Duration }
func lease(r *allocator.Request) *allocator.Seconds         { return &r.Lease }
func activeLease(r *allocator.Request) *allocator.Seconds   { return &r.ActiveLease }
func hold(r *allocator.Request) *allocator.Seconds          { return &r.Hold }
func startTime(r *allocator.Request) *allocator.Seconds     { return &r.StartTime }
func earliest(r *allocator.Request) *allocator.Seconds      { return &r.Earliest }
func deadline(r *allocator.Request) *allocator.Seconds      { return &r.Deadline }
func volume(r *allocator.Request) *uint64                   { return &r.Volume }
func bandwidth(r *allocator.Request) *bitrate.Rate          { return &r.Bandwidth }
func minBandwidth(r *allocator.Request) *bitrate.Rate       { return &r.MinBandwidth }
func maxBandwidth(r *allocator.Request) *bitrate.Rate       { return &r.MaxBandwidth }
func include(r *allocator.Request) *allocator.Elements      { return &r.Include }
func avoid(r *allocator.Request) *allocator.Elements        { return &r.Avoid }
func maxHops(r *allocator.Request) *int                     { return &r.MaxHops }
func changeKey(c *allocator.Change, r *allocator.Request)   { c.Key = &r.Key }
func changeStart(c *allocator.Change, r *allocator.Request) { c.StartTime = &r.StartTime }
