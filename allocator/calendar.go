package allocator

import "conga/bitrate"

// reservation is a rate that is held on one thing, such as a cable, during a
// window.
type reservation[K comparable] struct {
	on     K
	window Window
	rate   bitrate.Rate
}

// calendar holds, for each thing, how much of it is reserved at every moment.
// Links have one, and projects with a limit on their total.
//
// Rates that were admitted sum up to less than 2^63; see [share.of].
type calendar[K comparable] map[K]*timeline

// add enters a reservation. Its window must not be empty.
func (c calendar[K]) add(x reservation[K]) { c.change(x, int64(x.rate)) }

// remove takes out a reservation that add has entered.
func (c calendar[K]) remove(x reservation[K]) { c.change(x, -int64(x.rate)) }

func (c calendar[K]) change(x reservation[K], by int64) {
	l := c[x.on]
	if l == nil {
		l = &timeline{}
		c[x.on] = l
	}
	if l.add(x.window, by); len(l.blocks) == 0 {
		delete(c, x.on)
	}
}

// peak returns the most that is reserved at any moment of the window, in bit/s.
func (c calendar[K]) peak(on K, w Window) bitrate.Rate {
	l := c[on]
	if l == nil {
		return 0
	}
	return bitrate.Rate(l.peak(w))
}

// fit returns the earliest start, not before w's, at which a window of w's
// length finds no more than room reserved throughout. Since reservations end,
// there is one.
func (c calendar[K]) fit(on K, w Window, room bitrate.Rate) Seconds {
	l := c[on]
	if l == nil {
		return w.Start
	}
	return l.fit(w, int64(room))
}

// above returns the first time, within a window, throughout which the level is
// above room; it may go on beyond the window. The zero window is none.
func (l *timeline) above(w Window, room int64) Window {
	start, at := w.Start, l.seek(mark{}, w.Start)
	if at.level <= room {
		if start, at = l.cross(at, room, never); start >= w.End {
			return Window{}
		}
	}
	end, _ := l.cross(at, room, never)
	return Window{start, end}
}

// aboveUntil returns the end of the last time throughout which the level is
// above room, if that is within a window; else a moment not after its start.
func (l *timeline) aboveUntil(w Window, room int64) Seconds {
	until := w.End
	for i := l.block(w.End - 1); i >= 0 && i < len(l.blocks) && until > w.Start; i-- {
		s := &l.blocks[i]
		level := s.end()
		for k := len(s.at); k > 0 && s.high > room; k-- {
			if at := s.base + Seconds(s.at[k-1]); at < until {
				if level > room {
					return until
				}
				until = at
			}
			level -= s.by[k-1]
		}
		if s.high > room && s.before > room && s.base < until {
			return until
		}
		until = min(until, s.base)
	}
	return w.Start
}
