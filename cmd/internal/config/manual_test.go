package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestManualHasEveryKey asks for every key by the name that the file has for
// it.
func TestManualHasEveryKey(t *testing.T) {
	keys := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var note func(reflect.Type)
	note = func(of reflect.Type) {
		switch {
		case of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice:
			note(of.Elem())
		case of.Kind() == reflect.Struct && !seen[of]:
			seen[of] = true
			for i := range of.NumField() {
				f := of.Field(i)
				if name := f.Tag.Get("yaml"); name != "" {
					keys[name] = true
					note(f.Type)
				}
			}
		}
	}
	note(reflect.TypeFor[Config]())
	if len(keys) < 80 {
		t.Fatalf("%d keys are found", len(keys))
	}
	for key := range keys {
		if !strings.Contains(Manual, "**"+key+"**") && !strings.Contains(Manual, "."+key+"**") && !strings.Contains(Manual, "**"+key+".") {
			t.Errorf("conga.yaml(5) does not say what %s is", key)
		}
	}
}

// TestPackaged reads the file that packages install.
func TestPackaged(t *testing.T) {
	c, err := Load("../../../packaging/conga.yaml", Overrides{}, Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data = "/var/lib/conga"
	if want.Directory.Projects, want.Directory.Users = []Project{}, []User{}; !reflect.DeepEqual(c, want) {
		t.Errorf("the packaged configuration is not the default one:\n%v", c)
	}
}
