package httpapitest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Attack is a request that the document does not allow.
type Attack struct {
	Name         string // what is wrong with it
	Method, Path string
	Body         string
	Header       [2]string // name and value of one header more, or nothing
}

// Attacks returns what can be made wrong about an operation at one of its
// addresses: its body as a whole, each of its members, its media type, and the
// name in its address. Sound are members, as JSON, with which the operation
// would do. It fails if a member is required for which there is none.
func (o Operation) Attacks(path, named string, sound map[string]string) (out []Attack, err error) {
	add := func(a Attack) {
		if a.Path == "" {
			a.Path = path
		}
		a.Method = o.Method
		out = append(out, a)
	}
	whole := ""
	for _, form := range o.Forms() {
		f, err := o.form(form, sound)
		if err != nil {
			return nil, err
		}
		whole = f.body()
		f.attack(func(a Attack, body decoded) {
			if a.Header[0] != "" || !o.allows(body) {
				add(a)
			}
		})
	}
	if named != "" {
		for _, name := range strangeNames {
			add(Attack{Name: "address: " + name, Path: strings.Replace(named, "{}", name, 1), Body: whole})
		}
	}
	return out, nil
}

// A form is one of the forms that the body of an operation may have.
type form struct {
	c        *Contract
	schema   Pointer
	required map[string]string // members that must be there, with sound values
}

func (o Operation) form(schema Pointer, sound map[string]string) (form, error) {
	f := form{o.c, schema, map[string]string{}}
	list, _ := o.c.Get(schema.At("required"))
	names, _ := list.([]any)
	for _, name := range names {
		value, ok := sound[name.(string)]
		if !ok {
			return f, fmt.Errorf("%s %s: no sound value for %s is known", o.Method, o.Template, name)
		}
		f.required[name.(string)] = value
	}
	return f, nil
}

// allows reports whether the body is sound in one of its forms. One that it is
// not, as is known already, need not be asked again: that takes long where the
// body does.
func (o Operation) allows(body decoded) bool {
	return body.err == nil && slices.ContainsFunc(o.Forms(), func(form Pointer) bool {
		return form != body.never && o.c.Valid(form, body.value) == nil
	})
}

// body would do.
func (f form) body() string { return objectOf(f.required) }

// with returns a body that would do, but for one member, as text and decoded;
// without it if value is "". Members are decoded each by itself: some values
// are long, and are in very many bodies.
func (f form) with(name, value string) (string, decoded) {
	members := maps.Clone(f.required)
	if members[name] = value; value == "" {
		delete(members, name)
	}
	whole := make(map[string]any, len(members))
	for name, value := range members {
		one := decodeOnce(value)
		if one.err != nil {
			return objectOf(members), one
		}
		whole[name] = one.value
	}
	return objectOf(members), decoded{value: whole}
}

// objectOf returns an object with these members, in order.
func objectOf(members map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out = append(out, fmt.Sprintf("%q:%s", name, members[name]))
	}
	return "{" + strings.Join(out, ",") + "}"
}

func (f form) attack(add func(Attack, decoded)) {
	for name, body := range strangeBodies {
		add(Attack{Name: "body: " + name, Body: body}, decodeOnce(body))
	}
	f.attackMembers(add)
	for name, more := range map[string]string{"one member more": `"colour":"red"`, "our own member": `"_admin":true`, "a number more": `"":1e999`} {
		rest := f.body()[1:]
		if rest != "}" {
			more += ","
		}
		body := "{" + more + rest
		add(Attack{Name: name, Body: body}, decode(body))
	}
	add(Attack{Name: "wrong media type", Body: f.body(), Header: [2]string{"Content-Type", "text/xml"}}, decode(f.body()))
	add(Attack{Name: "compressed", Body: f.body(), Header: [2]string{"Content-Encoding", "gzip"}}, decode(f.body()))
}

func (f form) attackMembers(add func(Attack, decoded)) {
	members, at := f.c.Members(f.schema.At("properties"))
	for name := range members {
		for what, value := range strangeValues {
			_, p := f.c.Get(at.At(name))
			refused := slices.Contains(alwaysRefused, what) && !slices.Contains(anyText, name)
			valid := f.c.validOnce(p, value)
			if valid && !refused {
				continue // strange, but allowed
			}
			text, body := f.with(name, value)
			if !valid {
				body.never = f.schema
			}
			add(Attack{Name: name + ": " + what, Body: text}, body)
		}
	}
	for name, value := range f.required {
		rest := f.body()[1:]
		text, body := f.with(name, "")
		add(Attack{Name: "without " + name, Body: text}, body)
		for what, text := range map[string]string{
			" twice":            fmt.Sprintf(`{%q:%s,%s`, name, value, rest),
			" twice, disguised": fmt.Sprintf(`{"\\u%04x%s":%s,%s`, name[0], name[1:], value, rest),
			" in capitals":      strings.Replace(f.body(), name, strings.ToUpper(name), 1),
		} {
			add(Attack{Name: name + what, Body: text}, decode(text))
		}
	}
}
