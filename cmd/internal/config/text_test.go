package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// unquoted are texts that YAML takes for something else than text.
var unquoted = []string{
	"0042", "0123456", "1.10", "1.0", "1e3", "1E3", "1.5e3", "0x1F", "0o17", "0b11", "1_000", "+1", "-0", "007", "9223372036854775808",
	"true", "True", "FALSE", "yes", "off", ".inf", "-.Inf", ".nan", ".5", "2026-01-01", "2026-01-01T00:00:00Z", "12:30:00", "!!str 0042",
}

// eachText calls f with every position of the configuration that has text: a
// document with text in it, and the text of a configuration.
func eachText(t reflect.Type, f func(document func(string) string, read func(reflect.Value) reflect.Value)) {
	each(t, func(s string) string { return s }, func(v reflect.Value) reflect.Value { return v }, f)
}

func each(t reflect.Type, document func(string) string, value func(reflect.Value) reflect.Value,
	f func(func(string) string, func(reflect.Value) reflect.Value)) {
	switch kindOf(&t) {
	case reflect.String:
		f(document, value)
	case reflect.Slice:
		for _, list := range []string{"[%s]", "!!seq [%s]", "&list !!seq [%s]"} {
			each(t.Elem(), func(s string) string { return document(fmt.Sprintf(list, s)) },
				func(v reflect.Value) reflect.Value { return value(v).Index(0) }, f)
		}
	case reflect.Struct:
		for field := range t.Fields() {
			each(field.Type, func(s string) string { return document("{" + field.Tag.Get("yaml") + ": " + s + "}") },
				func(v reflect.Value) reflect.Value { return value(v).FieldByIndex(field.Index) }, f)
		}
	}
}

// parse decodes a document as the daemon does, without judging what it says.
func parse(text string) (c Config, err error) {
	v := validator{source: map[string]string{}, file: "f"}
	if err := v.decode([]byte(text), &c); err != nil {
		return c, v.decodeError(err)
	}
	return c, nil
}

// TestTextIsAsWritten: wherever the configuration has text, it is what the file
// has, quoted or not, and what is printed says the same.
func TestTextIsAsWritten(t *testing.T) {
	positions := 0
	eachText(reflect.TypeFor[Config](), func(document func(string) string, read func(reflect.Value) reflect.Value) {
		positions++
		for _, text := range unquoted {
			want := strings.TrimPrefix(text, "!!str ")
			for _, written := range []string{text, "&x " + text, `"` + want + `"`, "'" + want + "'"} {
				c, err := parse(document(written))
				if err != nil && strings.Contains(text, ":") && !strings.ContainsAny(written, `"'`) {
					continue // the library takes it for a mapping in places
				}
				if err != nil {
					t.Errorf("%s: %v", document(written), err)
					continue
				}
				if got := read(reflect.ValueOf(c)).String(); got != want && got != redacted {
					t.Errorf("%s: it reads %q", document(written), got)
				}
				if read(reflect.ValueOf(c)).Type() == reflect.TypeFor[Secret]() {
					if got := string(read(reflect.ValueOf(c)).Interface().(Secret)); got != want {
						t.Errorf("%s: it reads another secret", document(written))
					}
					continue
				}
				if written != text {
					continue
				}
				// Networks and ports that are not given are printed so.
				printed := strings.NewReplacer(`from: ""`, "from: null", `- at: ""`, "- at: null").Replace(c.String())
				if again, err := parse(printed); err != nil {
					t.Errorf("%s: printed: %v", document(written), err)
				} else if got := read(reflect.ValueOf(again)).String(); got != want {
					t.Errorf("%s: printed, it reads %q", document(written), got)
				}
			}
		}
		for _, text := range []string{"null", "Null", "NULL", "~", "!!int 5", "!!binary aGk="} {
			if _, err := parse(document(text)); err == nil || !strings.Contains(err.Error(), "quotes") || !strings.HasPrefix(err.Error(), "f:1:") {
				t.Errorf("%s: error is %v", document(text), err)
			}
		}
	})
	if positions < 25 {
		t.Errorf("only %d positions of text were found", positions)
	}
}

// TestAliases: an alias is read as what its own position has.
func TestAliases(t *testing.T) {
	c, err := parse("directory: {projects: [{id: &n 0042, max_active: *n, members: [*n]}]}\n")
	if err != nil {
		t.Fatal(err)
	}
	// YAML 1.1 takes 0042 for an octal number.
	if p := c.Directory.Projects[0]; p.ID != "0042" || p.Members[0] != "0042" || p.MaxActive == nil || *p.MaxActive != 34 {
		t.Errorf("%+v", p)
	}
}

// TestMergeKeys: a merge key gives what is not given otherwise, everywhere.
func TestMergeKeys(t *testing.T) {
	const want = "0042 [1.10] 5G 7; 0043 [1.10] 5G 8; 0x44 [a] 5G 7; "
	for _, text := range []string{`
directory:
  projects:
    - &base {id: 0042, members: [1.10], max_bandwidth: 5G, max_active: 7}
    - {<<: *base, id: 0043, max_active: 8}
    - id: 0x44
      members: [a]
      <<: *base
`, `
directory:
  projects:
    - &base
      id: 0042
      members: &m [1.10]
      max_bandwidth: 5G
      <<: {max_active: 7}
    - {<<: [{id: 0043, max_active: 8}, *base]}
    - {<<: [*base], id: 0x44, members: [a]}
`} {
		c, err := parse(text)
		if err != nil {
			t.Error(err)
			continue
		}
		got := ""
		for _, p := range c.Directory.Projects {
			got += fmt.Sprintf("%s %v %s %d; ", p.ID, p.Members, *p.MaxBandwidth, *p.MaxActive)
		}
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestMergeKeysAreRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"log: {<<: 5}", "f:1:11: log.<<: << takes a mapping"},
		{"log: {<<: [5]}", "<< takes a mapping"},
		{"log: {<<: *x}", "nothing is marked &x before this"},
		{"log: &x {<<: *x}", "nothing is marked &x before this"},
		{"log: {<<: {lisen: 5}}", `unknown key "lisen"`},
		{"base: &b {format: text}\nlog: {<<: *b}", `f:1:1: unknown key "base"`},
		{"log: {base: {deep: [&b text]}, format: *b}", `f:1:7: log.base: unknown key "base"`},
		{"log: {format: *b}\nbase: &b text", "nothing is marked &b before this"},
		{"log: {format: *x}\ndata: &x y", "log.format: nothing is marked &x before this"},
	} {
		if _, err := parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", c.text, err, c.want)
		}
	}
}

// TestResolverLeavesTheDocument: what is written is shared by aliases.
func TestResolverLeavesTheDocument(t *testing.T) {
	file, err := parser.ParseBytes([]byte("directory: {projects: [&a {id: 0042}, {<<: *a, members: [1.10]}]}"), 0)
	if err != nil {
		t.Fatal(err)
	}
	body := file.Docs[0].Body
	before := body.String()
	n, err := newResolver().resolve(body, reflect.TypeFor[Config]())
	if err != nil {
		t.Fatal(err)
	}
	if after := body.String(); after != before {
		t.Errorf("%s\nbefore\n%s", after, before)
	}
	var c Config
	if err := yaml.NodeToValue(n, &c, yaml.Strict()); err != nil || len(c.Directory.Projects) != 2 {
		t.Errorf("%+v, error %v", c.Directory.Projects, err)
	}
}
