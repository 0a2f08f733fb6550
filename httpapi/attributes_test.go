package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conga/allocator"
	"conga/controller/topology"
	"conga/httpapi"
	"conga/httpapi/httpapitest"
)

// properties returns the names of the properties of a schema of the OpenAPI
// document, but for some.
func properties(t *testing.T, schema string, but ...string) []string {
	t.Helper()
	c, err := httpapitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	members, _ := c.Members(httpapitest.Pointer("/components/schemas").At(schema, "properties"))
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(members)), func(name string) bool { return slices.Contains(but, name) })
	if len(names) < 5 {
		t.Fatalf("%s has only %v", schema, names)
	}
	return names
}

// samples are values of attributes that the document says too little of.
var samples = map[string]string{
	"project_id": `"project B"`, "user_id": `"xyz987"`, "src_ip": `"192.127.1.22"`, "dst_ip": `"192.127.1.45"`,
	"protocol": `"udp"`, "start_time": `1429207174`, "earliest": `1429207174`, "deadline": `1429297174`,
	"protection": `"path"`, "class": `"scavenger"`, "include": `["0000000000000001"]`, "avoid": `["0000000000000007:1->0000000000000008:1"]`,
}

// sample returns a value of an attribute in JSON: one of samples, or else an
// integer that the document allows.
func sample(t *testing.T, c *httpapitest.Contract, name string) string {
	t.Helper()
	if text, ok := samples[name]; ok {
		return text
	}
	if at := httpapitest.Pointer("/components/schemas/AllocationChange/properties").At(name); c.ValidText(at, "1234") == nil {
		return "1234"
	}
	t.Fatalf("%s: give the test a sample of it", name)
	return ""
}

// attributeTest is an allocation that each test below changes one attribute of.
type attributeTest struct {
	*harness
	name, sample string
	nullable     bool
	id           string
	fresh        string // what is shown of the attribute without a request for it
}

// body returns a request for the allocation in which the attribute has a value
// in JSON, or none of its own for "".
func (a *attributeTest) body(value string) string {
	members := map[string]json.RawMessage{}
	a.must(json.Unmarshal([]byte("{"+good+"}"), &members))
	switch a.name {
	case "protection":
		members["dst_ip"] = json.RawMessage(`"203.0.113.9"`) // of which it is not known yet whether two paths lead there
	case "volume":
		if value != "" && value != "{}" {
			delete(members, "duration") // which follows from it
		}
	case "min_bandwidth", "max_bandwidth":
		delete(members, "duration")
		members["volume"] = json.RawMessage("50000000")
	case "reverse_bandwidth":
		members["bandwidth"] = json.RawMessage("5000") // from the source
	}
	if value != "" {
		members[a.name] = json.RawMessage(value)
	}
	text, err := json.Marshal(members)
	a.must(err)
	return string(text)
}

func (a *attributeTest) address() string { return "/api/v1/allocations/" + a.id }

// shows checks what is shown of the attribute.
func (a *attributeTest) shows(when, want string) {
	a.t.Helper()
	var got struct{ Results []map[string]json.RawMessage }
	text := a.want(200, "GET", a.address(), "", bearer(a.admin)).body
	a.must(json.Unmarshal([]byte(text), &got))
	if shown := string(got.Results[0][a.name]); shown != want {
		a.t.Errorf("%s: %s is %s, want %s", when, a.name, shown, want)
	}
}

// last returns the detail of the latest record of the audit log.
func (a *attributeTest) last() string {
	lines := a.trail("")
	return lines[len(lines)-1]
}

// TestAttributesOfRequests takes the attributes of requests from the OpenAPI
// document and asks for each of them in every way: it must be read, kept over a
// restart, shown, changed, taken back, recorded and blamed.
func TestAttributesOfRequests(t *testing.T) {
	c, err := httpapitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range properties(t, "AllocationRequest", "api_key") {
		t.Run(name, func(t *testing.T) {
			a := &attributeTest{harness: newHarness(t), name: name}
			if name == "disjoint_from" {
				a.sample = strconv.Quote(a.create(`,"src_port":7`))
			} else {
				a.sample = sample(t, c, name)
			}
			a.nullable = c.ValidText(httpapitest.Pointer("/components/schemas/AllocationChange/properties").At(name), "null") == nil
			a.testRefusal()
			a.testCreation()
			switch name {
			case "user_id":
				a.want(422, "PATCH", a.address(), `{"user_id":"abc123"}`, bearer(a.admin))
				return
			case "class":
				a.want(422, "PATCH", a.address(), `{"class":"scavenger"}`, bearer(a.admin))
				return
			}
			a.testChange()
			a.testReplacement()
		})
	}
}

// testRefusal asks for a value of no type.
func (a *attributeTest) testRefusal() {
	a.t.Helper()
	refused := a.want(400, "POST", "/api/v1/allocations", a.body("{}"), bearer(a.admin))
	if !strings.HasPrefix(refused.Errors[0], a.name+": must be ") {
		a.t.Errorf("the refusal is %v", refused.Errors)
	}
	if got := a.last(); !strings.Contains(got, "("+a.name+")") {
		a.t.Errorf("the audit log has %s", got)
	}
}

