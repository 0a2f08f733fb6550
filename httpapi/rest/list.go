package rest

import (
	"fmt"
	"net/http"
	"strconv"
)

// maxReasons bounds the sentences about what is wrong with a list.
const maxReasons = 20

// An element is one element of a list in a body.
type element struct {
	name string // its place in the body, to begin a sentence with
	raw  []byte // valid JSON
}

// ParseList returns the fields of a body that is a list of objects, in one of
// three forms: an array of at most that many; an object whose member name is
// the array, beside fields of the request; or one of the objects alone, with
// the fields named in own added, which are the request's. The error is a Fault.
func ParseList(raw []byte, name string, most int, own ...string) (*Fields, error) {
	if len(raw) == 0 {
		return nil, NewFault(http.StatusBadRequest, "body: an array of "+name+" is needed")
	}
	whole, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	switch whole[0] {
	case '[':
		elements, err := splitArray("", whole, name, most)
		return &Fields{elements: elements}, err
	case '{':
	default:
		return nil, NewFault(http.StatusBadRequest, "body: must be an array of "+name+", not "+kindOf(whole))
	}
	members, err := splitObject(whole)
	if err != nil {
		return nil, err
	}
	f := &Fields{members: members}
	list := f.take(name)
	if list == nil {
		return lone(members, own), nil
	}
	if list[0] != '[' {
		return nil, NewFault(http.StatusBadRequest, name+": must be an array, not "+kindOf(list))
	}
	f.elements, err = splitArray(name, list, name, most)
	return f, err
}

// lone separates the request's own members from those of the one element.
func lone(members []member, own []string) *Fields {
	f := &Fields{alone: &Fields{}}
	for _, m := range members {
		to := f.alone
		for _, name := range own {
			if m.name == name {
				to = f
			}
		}
		to.members = append(to.members, m)
	}
	return f
}

// splitArray returns the elements of a valid array at a place in the body. what
// are its elements, in the plural.
func splitArray(place string, array []byte, what string, most int) ([]element, error) {
	elements := []element{}
	for s := (scanner{b: array, i: 1}); ; {
		s.space()
		if s.b[s.i] == ']' {
			return elements, nil
		}
		if s.b[s.i] == ',' {
			s.i++
			s.space()
		}
		if len(elements) == most {
			return nil, NewFault(http.StatusRequestEntityTooLarge, fmt.Sprintf(
				"body: more than %d %s; report them in several requests", most, what))
		}
		elements = append(elements, element{place + "[" + strconv.Itoa(len(elements)) + "]", s.value()})
	}
}

// Each calls take with the fields of each element of a list.
func (f *Fields) Each(take func(*Fields)) {
	if f.alone != nil {
		f.inner("", f.alone, take)
		return
	}
	for _, e := range f.elements {
		if len(f.wrongType)+len(f.invalid) >= maxReasons {
			f.invalid = append(f.invalid, "and what follows has not been looked at")
			return
		}
		if e.raw[0] != '{' {
			f.mistype(e.name, "an object", e.raw)
			continue
		}
		f.within(e.name, e.raw, take)
	}
}
