package httpapi

import (
	"time"

	"conga/allocator"
	"conga/controller/path"
	"conga/httpapi/rest"
)

// elements returns a reader of lists of switches and links.
func elements(field func(*allocator.Request) *allocator.Elements) func(*rest.Fields, string) given {
	return reader(takeElements, func(r *allocator.Request, e allocator.Elements) { *field(r) = e })
}

// takeElements takes a list of switches, by DPID, and of links, by link_id. An
// empty list is null.
func takeElements(b *rest.Fields, name string) (out rest.Value[allocator.Elements]) {
	texts := b.Texts(name, allocator.MaxAvoid)
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
