package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A moment is a time that a flag says: UNIX seconds, or seconds from now by the
// server's clock, since the clocks may differ.
type moment struct {
	at int64
	in *int64 // not nil: instead of at
}

// unix returns the moment in UNIX seconds, those from now by the client's
// clock.
func (m moment) unix(now time.Time) int64 {
	if m.in != nil {
		return now.Unix() + *m.in
	}
	return m.at
}

// parseMoment reads the time that a flag says; now is by the client's clock.
func parseMoment(flag, s string, now time.Time) (m moment, err error) {
	if s == "now" {
		return moment{in: new(int64)}, nil
	}
	if later, ok := strings.CutPrefix(s, "+"); ok {
		d, err := parseDuration(later)
		return moment{in: &d}, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		return moment{at: n}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{at: t.Unix()}, nil
		}
	}
	text, zone := s, time.Local
	if i := strings.LastIndexByte(s, ' '); i >= 0 && strings.Trim(s[i+1:], "0123456789:") != "" {
		if zone, err = time.LoadLocation(s[i+1:]); err != nil {
			return m, usagef("%s %q: there is no time zone %q; write one such as UTC or Europe/Paris", flag, s, s[i+1:])
		}
		text = s[:i]
	}
	wall, ok := parseWall(text, now.In(zone))
	if !ok {
		return m, usagef("%s %q: write now, +2h, UNIX seconds, or a time such as 2026-01-02T15:04, 15:04, Fri 06:00 or tomorrow 06:00, local or with its zone", flag, s)
	}
	t, err := resolve(wall, zone)
	if err != nil {
		return m, usagef("%s %q: %w", flag, s, err)
	}
	return moment{at: t.Unix()}, nil
}

// parseWall reads what a clock and a calendar on the wall show, and returns it
// as if it were UTC. A time of day, or of a day of the week, is the next one
// after now.
func parseWall(s string, now time.Time) (wall time.Time, ok bool) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	day, clock, _ := strings.Cut(s, " ")
	if strings.Contains(day, ":") && clock == "" {
		day, clock = "", day
	}
	if clock == "" && day != "" {
		clock = "00:00"
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		if t, err = time.Parse(time.TimeOnly, clock); err != nil {
			return wall, false
		}
	}
	here := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
	wall = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	switch day = strings.ToLower(day); day {
	case "":
		if !wall.After(here) {
			wall = wall.AddDate(0, 0, 1)
		}
		return wall, true
	case "today":
		return wall, true
	case "tomorrow":
		return wall.AddDate(0, 0, 1), true
	}
	for range 8 {
		name := strings.ToLower(wall.Weekday().String())
		if (day == name || day == name[:3]) && wall.After(here) {
			return wall, true
		}
		wall = wall.AddDate(0, 0, 1)
	}
	return wall, false
}

// resolve returns the moment at which the clocks of a zone show a time, given
// as if it were UTC. Where they are set forward there may be none, and where
// they are set back two, which is an error that says so.
func resolve(wall time.Time, zone *time.Location) (time.Time, error) {
	const day = 24 * time.Hour
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	shows := func(offset int) (t time.Time, ok bool) {
		t = wall.Add(-time.Duration(offset) * time.Second).In(zone)
		_, at := t.Zone()
		return t, at == offset
	}
	const form = "2006-01-02T15:04:05Z07:00"
	first, one := shows(before)
	second, other := shows(after)
	switch {
	case one && other && before != after:
		return first, fmt.Errorf("the clocks in %s show that twice, as they are set back; write %s or %s", zone, first.Format(form), second.Format(form))
	case one:
		return first, nil
	case other:
		return second, nil
	}
	return first, fmt.Errorf("the clocks in %s never show that, as they are set forward then; write %s or %s", zone, second.Format(form), first.Format(form))
}

// when returns UNIX seconds as text in local time, with its zone, or a dash for
// none.
func when(t *int64) string {
	if t == nil || *t == 0 {
		return "-"
	}
	return time.Unix(*t, 0).Format(time.DateTime + " MST")
}
