package httpapi

import (
	"time"

	"conga/allocator"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// elements returns a reader of lists of switches and links, at most so many.
func elements(most int, field func(*allocator.Request) *allocator.Elements) func(*rest.Fields, string) given {
	take := func(b *rest.Fields, name string) rest.Value[allocator.Elements] { return takeElements(b, name, most) }
	return reader(take, func(r *allocator.Request, e allocator.Elements) { *field(r) = e })
}

// takeElements takes a list of switches, by DPID, and of links, by link_id, at
// most so many. An empty list is null.
func takeElements(b *rest.Fields, name string, most int) (out rest.Value[allocator.Elements]) {
	texts := b.Texts(name, most)
	if out.Null = texts.Null || texts.Set && len(texts.V) == 0; out.Null {
		return out
	}
	var list []path.Element
	for _, text := range texts.V {
		e, err := path.ParseElement(text)
		if err != nil {
			b.Reject(name, "%s is neither a switch nor a link between two; write 0000000000000001, or 0000000000000001:3->0000000000000002:1", rest.Quote(text))
			return out
		}
		list = append(list, e)
	}
	out.V, out.Set = allocator.ElementsOf(list...), texts.Set
	return out
}

// takeID takes the ID of an allocation.
func takeID(b *rest.Fields, name string) rest.Value[string] {
	id := b.Text(name)
	if id.Set && (id.V == "" || len(id.V) > 64) {
		b.Reject(name, "must be an allocation_id")
		id.Set = false
	}
	return id
}

// takeLatency takes a latency in microseconds.
func takeLatency(b *rest.Fields, name string) rest.Value[time.Duration] {
	n := b.Integer(name, 1, allocator.MaxLatency.Microseconds())
	return rest.Value[time.Duration]{V: time.Duration(n.V) * time.Microsecond, Set: n.Set, Null: n.Null}
}

// The values of protection, and of carried_by.
const (
	unprotected  = "none"
	byPath       = "path"
	byBackupPath = "backup_path"
)

// takeProtection takes the name of a protection, and returns whether it is one.
func takeProtection(b *rest.Fields, name string) rest.Value[bool] {
	text := b.Text(name)
	if text.Set && text.V != unprotected && text.V != byPath {
		b.Reject(name, "must be none or path, not %s", rest.Quote(text.V))
		text.Set = false
	}
	return rest.Value[bool]{V: text.V == byPath, Set: text.Set, Null: text.Null}
}

// takeClass takes the name of a class.
func takeClass(b *rest.Fields, name string) rest.Value[allocator.Class] {
	text, class := b.Text(name), allocator.Normal
	switch {
	case text.Set && text.V == allocator.Scavenger.String():
		class = allocator.Scavenger
	case text.Set && text.V != class.String():
		b.Reject(name, "must be normal or scavenger, not %s", rest.Quote(text.V))
		text.Set = false
	}
	return rest.Value[allocator.Class]{V: class, Set: text.Set, Null: text.Null}
}

// protection says whether an allocation is protected.
type protection bool

// String returns the name in requests and answers.
func (is protection) String() string {
	if is {
		return byPath
	}
	return unprotected
}

// first returns the path that is used unless it is cut.
func (s *shown) first() path.Path {
	if s.Swapped {
		return s.Backup
	}
	return s.Path
}

// second returns the path that is used while the first one is cut.
func (s *shown) second() path.Path {
	if s.Swapped {
		return s.Path
	}
	return s.Backup
}

// carriedBy returns which of both is used; nil if there are not two.
func (s *shown) carriedBy() any {
	switch {
	case len(s.Backup) == 0 || s.State != allocator.Active:
		return nil
	case s.Swapped:
		return byBackupPath
	}
	return byPath
}
