package httpapi

import (
	"sync"

	"conga/allocator"
	"conga/httpapi/rest"
)

// render shows allocations, each with its entity tag.
func (a *api) render(x *exchange, list []allocator.Allocation) (texts rest.Raw, tags []string, err error) {
	base := x.base()
	texts, tags = make(rest.Raw, len(list)), make([]string, len(list))
	for i, u := range a.usageOf(list) {
		tags[i] = etagOf(list[i], u)
		at := place{list[i].ID, base}
		if texts[i] = a.shelf.find(at, tags[i]); texts[i] != nil {
			continue
		}
		if texts[i], err = a.renderOne(x, list[i], u); err != nil {
			return nil, nil, err
		}
		a.shelf.put(at, tags[i], texts[i])
	}
	return texts, tags, nil
}

// renderOne writes down one allocation.
func (a *api) renderOne(x *exchange, one allocator.Allocation, u usage) ([]byte, error) {
	return (&shown{Allocation: one, usage: u, path: x.path, reported: a.Connections != nil}).MarshalJSON()
}

// shelfRoom is how many texts are kept, at about 700 bytes each.
const shelfRoom = 16_384

// shelf keeps what was written down of allocations, because the same ones are
// read again and again: by who waits for one, by who watches them all. A strong
// entity tag says whether a text still is what would be written.
type shelf struct {
	mu    sync.RWMutex
	texts map[place]card
}

// place is an allocation at one of its addresses.
type place struct{ id, base string }

type card struct {
	tag  string
	text []byte // not to be changed
}

// find is the text with this tag; nil if it is not there.
func (s *shelf) find(at place, tag string) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if c := s.texts[at]; c.tag == tag {
		return c.text
	}
	return nil
}

// put keeps a text in place of an earlier one. When there is no room, all go: that
// is rare, and they are soon back.
func (s *shelf) put(at place, tag string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.texts[at]; s.texts == nil || !there && len(s.texts) >= shelfRoom {
		s.texts = map[place]card{}
	}
	s.texts[at] = card{tag, text}
}