// testCreation creates an allocation with the attribute, and in its place one
// without.
func (a *attributeTest) testCreation() {
	a.t.Helper()
	create := func(value string) {
		a.t.Helper()
		made := a.want(201, "POST", "/api/v1/allocations", a.body(value), bearer(a.admin))
		a.id = made.Results[0]["allocation_id"].(string)
	}
	create(a.sample)
	a.shows("created", a.sample)
	a.restart()
	a.shows("restarted", a.sample)
	a.want(200, "DELETE", a.address(), "", bearer(a.admin))
	create("")
	var got struct{ Results []map[string]json.RawMessage }
	a.must(json.Unmarshal([]byte(a.want(200, "GET", a.address(), "", bearer(a.admin)).body), &got))
	a.fresh = string(got.Results[0][a.name])
	if a.fresh == a.sample {
		a.t.Errorf("the sample %s is no other value", a.sample)
	}
}

// restart puts an allocator in place that has read everything from the store.
func (a *attributeTest) restart() {
	a.t.Helper()
	snap := network()
	again, err := allocator.Open(a.t.Context(), allocator.Config{
		Store: a.disk, Network: func() *topology.Snapshot { return snap }, Now: a.clock,
	})
	a.must(err)
	again.Settled()
	a.alloc, a.cfg.Allocations = again, again
	a.api, err = httpapi.New(a.cfg)
	a.must(err)
}

// testChange changes the attribute and takes it back.
func (a *attributeTest) testChange() {
	a.t.Helper()
	a.want(200, "PATCH", a.address(), `{"`+a.name+`":`+a.sample+`}`, bearer(a.admin))
	a.shows("changed", a.sample)
	if got := a.last(); !strings.Contains(got, " "+a.name+" ") || !strings.HasSuffix(got, " -> "+strings.Trim(a.sample, `["]`)) {
		a.t.Errorf("the audit log has %s", got)
	}
	a.restart()
	a.shows("restarted after the change", a.sample)
	if !a.nullable {
		refused := a.want(422, "PATCH", a.address(), `{"`+a.name+`":null}`, bearer(a.admin))
		if got := fmt.Sprint(refused.Errors); got != "["+a.name+": cannot be null]" {
			a.t.Errorf("null: %s", got)
		}
		return
	}
	a.want(200, "PATCH", a.address(), `{"`+a.name+`":null}`, bearer(a.admin))
	a.shows("taken back", a.fresh)
}

// testReplacement replaces the allocation by one with the attribute and by one
// without.
func (a *attributeTest) testReplacement() {
	a.t.Helper()
	a.want(200, "PUT", a.address(), a.body(a.sample), bearer(a.admin))
	a.shows("replaced", a.sample)
	a.want(200, "PUT", a.address(), a.body(""), bearer(a.admin))
	a.shows("replaced by what has none", a.fresh)
	if c, _ := httpapitest.Load(); c.ValidText("/components/schemas/AllocationRequest", a.body("null")) == nil {
		return // optional
	}
	without := map[string]any{}
	a.must(json.Unmarshal([]byte(a.body("")), &without))
	delete(without, a.name)
	text, err := json.Marshal(without)
	a.must(err)
	for _, r := range [][2]string{{"POST", "/api/v1/allocations"}, {"PUT", a.address()}} {
		refused := a.want(422, r[0], r[1], string(text), bearer(a.admin))
		if got := fmt.Sprint(refused.Errors); got != "["+a.name+": is required]" {
			a.t.Errorf("%s without it: %s", r[0], got)
		}
	}
}

// TestAttributesOfAnswers takes the attributes that only the server sets from
// the OpenAPI document: each is shown, refused in a request, blamed, and may be
// sent back as it was shown.
func TestAttributesOfAnswers(t *testing.T) {
	h := newHarness(t)
	one := "/api/v1/allocations/" + h.create("")
	shown := h.want(200, "GET", one, "", bearer(h.admin)).Results[0]
	all := properties(t, "Allocation")
	if got := slices.Sorted(maps.Keys(shown)); !slices.Equal(got, all) {
		t.Errorf("shown is %v, want %v", got, all)
	}
	for _, name := range properties(t, "Allocation", properties(t, "AllocationRequest")...) {
		value, err := json.Marshal(shown[name])
		h.must(err)
		body := "{" + good + `,"` + name + `":` + string(value) + "}"
		refused := h.want(422, "POST", "/api/v1/allocations", body, bearer(h.admin))
		if got := fmt.Sprint(refused.Errors); got != "["+name+": is set by CONGA; leave it out]" {
			t.Errorf("%s: %s", name, got)
		}
		a := &attributeTest{harness: h}
		if got := a.last(); !strings.Contains(got, "("+name+")") {
			t.Errorf("%s: the audit log has %s", name, got)
		}
		h.want(200, "PUT", one, body, bearer(h.admin))
	}
}
