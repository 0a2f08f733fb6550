package recurrence

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the machine need not have any

	"github.com/teambition/rrule-go"
)

// Moments are when a rule has its occurrences.
type Moments struct {
	List  []time.Time // in the zone, ascending
	Notes []string    // sentences about what may not be as it was meant, such as times that clocks never show
}

// Bounds are what limits the occurrences of a rule.
type Bounds struct {
	Last time.Time // none may be later
	Most int       // so many there may be
}

// Zone returns the time zone of a name of the IANA time zone database; "" is
// UTC. The error is a sentence about the name.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(cmp.Or(name, "UTC"))
	if err != nil || name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("%q is no time zone; write one such as Europe/Paris or UTC", name)
	}
	return zone, nil
}

// Moments returns the moments of the rule from a start on, by the clocks of
// that one's zone.
//
// As RFC 5545 (3.3.5, 3.3.10) has it, there is no occurrence at a time that the
// clocks never show, and it does not count; of a time that they show twice the
// first counts. A note says so. The error is a sentence about the rule.
func (r *Rule) Moments(start time.Time, b Bounds) (m Moments, err error) {
	first := wallOf(start)
	far := wallOf(b.Last.In(start.Location())).AddDate(0, 0, 1) // later than any that may be, whatever the clocks do
	walls, err := r.walls(first)
	if err != nil {
		return m, err
	}
	for wall := range walls {
		if wall.After(far) {
			return m, r.tooFar(b)
		}
		at, note := momentOf(wall, start)
		switch {
		case r.ended(wall, at):
			return m, m.check(r, start)
		case note != "":
			m.Notes = append(m.Notes, note)
		}
		switch {
		case at.IsZero():
			continue
		case at.After(b.Last):
			return m, r.tooFar(b)
		case len(m.List) == b.Most:
			return m, fmt.Errorf("has more than %d occurrences; ask for fewer at a time, such as with COUNT=%d", b.Most, b.Most)
		}
		if m.List = append(m.List, at); len(m.List) == 1 && !at.Equal(start) {
			m.Notes = append(m.Notes, fmt.Sprintf("the first occurrence is at %s: the rule has none at the start_time, %s", at.Format(form), start.Format(form)))
		}
		if len(m.List) == r.count {
			break
		}
	}
	return m, m.check(r, start)
}

// form is how moments are told: with what the clocks are off from UTC.
const form = "2006-01-02T15:04:05Z07:00"

func (m *Moments) check(r *Rule, start time.Time) error {
	if len(m.List) > 0 {
		return nil
	}
	return fmt.Errorf("has no occurrence at the start_time, %s, or later", start.Format(form))
}

func (r *Rule) tooFar(b Bounds) error {
	less := "a smaller COUNT"
	if r.until != nil {
		less = "an earlier UNTIL"
	}
	return fmt.Errorf("has occurrences after %s, the last start that there may be; say %s", b.Last.UTC().Format(form), less)
}

// ended reports whether a moment, which clocks show as wall, is after the last
// one of the rule.
func (r *Rule) ended(wall, at time.Time) bool {
	switch {
	case r.until == nil:
		return false
	case r.until.utc && !at.IsZero():
		return at.After(r.until.wall)
	case r.until.utc:
		return false // there is no occurrence
	}
	return wall.After(r.until.wall)
}

// wallOf returns what clocks show, as if it were UTC.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// momentOf returns the first moment at which the clocks of the start's zone
// show a time; zero if they never do. That of the start is the start. The note
// says what is odd about it.
func momentOf(wall, start time.Time) (at time.Time, note string) {
	zone := start.Location()
	const day = 24 * time.Hour
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	shows := func(offset int) (t time.Time, ok bool) {
		t = wall.Add(-time.Duration(offset) * time.Second).In(zone)
		return t, wallOf(t).Equal(wall)
	}
	first, one := shows(before)
	second, other := shows(after)
	show := wall.Format("2006-01-02 15:04:05")
	switch {
	case wall.Equal(wallOf(start)):
		return start, ""
	case one && other && before != after:
		return first, fmt.Sprintf("the clocks in %s show %s twice, as they are set back: the occurrence is at the first time, %s", zone, show, first.Format(form))
	case one:
		return first, ""
	case other:
		return second, ""
	}
	return time.Time{}, fmt.Sprintf("the clocks in %s never show %s, as they are set forward: there is no occurrence then", zone, show)
}

// walls returns what clocks show at the occurrences from the first on, without
// an end.
func (r *Rule) walls(first time.Time) (func(yield func(time.Time) bool), error) {
	option := r.option
	shift := twin(first.Year()) - first.Year()
	option.Dtstart = first.AddDate(shift, 0, 0)
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimSpace(err.Error()))
	}
	next := rule.Iterator()
	return func(yield func(time.Time) bool) {
		for {
			t, ok := next()
			if !ok || !yield(t.AddDate(-shift, 0, 0)) {
				return
			}
		}
	}, nil
}

// lastYear is the last year in which the library looks for occurrences, and
// ahead how many years after the first one are looked at here at most.
const (
	lastYear = rrule.MAXYEAR
	ahead    = 3
)

// twin returns the latest year with the same calendar as a year and as those
// about it. Rules are worked out in that: a rule that is never met, such as the
// 30th of February, would be followed up to [lastYear].
func twin(year int) int {
	for t := lastYear - ahead; t > year; t-- {
		if sameCalendar(t, year) {
			return t
		}
	}
	return year
}

func sameCalendar(a, b int) bool {
	for d := -1; d <= ahead; d++ {
		if isLeap(a+d) != isLeap(b+d) || dayOne(a+d).Weekday() != dayOne(b+d).Weekday() {
			return false
		}
	}
	return true
}

func dayOne(year int) time.Time { return time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC) }

func isLeap(year int) bool { return dayOne(year+1).Sub(dayOne(year)) == 366*24*time.Hour }
