package allocator

// refile brings the indexes of the plan in line with an entry's committed state;
// old is what that was before, nil if nothing.
func (a *Allocator) refile(e *entry, old *record) {
	live := e.live()
	if e.tied && (!live || !old.Path.Equal(e.path()) || old.Key != e.key()) {
		a.untie(e, old.Path, old.Key)
	}
	if live && !e.tied && e.hasPath() {
		a.tie(e)
	}
	switch {
	case !live:
		a.stop(e)
	case old == nil && !e.placed(seconds(a.cfg.Now())):
		a.look(e)
	case len(e.crowds) > 0 && e.state() == Active && e.reason.Value() == "":
		a.stop(e)
	}
	e.doubtful = false
}
