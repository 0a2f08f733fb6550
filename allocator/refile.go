package allocator

// refile brings the indexes of the plan in line with an entry's committed state;
// old is what that was before, nil if nothing.
func (a *Allocator) refile(e *entry, old *record) {
	c := e.record()
	live := e.live()
	if e.tied && (!live || !old.Path.Equal(c.Path) || old.Key != c.Key) {
		a.untie(e, old.Path, old.Key)
	}
	if live && !e.tied && len(c.Path) > 0 {
		a.tie(e)
	}
	switch {
	case !live:
		a.stop(e)
	case old == nil && !c.placed(seconds(a.cfg.Now())):
		a.look(e)
	case len(e.crowds) > 0 && c.State == Active && c.Reason == "":
		a.stop(e)
	}
	e.doubtful = false
}
