package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
)

// A cursor is base64 of a byte for the direction, of what list it is of, and of
// the position in that list's order.
const (
	cursorAfter  = 'a' // the page begins behind the position
	cursorBefore = 'b' // the page ends before the position

	cursorDigest = 8    // bytes
	maxCursor    = 2048 // bytes, as a client sends it
)

// errCursor answers a cursor that no link of the list has.
var errCursor = NewFault(http.StatusBadRequest,
	"cursor: is not one of this list's; follow the links of an earlier answer as they are, or leave it out to begin anew")

// A Start is where a page begins, or ends.
type Start struct {
	Counted  bool   // there is no cursor: Page.Skip items come before
	Back     bool   // the page ends before the position, else it begins behind it
	Position string // in the order of the list, as Edges has it
}

// Start returns where the page begins. The error is a Fault about the cursor.
func (p Page) Start() (Start, error) {
	if p.cursor == "" {
		return Start{Counted: true}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(p.cursor)
	if err != nil || len(p.cursor) > maxCursor || len(raw) <= 1+cursorDigest {
		return Start{}, errCursor
	}
	kind, of, position := raw[0], string(raw[1:1+cursorDigest]), string(raw[1+cursorDigest:])
	if kind != cursorAfter && kind != cursorBefore || of != p.digest() {
		return Start{}, errCursor
	}
	return Start{Back: kind == cursorBefore, Position: position}, nil
}

// BadCursor returns the Fault for a position that the list cannot have.
func BadCursor() *Fault { return errCursor }

// token returns the cursor for a position; "" for none.
func (p Page) token(position string, back bool) string {
	if position == "" {
		return ""
	}
	kind := string(cursorAfter)
	if back {
		kind = string(cursorBefore)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(kind + p.digest() + position))
}

// digest says what list the page is of: its scope, and what narrows it down.
func (p Page) digest() string {
	h := sha256.New()
	add := func(text string) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(text))) // a hash does not fail
		h.Write([]byte(text))
	}
	add(p.scope)
	rest := url.Values{}
	for name, given := range p.values {
		if name != "page" && name != "per_page" && name != "cursor" {
			rest[name] = given
		}
	}
	add(rest.Encode())
	return string(h.Sum(nil)[:cursorDigest])
}

// Order returns the position of an item whose place in the order its numbers
// say, the first one first.
func Order(numbers ...uint64) string {
	var out []byte
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint64(out, n)
	}
	return string(out)
}
