package httpapi

import (
	"encoding/json"
	"testing"

	"conga/allocator"
	"conga/controller/path"
)

// TestWhichPathIsShown: path is always the first one, whichever is used, and
// carried_by says which that is.
func TestWhichPathIsShown(t *testing.T) {
	first, second := path.Path{{DPID: 1, In: 1, Out: 2}}, path.Path{{DPID: 1, In: 1, Out: 3}}
	const shownFirst, shownSecond = `[{"dpid":"0000000000000001","in_port":1,"out_port":2}]`, `[{"dpid":"0000000000000001","in_port":1,"out_port":3}]`
	request := allocator.Request{Protected: true}
	for _, x := range []struct {
		a                      allocator.Allocation
		path, backup, by, kind string
	}{
		{allocator.Allocation{State: allocator.Active, Path: first}, shownFirst, "null", "null", `"none"`},
		{allocator.Allocation{Request: request, State: allocator.Active, Path: first}, shownFirst, "null", "null", `"path"`},
		{allocator.Allocation{Request: request, State: allocator.Active, Path: first, Backup: second}, shownFirst, shownSecond, `"path"`, `"path"`},
		{allocator.Allocation{Request: request, State: allocator.Active, Path: second, Backup: first, Swapped: true}, shownFirst, shownSecond, `"backup_path"`, `"path"`},
		{allocator.Allocation{Request: request, State: allocator.Pending, Path: first, Backup: second}, shownFirst, shownSecond, "null", `"path"`},
	} {
		text, err := json.Marshal(viewAllocation(func(...string) string { return "/" }, x.a))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"path": x.path, "backup_path": x.backup, "carried_by": x.by, "protection": x.kind} {
			if string(got[name]) != want {
				t.Errorf("%+v: %s is %s, want %s", x.a, name, got[name], want)
			}
		}
	}
}
