package acceptance

import (
	"fmt"
	"testing"
	"time"
)

// shows checks a member of an allocation's details: its type, its value when it
// was given one, and null when it was not.
func shows(name string, given any, kind string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		d := u.details(u.create(with(sound(), name, given)))
		if got := fmt.Sprint(d[name]); typeOf(d[name]) != kind || got != fmt.Sprint(given) {
			t.Errorf("given %v it is %v", given, d[name])
		}
		fields := sound()
		if _, needed := fields[name]; needed {
			return
		}
		if d = u.details(u.create(with(fields, "duration", 60))); d[name] != nil {
			t.Errorf("not given it is %v", d[name])
		} else if _, there := d[name]; !there {
			t.Error("not given it is left out, not null")
		}
	}
}

// congaAttributes are the attributes of an allocation.
var congaAttributes = checks{
	"conga: Network Allocation: allocation_id (string)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		a, b := u.create(with(sound(), "src_port", 1)), u.create(with(sound(), "src_port", 2))
		if a == "" || a == b || u.details(a)["allocation_id"] != a {
			t.Errorf("two allocations are %q and %q", a, b)
		}
	},
	"conga: Network Allocation: duration (integer)": shows("duration", 1234.0, "integer"),
	"conga: Network Allocation: start_time (integer)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		before := time.Now().Unix()
		d := u.until(u.create(with(sound(), "duration", 60)), "active")
		start, ok := d["start_time"].(float64)
		if !ok || int64(start) < before || int64(start) > time.Now().Unix() || typeOf(start) != "integer" {
			t.Errorf("asked for at %d and active now it began at %v", before, d["start_time"])
		}
	},
	"conga: Network Allocation: end_time (integer)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		d := u.until(u.create(with(sound(), "duration", 77)), "active")
		if typeOf(d["end_time"]) != "integer" || d["end_time"].(float64) != d["start_time"].(float64)+77 {
			t.Errorf("from %v for 77 s it ends at %v", d["start_time"], d["end_time"])
		}
	},
	"conga: Network Allocation: state (string)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		later := u.details(u.create(with(sound(), "start_time", time.Now().Unix()+3600)))
		if later["state"] != "pending" {
			t.Errorf("in an hour it is %v", later["state"])
		}
		u.until(u.create(with(sound(), "duration", 60)), "active")
	},
	"conga: Network Allocation: pending becomes active becomes complete": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		made := u.want(201, "POST", "/api/allocations", with(sound(), "duration", 2))
		id := made.text("allocation_id")
		u.cleared(id)
		if made.text("state") != "pending" {
			t.Errorf("at first it is %s", made.text("state"))
		}
		active := u.until(id, "active")
		complete := u.until(id, "complete")
		if active["start_time"] != complete["start_time"] || complete["end_time"].(float64) > float64(time.Now().Unix()) {
			t.Errorf("active it is %v, complete %v", active, complete)
		}
	},
	"conga: Network Allocation: bandwidth (integer)": shows("bandwidth", 2500000.0, "integer"),
	"conga: Network Allocation: user_id (string)": func(t *testing.T, w *world) {
		u := w.user(t, "xyz987", "projectB")
		if d := u.details(u.create(with(sound(), "duration", 60))); d["user_id"] != "xyz987" {
			t.Errorf("the user is %v", d["user_id"])
		}
	},
	"conga: Network Allocation: project_id (string)": shows("project_id", "projectB", "string"),
	"conga: Network Allocation: src_ip (string)":     shows("src_ip", "192.127.1.40", "string"),
	"conga: Network Allocation: src_port (integer)":  shows("src_port", 4321.0, "integer"),
	"conga: Network Allocation: dst_ip (string)":     shows("dst_ip", "192.127.1.45", "string"),
	"conga: Network Allocation: dst_port (integer)":  shows("dst_port", 3030.0, "integer"),
}

// argument checks one argument of a creation: what it must not be, by the
// status of the refusal, and whether it may be absent.
func argument(name string, required bool, wrong map[int][]any) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		for code, values := range wrong {
			for _, v := range values {
				u.refused(code, name+": ", "POST", "/api/allocations", with(sound(), name, v))
			}
		}
		if required {
			u.refused(422, name+": is required", "POST", "/api/allocations", with(sound(), name, absent))
			u.refused(422, name+": is required", "POST", "/api/allocations", with(sound(), name, nil))
			u.create(with(sound(), name, sound()[name]))
			return
		}
		id := u.create(with(sound(), name, nil))
		u.want(200, "DELETE", "/api/allocations/"+id, "")
		u.create(with(sound(), name, absent))
	}
}

