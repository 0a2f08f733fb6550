package allocator

import (
	"math"
	"math/rand/v2"

	"conga/controller/topology"
)

// never is later than every window.
const never = math.MaxInt64

// claim is a rate held on something over a window.
type claim[K comparable] struct {
	on     K
	window Window
	rate   topology.BitRate
}

// calendar holds, for every K, how much is claimed at every moment: a
// piecewise-constant function of time, zero before the first and after the last
// claim. Links have one, and projects with a limit on their total.
//
// A function is a treap of the moments at which it changes, ordered by time.
// Each node knows the sum of the changes in its subtree and the greatest sum
// that a prefix of them reaches. Add, peak and fit step each take O(log n) for n
// claims on K. Removing a claim that was added restores the function exactly:
// rates are integers, and a moment whose changes cancel out leaves the tree.
//
// Rates that were admitted sum up to less than 2^63; see [share.of].
type calendar[K comparable] map[K]*moment

// add claims the rate. The window must not be empty.
func (c calendar[K]) add(x claim[K]) { c.change(x, int64(x.rate)) }

// remove takes back what add claimed.
func (c calendar[K]) remove(x claim[K]) { c.change(x, -int64(x.rate)) }

func (c calendar[K]) change(x claim[K], by int64) {
	root := c[x.on]
	root = root.add(x.window.Start, by)
	root = root.add(x.window.End, -by)
	if root == nil {
		delete(c, x.on)
	} else {
		c[x.on] = root
	}
}

// peak is the most that is claimed at any moment of the window.
func (c calendar[K]) peak(on K, w Window) topology.BitRate {
	root := c[on]
	if root == nil || w.Start >= w.End {
		return 0
	}
	return topology.BitRate(max(root.at(w.Start), root.peak(w.Start, w.End)))
}

// fit is the earliest start, not before w's, at which a window of w's length
// finds no more than room claimed throughout. Since claims end, there is one.
func (c calendar[K]) fit(on K, w Window, room topology.BitRate) int64 {
	if room > math.MaxInt64 {
		return w.Start
	}
	root, start, length := c[on], w.Start, w.End-w.Start
	for root != nil {
		// No window that contains the last moment of too much can fit.
		free, crowded := root.relief(start, start+length, int64(room))
		if !crowded {
			break
		}
		start = free
	}
	return start
}

// moment is a node: at time t the claimed rate changes by delta.
type moment struct {
	t, delta    int64
	sum         int64 // of all deltas of the subtree
	high        int64 // greatest sum of a non-empty prefix of the subtree's deltas
	priority    uint64
	left, right *moment
}

func (m *moment) total() int64 {
	if m == nil {
		return 0
	}
	return m.sum
}

// refresh recomputes sum and high from the children.
func (m *moment) refresh() *moment {
	here := m.left.total() + m.delta
	m.sum, m.high = here+m.right.total(), here
	if m.left != nil {
		m.high = max(m.high, m.left.high)
	}
	if m.right != nil {
		m.high = max(m.high, here+m.right.high)
	}
	return m
}

// add changes the rate by delta from t on, and returns the new root.
func (m *moment) add(t, delta int64) *moment {
	switch {
	case delta == 0:
		return m
	case m == nil:
		return &moment{t: t, delta: delta, sum: delta, high: delta, priority: rand.Uint64()}
	case t < m.t:
		if m.left = m.left.add(t, delta); m.left != nil && m.left.priority > m.priority {
			up := m.left
			m.left, up.right = up.right, m
			m.refresh()
			return up.refresh()
		}
	case t > m.t:
		if m.right = m.right.add(t, delta); m.right != nil && m.right.priority > m.priority {
			up := m.right
			m.right, up.left = up.left, m
			m.refresh()
			return up.refresh()
		}
	default:
		if m.delta += delta; m.delta == 0 {
			return join(m.left, m.right)
		}
	}
	return m.refresh()
}

// join makes one tree of two, all of a being earlier than all of b.
func join(a, b *moment) *moment {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		a.right = join(a.right, b)
		return a.refresh()
	default:
		b.left = join(a, b.left)
		return b.refresh()
	}
}

// at is the rate at time t.
func (m *moment) at(t int64) (rate int64) {
	for m != nil {
		if m.t > t {
			m = m.left
			continue
		}
		rate += m.left.total() + m.delta
		m = m.right
	}
	return rate
}

// peak is the greatest rate that begins at a moment in [from, to), or
// math.MinInt64 if none does.
func (m *moment) peak(from, to int64) int64 {
	base := int64(0)
	for m != nil {
		here := base + m.left.total() + m.delta
		switch {
		case m.t < from:
			base, m = here, m.right
		case m.t >= to:
			m = m.left
		default: // the range parts here
			return max(m.left.peakFrom(from, base), here, m.right.peakUntil(to, here))
		}
	}
	return math.MinInt64
}

func (m *moment) peakFrom(from, base int64) int64 {
	best := int64(math.MinInt64)
	for m != nil {
		here := base + m.left.total() + m.delta
		if m.t < from {
			base, m = here, m.right
			continue
		}
		best = max(best, here)
		if m.right != nil {
			best = max(best, here+m.right.high)
		}
		m = m.left
	}
	return best
}

func (m *moment) peakUntil(to, base int64) int64 {
	best := int64(math.MinInt64)
	for m != nil {
		here := base + m.left.total() + m.delta
		if m.t >= to {
			m = m.left
			continue
		}
		best = max(best, here)
		if m.left != nil {
			best = max(best, base+m.left.high)
		}
		base, m = here, m.right
	}
	return best
}

// relief looks for the last stretch in [from, to) over which the rate is above
// limit, and returns when it ends. ok is false if there is none.
func (m *moment) relief(from, to, limit int64) (t int64, ok bool) {
	begin, ok := m.lastAbove(to, limit, 0)
	if !ok {
		return 0, false
	}
	end := m.after(begin) // what began before the range counts if it lasts into it
	return end, end > from
}

// lastAbove is the latest moment before to at which a rate above limit begins;
// base is the rate before the subtree.
func (m *moment) lastAbove(to, limit, base int64) (t int64, ok bool) {
	if m == nil || base+m.high <= limit {
		return 0, false
	}
	here := base + m.left.total() + m.delta
	if m.t < to {
		if t, ok := m.right.lastAbove(to, limit, here); ok {
			return t, true
		}
		if here > limit {
			return m.t, true
		}
	}
	return m.left.lastAbove(to, limit, base)
}

// after is the first moment later than t.
func (m *moment) after(t int64) int64 {
	next := int64(never)
	for m != nil {
		if m.t > t {
			next, m = m.t, m.left
		} else {
			m = m.right
		}
	}
	return next
}
