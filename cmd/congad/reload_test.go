package main

import (
	"reflect"
	"testing"

	"conga/cmd/internal/config"
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
