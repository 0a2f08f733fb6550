package main

// The tests that must notice.
const tests = "^Test(Attribute|ChangeTakesBack|ShownIsKept|Contract)"

var packages = []string{"./httpapi", "./httpapi/client"}

// nextInAnswers is what follows the attribute in the schema of answers.
const nextInAnswers = "          \"active_lease\": {\"$ref\": \"#/components/schemas/ActiveLease\"},\n          \"hold\": {\"$ref\": \"#/components/schemas/Hold\"},\n          \"earliest\": {\"oneOf\""

// places are those of lease, which stands wherever an attribute of a request can.
var places = []place{
	{"schema of answers", "httpapi/openapi/allocations.json",
		"          \"lease\": {\"$ref\": \"#/components/schemas/Lease\"},\n" + nextInAnswers, nextInAnswers},
	{"table: the whole row", "httpapi/attributes.go", `name: "lease", audited: 11`, `name: "rent", audited: 11`},
	{"table: reading", "httpapi/attributes.go", `audited: 11, optional: true, read: integer(1, allocator.MaxLease, lease),`, `audited: 11, optional: true,`},
	{"table: reading into the request", "httpapi/attributes.go", `read: integer(1, allocator.MaxLease, lease)`, `read: integer(1, allocator.MaxLease, func(*allocator.Request) *allocator.Seconds { return new(allocator.Seconds) })`},
	{"table: rendering and difference", "httpapi/attributes.go", `return int64(a.Lease) }`, `return int64(0) }`},
	{"table: difference alone", "httpapi/attributes.go", `name: "lease", audited: 11,`, `name: "lease",`},
	{"table: changing", "httpapi/attributes.go", `c.Lease = &r.Lease }`, `}`},
	{"table: null", "httpapi/attributes.go", `name: "lease", audited: 11, optional: true,`, `name: "lease", audited: 11,`},
	{"table: names to blame", "httpapi/audit_refusal.go", `known[a.name] = true`, `known[a.name] = a.name != "lease"`},
	{"allocator: applying a change", "allocator/request.go", `r.Lease = *c.Lease`, `_ = *c.Lease`},
	{"allocator: writing the record", "allocator/codec.go", `r.StartTime, r.Lease,`, `r.StartTime, 0,`},
	{"allocator: reading the record", "allocator/codec.go", `&r.Lease,`, `new(Seconds),`},
	{"allocator: keeping it in memory", "allocator/packed.go", `= r.Lease, r.ActiveLease,`, `= 0, r.ActiveLease,`},
	{"allocator: from memory", "allocator/packed.go", `Lease: it.rare.lease,`, ``},
	{"client: answers", "httpapi/client/allocation.go", "Lease     *int64  `json:\"lease\"`", "Lease     *int64  `json:\"-\"`"},
	{"client: requests", "httpapi/client/allocations.go", "`json:\"lease,omitempty\"`", "`json:\"-\"`"},
	{"client: changes", "httpapi/client/allocations.go", "	put(fields, \"lease\", c.Lease, true)\n", ""},
	{"client: taking back", "httpapi/client/allocations.go", `put(fields, "lease", c.Lease, true)`, `put(fields, "lease", c.Lease, false)`},
}
