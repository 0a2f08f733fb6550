package history

// Sources are what is known of one track: recent runs, and cells of minutes and
// of hours that are over.
type Sources struct {
	Recent *Recent
	// Minutes and Hours hold cells in order, without gaps; those of the first
	// begin at MinutesFrom and HoursFrom.
	Minutes, Hours         []Cells
	MinutesFrom, HoursFrom int64
}

// minutesEnd returns where the minutes end.
func (s *Sources) minutesEnd() int64 { return s.MinutesFrom + int64(len(s.Minutes))*Minute }

// hoursEnd returns where the hours end.
func (s *Sources) hoursEnd() int64 { return s.HoursFrom + int64(len(s.Hours))*Hour }

// Points returns what is known of count steps, the first of which begins at
// from. Steps of whole hours are made of hours as far as there are any, then of
// minutes, then of runs; those of whole minutes of minutes and runs; others of
// runs alone. A step begins at a multiple of its length.
func (s *Sources) Points(from, step int64, count int) []Cells {
	out := make([]Cells, count)
	for i := range out {
		out[i] = s.cells(from+int64(i)*step, step)
	}
	return out
}

// cells returns what is known of one step.
func (s *Sources) cells(from, step int64) (c Cells) {
	to := from + step
	if step%Hour == 0 {
		sum(&c, s.Hours, s.HoursFrom, Hour, from, to)
		from = max(from, min(to, s.hoursEnd()))
	}
	if step%Minute == 0 {
		sum(&c, s.Minutes, s.MinutesFrom, Minute, from, to)
		from = max(from, min(to, s.minutesEnd()))
	}
	if s.Recent != nil && from < to {
		runs := s.Recent.Cells(from, to)
		c.Merge(&runs)
	}
	return c
}

// sum adds the cells of a length, of which the first begins at first, that lie
// within a time.
func sum(c *Cells, cells []Cells, first, length, from, to int64) {
	for i := max(0, (from-first)/length); i < int64(len(cells)) && first+i*length < to; i++ {
		if first+i*length >= from {
			c.Merge(&cells[i])
		}
	}
}