var (
	noText    = []any{7, true, []any{"x"}, map[string]any{}}
	noInteger = []any{"7", true, []any{7}, map[string]any{}, 1.5}
	noAddress = map[int][]any{400: noText, 422: {"", "host.example", "192.127.1", "192.127.1.10/24", "0.0.0.0/0", "192.127.1.256", "fe80::1%eth0"}}
	noPort    = map[int][]any{400: noInteger, 422: {0, -1, 65536}}
)

// congaCreate are the arguments of creating an allocation.
var congaCreate = checks{
	"conga: Create an allocation: api_key (required)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		key := u.key
		u.key = "" // from here on it is in the body, as documented
		u.refused(401, "api_key: ", "POST", "/api/allocations", with(sound(), "api_key", absent))
		u.refused(401, "api_key: ", "POST", "/api/allocations", with(sound(), "api_key", nil))
		u.refused(401, "api_key: ", "POST", "/api/allocations", with(sound(), "api_key", "[key]"))
		u.refused(400, "api_key: ", "POST", "/api/allocations", with(sound(), "api_key", 7))
		id := u.want(201, "POST", "/api/allocations", with(sound(), "api_key", key)).text("allocation_id")
		u.cleared(id)
	},
	"conga: Create an allocation: user_id (optional)": func(t *testing.T, w *world) {
		argument("user_id", false, map[int][]any{400: noText, 422: {"", " x"}})(t, w)
		u := w.user(t, "abc123", "projectB")
		if d := u.details(u.create(with(sound(), "user_id", "abc123"))); d["user_id"] != "abc123" {
			t.Errorf("in the user's own name it is %v's", d["user_id"])
		}
		u.refused(403, "user_id: ", "POST", "/api/allocations", with(sound(), "user_id", "xyz987"))
		u.refused(403, "user_id: ", "POST", "/api/allocations", with(sound(), "user_id", "guarded"))
	},
	"conga: Create an allocation: project_id (required)": func(t *testing.T, w *world) {
		argument("project_id", true, map[int][]any{400: noText, 422: {""}, 403: {"project1", "nobody's"}})(t, w)
	},
	"conga: Create an allocation: src_ip (required)":    argument("src_ip", true, noAddress),
	"conga: Create an allocation: src_port (optional)":  argument("src_port", false, noPort),
	"conga: Create an allocation: dst_ip (required)":    argument("dst_ip", true, noAddress),
	"conga: Create an allocation: dst_port (optional)":  argument("dst_port", false, noPort),
	"conga: Create an allocation: duration (required)":  argument("duration", true, map[int][]any{400: noInteger, 422: {0, -1}}),
	"conga: Create an allocation: bandwidth (optional)": argument("bandwidth", false, map[int][]any{400: noInteger, 422: {0, -1}}),
}

// keyInBody checks the one argument of a request that has no other: the key,
// which the document puts into the body even of GET and DELETE.
func keyInBody(method string, path func(id string) string, more string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		target := path(u.create(with(sound(), "duration", 60)))
		key := u.key
		u.key = ""
		u.refused(401, "api_key: ", method, target, "")
		u.refused(401, "api_key: ", method, target, `{"api_key":"[key]"`+more+`}`)
		u.refused(400, "api_key: ", method, target, `{"api_key":7`+more+`}`)
		u.want(200, method, target, fmt.Sprintf(`{"api_key":%q%s}`, key, more))
	}
}

// changes checks one argument of an update: it takes effect, members that are
// not named stay, and wrong values are refused.
func changes(name string, value any, wrong map[int][]any) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		fields := sound()
		fields["src_port"], fields["dst_port"], fields["bandwidth"] = 4321, 3030, 1000000
		id := u.active(with(fields, "duration", 3600))
		for code, values := range wrong {
			for _, v := range values {
				u.refused(code, name+": ", "POST", "/api/allocations/"+id, with(map[string]any{}, name, v))
			}
		}
		before := u.details(id)
		after := u.want(200, "POST", "/api/allocations/"+id, with(map[string]any{}, name, value)).Results[0]
		for member, was := range before {
			switch {
			case member == name:
				if fmt.Sprint(after[name]) != fmt.Sprint(value) {
					t.Errorf("%s is %v, want %v", name, after[name], value)
				}
			case member == "end_time" && name == "duration":
				if after[member] != after["start_time"].(float64)+after["duration"].(float64) {
					t.Errorf("it ends at %v", after[member])
				}
			case member == "path" || member == "reason":
			case fmt.Sprint(after[member]) != fmt.Sprint(was):
				t.Errorf("%s was %v and is %v", member, was, after[member])
			}
		}
		u.until(id, "active")
	}
}

