package allocator

import (
	"math"
	"slices"

	"conga/bitrate"
	"conga/controller/path"
	"conga/controller/topology"
)

// readings are what links have free in a few windows, while the calendars stay
// as they are: what is tried in place of a request mostly has its window.
type readings struct {
	windows []Window
	free    [][]bitrate.Rate // by window, and by the number of the link; unread: not known
	last    struct {         // of the calendars, for the other direction of a cable is asked for next
		id   topology.LinkID
		w    Window
		peak bitrate.Rate
	}
}

const (
	unread         = bitrate.Rate(math.MaxUint64)
	readingsAtMost = 8 // windows
)

// of returns a window's rates; nil if there are too many windows.
func (m *readings) of(w Window) *[]bitrate.Rate {
	i := slices.Index(m.windows, w)
	if i < 0 {
		if i = len(m.windows); i == readingsAtMost {
			return nil
		}
		m.windows, m.free = append(m.windows, w), append(m.free, nil)
	}
	return &m.free[i]
}

// query returns the query of a demand for a window, with what links have free
// from the readings, as far as it has been read.
func (m *readings) query(pl planner, d demand, w Window) path.Query {
	q := pl.over(d, nil)
	rates := m.of(w)
	q.FreeAt = func(number int32, l topology.Link) bitrate.Rate {
		if number < 0 || rates == nil {
			return pl.free(l, w)
		}
		if n := len(*rates); int(number) >= n {
			*rates = append(*rates, slices.Repeat([]bitrate.Rate{unread}, max(int(number)+1-n, n, 64))...)
		}
		if (*rates)[number] == unread {
			(*rates)[number] = m.read(pl, l, w)
		}
		return (*rates)[number]
	}
	return q
}

// read returns what a link has free. The directions of most cables have one
// timeline, which is read once for both.
func (m *readings) read(pl planner, l topology.Link, w Window) bitrate.Rate {
	if len(pl.own) > 0 {
		return pl.free(l, w)
	}
	if m.last.id != l.ID || m.last.w != w {
		m.last.id, m.last.w, m.last.peak = l.ID.Reverse(), w, pl.calendars.room.peak(l.ID, w)
		if pl.calendars.room.differs(l.ID) {
			m.last.id = l.ID
		}
	}
	limit := pl.limitOf(l)
	return limit - min(limit, m.last.peak)
}
