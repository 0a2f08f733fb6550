package main

import (
	"reflect"
	"testing"

	"conga/cmd/internal/config"
	"conga/openflow"
)

// TestEveryKeyIsCompared: at SIGHUP each key of the configuration that has
// changed is applied, or named as left for the next start.
func TestEveryKeyIsCompared(t *testing.T) {
	n := eachKey(reflect.TypeFor[config.Config](), "", nil, func(key string, index []int) {
		old, next := config.Default(), config.Default()
		differ(reflect.ValueOf(&next).Elem().FieldByIndex(index))
		if len(changed(old, next, reloadable))+len(changed(old, next, restartOnly)) == 0 {
			t.Errorf("%s may change without notice", key)
		}
	})
	if n < 30 {
		t.Errorf("only %d keys were found", n)
	}
}

// Capacities of links take effect at once, also of links that are named anew or
// no longer; whatever else is said of a link does at the next start.
func TestReloadOfLinks(t *testing.T) {
	port := func(no uint32) config.Port { return config.Port{DPID: 1, Port: openflow.PortNo(no)} }
	slow, fast := config.Link{A: port(1), B: port(2), Capacity: 100}, config.Link{A: port(1), B: port(2), Capacity: 200}
	other, static, dear := config.Link{A: port(3), B: port(4), Capacity: 100}, fast, fast
	static.Static, dear.Metric = true, 7
	for name, c := range map[string]struct {
		was, is     []config.Link
		strict      bool
		applied     bool
		later, twin bool // twin: also when the same is read again
	}{
		"less":              {was: []config.Link{fast}, is: []config.Link{slow}, applied: true},
		"new":               {was: []config.Link{fast}, is: []config.Link{fast, other}, applied: true},
		"gone":              {was: []config.Link{fast, other}, is: []config.Link{other}, applied: true},
		"new, strict":       {is: []config.Link{fast}, strict: true, applied: true, later: true, twin: true},
		"gone, strict":      {was: []config.Link{fast}, strict: true, applied: true, later: true, twin: true},
		"static":            {was: []config.Link{fast}, is: []config.Link{static}, later: true, twin: true},
		"static and slower": {was: []config.Link{static}, is: []config.Link{slow}, applied: true, later: true, twin: true},
		"metric":            {was: []config.Link{dear}, is: []config.Link{fast}, later: true, twin: true},
		"as it was":         {was: []config.Link{dear, other}, is: []config.Link{dear, other}},
	} {
		old, next := config.Default(), config.Default()
		old.Network.Links, next.Network.Links = c.was, c.is
		old.Network.Discovery.Strict, next.Network.Discovery.Strict = c.strict, c.strict
		applied := changed(old, next, reloadable)
		old.Network.Links = withCapacities(old.Network, c.is)
		if (len(applied) > 0) != c.applied {
			t.Errorf("%s: applied %v", name, applied)
		}
		if later := changed(old, next, restartOnly); (len(later) > 0) != c.later {
			t.Errorf("%s: left for the next start %v", name, later)
		}
		old.Network.Links = withCapacities(old.Network, c.is)
		if later := changed(old, next, restartOnly); (len(later) > 0) != c.twin {
			t.Errorf("%s: the second time left for the next start %v", name, later)
		}
	}
}

// eachKey calls f with every key of a section of the configuration and returns
// how many there are. Lists, pointers and mappings without keys are one key.
func eachKey(section reflect.Type, prefix string, index []int, f func(key string, index []int)) (n int) {
	for i := range section.NumField() {
		field := section.Field(i)
		name := field.Tag.Get("yaml")
		if name == "" {
			continue
		}
		at := append(append([]int(nil), index...), i)
		if field.Type.Kind() == reflect.Struct && field.Type.NumField() > 0 && field.Type.Field(0).Tag.Get("yaml") != "" {
			n += eachKey(field.Type, prefix+name+".", at, f)
			continue
		}
		f(prefix+name, at)
		n++
	}
	return n
}

// differ gives v another value.
func differ(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1))
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Float64:
		v.SetFloat(v.Float() / 2)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	default:
		v.SetInt(v.Int() + 1)
	}
}
