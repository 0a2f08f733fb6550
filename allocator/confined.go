package allocator

import (
	"fmt"
	"strings"
	"time"

	"conga/controller/path"
)

// confinedError returns the refusal of a demand for which there are paths, but
// none that meets its constraints, however little rate it asks for; nil if
// there is such a one, or no path at all.
func (pl planner) confinedError(d demand) *Error {
	if err := pl.masklessError(d); err != nil {
		return err
	}
	if d.Constraints == (Constraints{}) && !d.Protected || pl.reaches(d, d.Constraints) {
		return nil
	}
	alone := d
	alone.Protected = false
	if !pl.reaches(alone, Constraints{}) {
		return nil
	}
	if pl.terse {
		return &Error{Kind: Conflict, Err: errRefused}
	}
	if err := pl.unprotectedError(d, alone); err != nil {
		return err
	}
	var fields, each []string
	for _, x := range d.Constraints.each() {
		if !pl.reaches(alone, x.alone) {
			return &Error{Kind: Conflict, Field: x.field, Err: fmt.Errorf("no path from %s to %s %s", d.Key.Src, d.Key.Dst, pl.lacking(d, x))}
		}
		if each = append(each, x.field); pl.reaches(alone, x.rest) {
			fields = append(fields, x.field)
		}
	}
	if len(fields) < 2 {
		fields = each // any of several is in the way of the one
	}
	return &Error{Kind: Conflict, Field: fields[0], Err: fmt.Errorf(
		"no path from %s to %s meets %s together; leave some of them out", d.Key.Src, d.Key.Dst, listed(fields))}
}

// unprotectedError returns the refusal of a demand for a backup that there is
// not: at all, or not beside a path that meets the constraints. alone is the
// demand without protection. Where no path meets them it is nil.
func (pl planner) unprotectedError(d, alone demand) *Error {
	err := &Error{Kind: Conflict, Field: "protection"}
	switch {
	case !d.Protected:
		return nil
	case !pl.reaches(d, Constraints{}):
		err.Err = fmt.Errorf("no two paths from %s to %s are without a link in common; ask for it without protection", d.Key.Src, d.Key.Dst)
		return err
	case !pl.reaches(alone, d.Constraints):
		return nil
	}
	var fields, each []string
	for _, x := range d.Constraints.each() {
		if each = append(each, x.field); pl.reaches(d, x.rest) {
			fields = append(fields, x.field)
		}
	}
	if len(fields) == 0 {
		fields = each
	}
	err.Err = fmt.Errorf("no two paths from %s to %s that meet %s are without a link in common; ask for it without protection, or without %s",
		d.Key.Src, d.Key.Dst, listed(each), either(fields))
	return err
}

// reaches reports whether a path with some constraints leads from one end of
// the demand to the other, at any rate.
func (pl planner) reaches(d demand, c Constraints) bool {
	_, ok := pl.anyPath(d, c)
	return ok
}

func (pl planner) anyPath(d demand, c Constraints) (path.Path, bool) {
	d.Constraints = c
	return pl.graph.Find(path.Query{From: d.from, To: d.to, Constraints: pl.confines(&d.Request)})
}

// lacking returns what no path does because of a constraint, with what to ask
// for instead.
func (pl planner) lacking(d demand, x constraint) string {
	switch c := d.Constraints; x.field {
	case "include":
		return fmt.Sprintf("crosses %s; name others, or none", listed(c.Include.Names()))
	case "avoid":
		return fmt.Sprintf("does without %s; name fewer", either(c.Avoid.Names()))
	case "disjoint_from":
		return fmt.Sprintf("shares no link with that of allocation %s; name another one, or none", c.DisjointFrom)
	case "max_hops":
		return fmt.Sprintf("has at most %d switches; ask for %d or more", c.MaxHops, pl.leastHops(d))
	}
	least := pl.leastLatency(d)
	if least == 0 {
		return "has a latency that is known: network.links in the configuration does not give those of its links; ask without max_latency"
	}
	return fmt.Sprintf("takes at most %s; ask for %d us or more", d.MaxLatency, least.Microseconds())
}

// leastHops returns the least max_hops with which there is a path that meets
// the other constraints, or if none does, that there is at all; 0 if there is
// none.
func (pl planner) leastHops(d demand) int {
	c := d.Constraints
	c.MaxHops = 0
	p, ok := pl.anyPath(d, c)
	if !ok {
		c = Constraints{}
		if p, ok = pl.anyPath(d, c); !ok {
			return 0
		}
	}
	return int(leastEnough(int64(len(p)), int64(len(pl.snapshot.Switches)), func(n int64) bool {
		c.MaxHops = int(n)
		return pl.reaches(d, c)
	}))
}

// leastEnough returns the least positive number that is enough, if most is. It
// is looked for from high on: what is protected needs more than its path.
func leastEnough(high, most int64, enough func(int64) bool) int64 {
	low := int64(0)
	for high < most && !enough(high) {
		low, high = high, min(2*high, most)
	}
	for high-low > 1 {
		if n := low + (high-low)/2; enough(n) {
			high = n
		} else {
			low = n
		}
	}
	return high
}

// leastLatency returns the least max_latency, in whole microseconds, with which
// there is a path that meets the other constraints; 0 if the latencies of no
// such path are known.
func (pl planner) leastLatency(d demand) time.Duration {
	c := d.Constraints
	c.MaxLatency = MaxLatency
	p, ok := pl.anyPath(d, c)
	if !ok {
		c = Constraints{MaxLatency: MaxLatency}
		if p, ok = pl.anyPath(d, c); !ok {
			return 0
		}
	}
	has, _ := path.Latency(pl.snapshot, p)
	high := max(1, (has+time.Microsecond-1)/time.Microsecond)
	return time.Duration(leastEnough(int64(high), int64(MaxLatency/time.Microsecond), func(n int64) bool {
		c.MaxLatency = time.Duration(n) * time.Microsecond
		return pl.reaches(d, c)
	})) * time.Microsecond
}

// alsoConfined adds to a refusal for lack of room which constraints keep the
// demand from paths that have it in its window.
func (pl planner) alsoConfined(d demand, w Window, err *Error) *Error {
	if err == nil || d.Constraints == (Constraints{}) && !d.Protected {
		return err
	}
	free := d
	free.Constraints, free.Protected = Constraints{}, false
	if _, ok := pl.graph.Find(pl.query(free, w)); !ok {
		return err
	}
	var fields []string
	if free.Constraints = d.Constraints; d.Protected {
		if _, ok := pl.graph.Find(pl.query(free, w)); ok {
			err.Err = fmt.Errorf("%w; no other path beside one that has it does", err.Err)
			return err
		}
	}
	for _, x := range d.Constraints.each() {
		free.Constraints = x.rest
		if _, ok := pl.graph.Find(pl.query(free, w)); ok {
			fields = append(fields, x.field)
		}
	}
	if len(fields) == 0 {
		for _, x := range d.Constraints.each() {
			fields = append(fields, x.field)
		}
	}
	err.Err = fmt.Errorf("%w; paths that have it do not meet %s", err.Err, listed(fields))
	return err
}

// listed returns names with commas and an and.
func listed(names []string) string { return enumerated(names, "and") }

// either returns names with commas and an or.
func either(names []string) string { return enumerated(names, "or") }

func enumerated(names []string, last string) string {
	n := len(names)
	if n < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n-1], ", ") + " " + last + " " + names[n-1]
}
