package auth

import (
	"fmt"
	"slices"
)

// maxOwned bounds the addresses that are known from an HTTP directory, of all
// projects together.
const maxOwned = 10_000

// own remembers which addresses a project owns. What the last answer about any
// of its members named counts until another names others: a project does not
// lose its addresses because its members are silent.
func (h *HTTP) own(project string, s said) error {
	if s.addresses == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.owned[project]
	if slices.Equal(before, s.addresses) {
		return nil
	}
	all := len(s.addresses)
	for other, list := range h.owned {
		if other != project {
			all += len(list)
		}
	}
	if all > maxOwned && len(s.addresses) > len(before) {
		return fmt.Errorf("its answers name more than %d addresses", maxOwned)
	}
	if h.owned[project] = s.addresses; len(s.addresses) == 0 {
		delete(h.owned, project)
	}
	projects := make([]Project, 0, len(h.owned))
	for id, list := range h.owned {
		projects = append(projects, Project{ID: id, Addresses: list})
	}
	h.owners.Store(NewOwners("", projects))
	return nil
}

// Owners returns which addresses are whose as far as the directory has said it,
// for [Owners.With]. It asks no server.
func (h *HTTP) Owners() *Owners { return h.owners.Load() }

// Manages reports whether the directory's last word was that user is a manager
// of project, and still counts. It asks no server.
func (h *HTTP) Manages(user, project string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.answers[owner{user, project}]
	return m.manager && m.without(h.now()) == nil
}