// congaUpdate are the arguments of updating, reading, deleting and listing.
var congaUpdate = checks{
	"conga: Update an allocation: api_key (required)": keyInBody("POST", func(id string) string { return "/api/allocations/" + id }, `,"duration":61`),
	"conga: Update an allocation: project_id (optional)": func(t *testing.T, w *world) {
		id := w.user(t, "abc123", "projectB").create(with(sound(), "duration", 60))
		w.user(t, "abc123", "projectB").refused(403, "project_id: ", "POST", "/api/allocations/"+id, `{"project_id":"project1"}`)
		both := w.operator(t)
		if both.want(200, "POST", "/api/allocations/"+id, `{"project_id":"project1"}`); both.details(id)["project_id"] != "project1" {
			t.Error("it has not moved")
		}
		w.user(t, "abc123", "projectB").want(404, "GET", "/api/allocations/"+id, "")
	},
	"conga: Update an allocation: src_ip (optional)":    changes("src_ip", "192.127.1.40", noAddress),
	"conga: Update an allocation: src_port (optional)":  changes("src_port", 4322, noPort),
	"conga: Update an allocation: dst_ip (optional)":    changes("dst_ip", "192.127.1.22", noAddress),
	"conga: Update an allocation: dst_port (optional)":  changes("dst_port", 3031, noPort),
	"conga: Update an allocation: duration (optional)":  changes("duration", 7200, map[int][]any{400: noInteger, 422: {0, -1, nil}}),
	"conga: Update an allocation: bandwidth (optional)": changes("bandwidth", 2000000.0, map[int][]any{400: noInteger, 422: {0, -1}}),
	"conga: Update an allocation: what is not named stays": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		id := u.active(with(sound(), "bandwidth", 1000000))
		before := u.details(id)
		if after := u.want(200, "POST", "/api/allocations/"+id, `{}`).Results[0]; fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%v became %v", before, after)
		}
	},

	"conga: Retrieve allocation details: api_key (required)": keyInBody("GET", func(id string) string { return "/api/allocations/" + id }, ""),
	"conga: Delete an allocation: api_key (required)":        keyInBody("DELETE", func(id string) string { return "/api/allocations/" + id }, ""),
	"conga: List all allocations: api_key (required)":        keyInBody("GET", func(string) string { return "/api/allocations" }, `,"project_id":"projectB"`),
	"conga: List all allocations: project_id (required)": func(t *testing.T, w *world) {
		u := w.user(t, "abc123", "projectB")
		u.want(200, "GET", "/api/allocations", `{"project_id":"projectB"}`)
		u.want(200, "GET", "/api/allocations?project_id=projectB", "")
		u.refused(403, "project_id: ", "GET", "/api/allocations", `{"project_id":"project1"}`)
		u.refused(400, "project_id: ", "GET", "/api/allocations", `{"project_id":7}`)
		u.refused(422, "project_id: ", "GET", "/api/allocations", `{"project_id":""}`)
		u.want(200, "GET", "/api/allocations", "") // the project is the key's
	},
	"conga: List all allocations: of the given project only": func(t *testing.T, w *world) {
		mine, theirs := w.user(t, "abc123", "projectB"), w.user(t, "abc123", "project1")
		a := mine.create(with(sound(), "src_port", 1))
		fields := sound()
		fields["project_id"] = "project1"
		b := theirs.create(with(fields, "src_port", 2))
		ids := func(u *asker, body string) map[any]bool {
			all := map[any]bool{}
			for _, one := range u.want(200, "GET", "/api/allocations", body).Results {
				all[one["allocation_id"]] = true
			}
			return all
		}
		if got := ids(mine, `{"project_id":"projectB"}`); !got[a] || got[b] {
			t.Errorf("projectB has %v", got)
		}
		if got := ids(theirs, `{"project_id":"project1"}`); got[a] || !got[b] {
			t.Errorf("project1 has %v", got)
		}
	},
}
