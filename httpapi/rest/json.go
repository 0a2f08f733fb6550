package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// maxMembers bounds the fields of an object.
const maxMembers = 64

// A member is a name and a value of a JSON object.
type member struct {
	name string
	raw  []byte // valid JSON
	used bool   // a method of Fields has taken it
}

// parseJSON returns one value of valid JSON in valid UTF-8 without the space
// around it. Its error is a Fault with status 400.
func parseJSON(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, NewFault(http.StatusBadRequest, "body: not valid UTF-8")
	}
	if !json.Valid(raw) {
		return nil, NewFault(http.StatusBadRequest, "body: "+syntaxReason(raw))
	}
	return bytes.TrimSpace(raw), nil
}

// syntaxReason returns what is wrong with text that is not valid JSON.
func syntaxReason(raw []byte) string {
	var whole json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(raw, &whole)); ok {
		return fmt.Sprintf("not valid JSON at byte %d: %v", e.Offset, e)
	}
	return "not valid JSON"
}

// splitObject returns the members of a valid object in their order. It refuses
// two members of one name: encoding/json takes the last of them, and another
// reader of the same text may take the first.
func splitObject(obj []byte) ([]member, error) {
	var members []member
	s := scanner{b: obj, i: 1} // after the brace
	for {
		s.space()
		if s.b[s.i] == '}' {
			return members, nil
		}
		if s.b[s.i] == ',' {
			s.i++
			s.space()
		}
		name, err := unquote(s.value())
		if err != nil {
			return nil, NewFault(http.StatusBadRequest, "body: a field's name cannot be read")
		}
		s.space()
		s.i++ // the colon
		s.space()
		if find(members, name) != nil {
			return nil, NewFault(http.StatusBadRequest, fmt.Sprintf("%s: given twice", fieldName(name)))
		}
		if len(members) == maxMembers {
			return nil, NewFault(http.StatusBadRequest, fmt.Sprintf("body: more than %d fields", maxMembers))
		}
		members = append(members, member{name: name, raw: s.value()})
	}
}

func find(members []member, name string) *member {
	for i := range members {
		if members[i].name == name {
			return &members[i]
		}
	}
	return nil
}

// unquote returns the text of a valid JSON string.
func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// A scanner steps through valid JSON.
type scanner struct {
	b []byte
	i int
}

// space skips white space.
func (s *scanner) space() {
	for s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r' {
		s.i++
	}
}

// value skips the value that starts here and returns it.
func (s *scanner) value() []byte {
	start, depth := s.i, 0
	for {
		switch s.b[s.i] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':', ' ', '\t', '\n', '\r':
			s.i++
		default:
			s.literal()
		}
		if depth == 0 {
			return s.b[start:s.i:s.i]
		}
	}
}

// text skips a string.
func (s *scanner) text() {
	for s.i++; s.b[s.i] != '"'; s.i++ {
		if s.b[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
}

// literal skips a number, true, false or null.
func (s *scanner) literal() {
	for bytes.IndexByte([]byte(",:]} \t\n\r"), s.b[s.i]) < 0 {
		s.i++
	}
}

// kindOf returns the JSON type of a valid value, with its article.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// fieldName returns a name from a request as it stands in sentences: quoted
// unless it looks like a field of the API.
func fieldName(name string) string {
	if name == "" || len(name) > 40 {
		return Quote(name)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && r != '_' {
			return Quote(name)
		}
	}
	return name
}
