package allocator

// reindexLocked brings the indexes of paths and of what waits in line with an
// item's committed state; old is what that was before.
func (a *Allocator) reindexLocked(it *item, old *record) {
	live := it.live()
	a.followLocked(it, old)
	if it.indexed && (!live || !old.Path.Equal(it.path()) || !old.Backup.Equal(it.backup) || old.Key != it.key()) {
		a.unindexLocked(it, old.Path, old.Backup, old.Key)
	}
	if live && !it.indexed && it.hasPath() {
		a.indexLocked(it)
	}
	switch {
	case !live:
		a.stopWaitingLocked(it)
	case len(it.waitsFor) > 0 && it.state() == Active && it.reason.Value() == "" && !a.bareLocked(it.record()) && !a.onlyStrayLocked(it.record()):
		a.stopWaitingLocked(it)
	}
	if it.early != 0 && (!live || it.window().Start <= it.early) {
		it.own().early = 0
	}
	if it.whole != 0 && !(live && it.rare.swapped) {
		it.own().whole = 0
	}
	it.doubtful = false
}
