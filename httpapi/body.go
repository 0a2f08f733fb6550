package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

const maxMembers = 64 // fields of an object; our largest has eleven

// member is one name and value of a JSON object, in its order.
type member struct {
	name string
	raw  []byte // valid JSON
	used bool   // somebody asked for it
}

// parseJSON takes one value of valid JSON in valid UTF-8, and nothing after its
// end. What it refuses is a 400 with the reason.
func parseJSON(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, newFault(http.StatusBadRequest, "body: not valid UTF-8")
	}
	if !json.Valid(raw) {
		return nil, newFault(http.StatusBadRequest, "body: "+syntaxReason(raw))
	}
	return bytes.TrimSpace(raw), nil
}

// parseObject reads a JSON object of ours, which has no name twice.
func parseObject(raw []byte) (*fields, error) {
	whole, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	if whole[0] != '{' {
		return nil, newFault(http.StatusBadRequest, "body: must be a JSON object, not "+kindOf(whole))
	}
	members, err := splitObject(whole)
	if err != nil {
		return nil, err
	}
	return &fields{members: members}, nil
}

// syntaxReason is what is wrong with text that is not valid JSON.
func syntaxReason(raw []byte) string {
	var whole json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(raw, &whole)); ok {
		return fmt.Sprintf("not valid JSON at byte %d: %v", e.Offset, e)
	}
	return "not valid JSON"
}

// splitObject takes the members of a valid object apart. encoding/json would
// take the last of two members with one name; a reader before or behind us may
// take the first, so we take neither.
func splitObject(obj []byte) ([]member, error) {
	var members []member
	s := scanner{b: obj, i: 1} // behind the brace
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
			return nil, newFault(http.StatusBadRequest, "body: a field's name cannot be read")
		}
		s.space()
		s.i++ // the colon
		s.space()
		if find(members, name) != nil {
			return nil, newFault(http.StatusBadRequest, fmt.Sprintf("%s: given twice", fieldName(name)))
		}
		if len(members) == maxMembers {
			return nil, newFault(http.StatusBadRequest, fmt.Sprintf("body: more than %d fields", maxMembers))
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

// unquote reads a valid JSON string.
func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// scanner walks over JSON that is known to be valid.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r' {
		s.i++
	}
}

// value steps over the value that starts here and returns it.
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

// text steps over a string.
func (s *scanner) text() {
	for s.i++; s.b[s.i] != '"'; s.i++ {
		if s.b[s.i] == '\\' {
			s.i++
		}
	}
	s.i++
}

// literal steps over a number, true, false or null.
func (s *scanner) literal() {
	for bytes.IndexByte([]byte(",:]} \t\n\r"), s.b[s.i]) < 0 {
		s.i++
	}
}

// kindOf names the JSON type of a valid value, with its article.
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

// fieldName prints a name out of a request: plain if it looks like one of ours.
func fieldName(name string) string {
	if name == "" || len(name) > 40 {
		return quote(name)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && r != '_' {
			return quote(name)
		}
	}
	return name
}
