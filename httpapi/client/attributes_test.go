package client_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"conga/httpapi/client"
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

// membersOf returns the members of a value's JSON.
func membersOf(t *testing.T, v any) map[string]json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// filled returns a value whose fields are all set, but for Recurrence, which
// makes a request one for a series: to one, to "1", or to
// pointers to those, or to zero values if zero is set. StartIn and the like are
// other forms of StartTime and the like, and stay empty.
func filled[T any](zero bool) (out T) {
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if name := v.Type().Field(i).Name; strings.HasSuffix(name, "In") || name == "Recurrence" && v.Type() == reflect.TypeFor[client.Request]() {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f.Set(reflect.New(f.Type().Elem()))
			f = f.Elem()
		}
		switch {
		case zero:
		case f.Kind() == reflect.String:
			f.SetString("1")
		case f.CanInt():
			f.SetInt(1)
		case f.CanUint():
			f.SetUint(1)
		case f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf([]string{"1"}))
		}
	}
	return out
}

// TestAttributes compares the client's types with the OpenAPI document, so that
// no attribute of an allocation is missing in one of them.
func TestAttributes(t *testing.T) {
	for name, c := range map[string]struct {
		got  map[string]json.RawMessage
		want []string
	}{
		"Allocation": {membersOf(t, filled[client.Allocation](false)), properties(t, "Allocation", "_links")},
		"Request":    {membersOf(t, filled[client.Request](false)), properties(t, "AllocationRequest", "api_key")},
		"Change":     {membersOf(t, filled[client.Change](false)), properties(t, "AllocationChange", "api_key", "user_id")},
	} {
		if got := slices.Sorted(maps.Keys(c.got)); !slices.Equal(got, c.want) {
			t.Errorf("%s has %v, want %v", name, got, c.want)
		}
	}
	for name, raw := range membersOf(t, filled[client.Request](false)) {
		if strings.Trim(string(raw), `["]`) != "1" {
			t.Errorf("Request: %s is %s", name, raw)
		}
	}
}

// TestChangeTakesBack: a zero number is sent as null where the document knows
// null, and no zero.
func TestChangeTakesBack(t *testing.T) {
	c, err := httpapitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range membersOf(t, filled[client.Change](true)) {
		at := httpapitest.Pointer("/components/schemas/AllocationChange/properties").At(name)
		if c.ValidText(at, "null") == nil && c.ValidText(at, "0") != nil && string(raw) == "0" {
			t.Errorf("%s is 0, want null", name)
		}
	}
}

// TestShownIsKept: what the server shows of an attribute is what the client
// has.
func TestShownIsKept(t *testing.T) {
	shown := membersOf(t, filled[client.Allocation](false))
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	var got client.Allocation
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, filled[client.Allocation](false)) {
		t.Errorf("read back it is %+v", got)
	}
}
