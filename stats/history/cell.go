package history

// A Cell sums up one value over a time.
type Cell struct {
	Sum   float64 // of the value over the time that it is known, per millisecond
	Known int64   // milliseconds of which the value is known; 0: a gap
	Max   float32 // the highest mean of a run
}

// Mean returns the mean over the time that the value is known; 0 of a gap.
func (c Cell) Mean() float64 {
	if c.Known == 0 {
		return 0
	}
	return c.Sum / float64(c.Known)
}

// add adds a value that held for so many milliseconds.
func (c *Cell) add(v float32, held int64) {
	c.merge(Cell{float64(v) * float64(held), held, v})
}

// merge adds what another cell, of another time, sums up.
func (c *Cell) merge(o Cell) {
	if o.Known <= 0 {
		return
	}
	if c.Known == 0 || o.Max > c.Max {
		c.Max = o.Max
	}
	c.Sum += o.Sum
	c.Known += o.Known
}

// Cells sums up the values of a track over a time.
type Cells [Channels]Cell

// Merge adds what others, of another time, sum up.
func (c *Cells) Merge(o *Cells) {
	for i := range c {
		c[i].merge(o[i])
	}
}

// Known reports whether anything is known.
func (c *Cells) Known() bool {
	for i := range c {
		if c[i].Known > 0 {
			return true
		}
	}
	return false
}

// add adds the part of a run that lies within a time.
func (c *Cells) add(r *Run, from, to int64) {
	held := min(r.To, to) - max(r.From, from)
	if held <= 0 {
		return
	}
	for i, v := range r.Values {
		if v == v {
			c[i].add(v, held)
		}
	}
}
