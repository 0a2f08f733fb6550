package httpapi

import (
	"encoding/json"
	"sync"

	"conga/allocator"
	"conga/httpapi/rest"
)

// render returns the JSON of allocations, each with its entity tag; whole says
// whether with their receipts.
func (a *api) render(x *exchange, list []allocator.Allocation, whole bool) (texts rest.Raw, tags []string, err error) {
	base := x.base()
	texts, tags = make(rest.Raw, len(list)), make([]string, len(list))
	for i, u := range a.usageOf(list) {
		if whole && list[i].State == allocator.Complete {
			if u.receipt, err = json.Marshal(a.receipt(list[i])); err != nil {
				return nil, nil, err
			}
		}
		tags[i] = etagOf(list[i], u)
		at := renderKey{list[i].ID, base}
		if texts[i] = a.rendered.find(at, tags[i]); texts[i] != nil {
			continue
		}
		if texts[i], err = a.renderOne(x, list[i], u); err != nil {
			return nil, nil, err
		}
		a.rendered.put(at, tags[i], texts[i])
	}
	return texts, tags, nil
}

// renderOne returns the JSON of one allocation.
func (a *api) renderOne(x *exchange, one allocator.Allocation, u usage) ([]byte, error) {
	return (&shown{Allocation: one, usage: u, path: x.path, reported: a.Connections != nil}).MarshalJSON()
}

// maxRendered is how many texts are kept, at about 700 bytes each.
const maxRendered = 16_384

// A renderCache keeps the JSON of allocations, because the same ones are read
// again and again. A strong entity tag says whether a text is still right.
type renderCache struct {
	mu    sync.RWMutex
	texts map[renderKey]rendering
}

// A renderKey is an allocation at one of its addresses.
type renderKey struct{ id, base string }

type rendering struct {
	tag  string
	text []byte // not to be changed
}

// find returns the text with this tag, or nil if it is not there.
func (s *renderCache) find(at renderKey, tag string) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if c := s.texts[at]; c.tag == tag {
		return c.text
	}
	return nil
}

// put adds a text in place of an earlier one. When the cache is full it drops
// all: that is rare, and they are soon back.
func (s *renderCache) put(at renderKey, tag string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.texts[at]; s.texts == nil || !there && len(s.texts) >= maxRendered {
		s.texts = map[renderKey]rendering{}
	}
	s.texts[at] = rendering{tag, text}
}
