package recurrence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// from returns the moment of a text in a zone.
func from(tb testing.TB, text, zone string) time.Time {
	tb.Helper()
	z, err := Zone(zone)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", text, z)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// ask returns the moments of a rule, or its error, as text.
func ask(rule string, start time.Time, most int) (list, notes []string, err error) {
	r, err := Parse(rule)
	if err != nil {
		return nil, nil, err
	}
	m, err := r.Moments(start, Bounds{Last: start.AddDate(2, 0, 0), Most: most})
	for _, t := range m.List {
		list = append(list, t.Format("2006-01-02 15:04 MST"))
	}
	return list, m.Notes, err
}

// TestMoments: rules as people write them.
func TestMoments(t *testing.T) {
	for _, c := range []struct{ rule, start, zone, want string }{
		{"FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", "2026-12-07 20:00", "", "2026-12-07 20:00 UTC, 2026-12-09 20:00 UTC, 2026-12-14 20:00 UTC"},
		{"rrule:freq=daily;interval=2;count=2", "2026-12-31 06:30", "Europe/Paris", "2026-12-31 06:30 CET, 2027-01-02 06:30 CET"},
		{"FREQ=DAILY;UNTIL=20261203", "2026-12-01 23:59", "", "2026-12-01 23:59 UTC, 2026-12-02 23:59 UTC, 2026-12-03 23:59 UTC"},
		{"FREQ=DAILY;UNTIL=20261202T060000Z", "2026-12-01 06:00", "Europe/Paris", "2026-12-01 06:00 CET, 2026-12-02 06:00 CET"},
		{"FREQ=DAILY;UNTIL=20261202T060000", "2026-12-01 06:00", "America/New_York", "2026-12-01 06:00 EST, 2026-12-02 06:00 EST"},
		{"FREQ=DAILY;UNTIL=20261202T060000Z", "2026-12-01 06:00", "America/New_York", "2026-12-01 06:00 EST"},
		{"FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", "2026-12-31 00:00", "", "2026-12-31 00:00 UTC, 2027-01-31 00:00 UTC"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2026-12-31 00:00", "", "2026-12-31 00:00 UTC, 2027-01-31 00:00 UTC, 2027-02-28 00:00 UTC"},
		{"FREQ=MONTHLY;BYDAY=1MO,-1FR;COUNT=3", "2026-12-01 12:00", "", "2026-12-07 12:00 UTC, 2026-12-25 12:00 UTC, 2027-01-04 12:00 UTC"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2026-12-01 12:00", "", "2026-12-31 12:00 UTC, 2027-01-29 12:00 UTC"},
		{"FREQ=YEARLY;COUNT=2", "2026-12-01 12:00", "", "2026-12-01 12:00 UTC, 2027-12-01 12:00 UTC"},
		{"FREQ=DAILY;BYHOUR=6,18;COUNT=3", "2026-12-01 12:00", "", "2026-12-01 18:00 UTC, 2026-12-02 06:00 UTC, 2026-12-02 18:00 UTC"},
		{"FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=2", "2026-12-01 12:00", "", "2027-01-04 12:00 UTC, 2028-01-03 12:00 UTC"},
	} {
		list, _, err := ask(c.rule, from(t, c.start, c.zone), 10)
		if got := strings.Join(list, ", "); err != nil || got != c.want {
			t.Errorf("%s from %s: %s, %v; want %s", c.rule, c.start, got, err, c.want)
		}
	}
}

// TestClocks: a time that the clocks never show has no occurrence, which does
// not count; one that they show twice has the first; both are told.
func TestClocks(t *testing.T) {
	for _, c := range []struct{ rule, start, zone, want, note string }{
		{"FREQ=DAILY;COUNT=3", "2027-03-27 02:30", "Europe/Paris", "2027-03-27 02:30 CET, 2027-03-29 02:30 CEST, 2027-03-30 02:30 CEST",
			"the clocks in Europe/Paris never show 2027-03-28 02:30:00, as they are set forward: there is no occurrence then"},
		{"FREQ=DAILY;COUNT=2", "2027-10-30 02:30", "Europe/Paris", "2027-10-30 02:30 CEST, 2027-10-31 02:30 CEST",
			"the clocks in Europe/Paris show 2027-10-31 02:30:00 twice, as they are set back: the occurrence is at the first time, 2027-10-31T02:30:00+02:00"},
		{"FREQ=DAILY;COUNT=2", "2027-03-27 20:00", "Europe/Paris", "2027-03-27 20:00 CET, 2027-03-28 20:00 CEST", ""},
		{"FREQ=DAILY;BYHOUR=2;BYMINUTE=15;COUNT=2", "2027-10-02 00:00", "Australia/Lord_Howe", "2027-10-02 02:15 +1030, 2027-10-04 02:15 +11",
			"the clocks in Australia/Lord_Howe never show 2027-10-03 02:15:00, as they are set forward: there is no occurrence then"},
		{"FREQ=WEEKLY;BYDAY=WE;COUNT=1", "2026-12-01 20:00", "", "2026-12-02 20:00 UTC",
			"the first occurrence is at 2026-12-02T20:00:00Z: the rule has none at the start_time, 2026-12-01T20:00:00Z"},
	} {
		list, notes, err := ask(c.rule, from(t, c.start, c.zone), 10)
		if got := strings.Join(list, ", "); err != nil || got != c.want {
			t.Errorf("%s from %s: %s, %v; want %s", c.rule, c.start, got, err, c.want)
		}
		if !slices.Contains(notes, c.note) && c.note != "" || c.note == "" && len(notes) > 0 {
			t.Errorf("%s from %s: %q, want %q", c.rule, c.start, notes, c.note)
		}
	}
	// The second of two times that look the same can be a start.
	second := from(t, "2027-10-31 01:30", "Europe/Paris").Add(2 * time.Hour)
	if list, notes, err := ask("FREQ=DAILY;COUNT=1", second, 10); err != nil || len(notes) > 0 || list[0] != "2027-10-31 02:30 CET" {
		t.Errorf("%v, %q, %v", list, notes, err)
	}
}

// TestRefused: what is no rule, or has no end, is refused with a sentence that
// says what to write.
func TestRefused(t *testing.T) {
	for rule, want := range map[string]string{
		"":                                  `"" is no part of a rule; write one such as`,
		"FREQ=DAILY":                        "has no end; add COUNT=10",
		"FREQ=DAILY;":                       `"" is no part of a rule`,
		"COUNT=1":                           "FREQ is missing",
		"FREQ=FORTNIGHTLY;COUNT=1":          `FREQ: "FORTNIGHTLY" is not DAILY`,
		"FREQ=HOURLY;COUNT=1":               "FREQ: HOURLY is too often; for several times a day write FREQ=DAILY;BYHOUR=0,6,12,18",
		"FREQ=DAILY;COUNT=0":                `COUNT: "0" is not a number from 1 to`,
		"FREQ=DAILY;COUNT=1;COUNT=2":        "COUNT is there twice",
		"FREQ=DAILY;COUNT=1;UNTIL=2027":     `UNTIL: "2027" is neither a date`,
		"FREQ=DAILY;COUNT=1;UNTIL=20271231": "has both COUNT and UNTIL",
		"FREQ=DAILY;COUNT=1;BYEASTER=1":     `"BYEASTER=1" is no part of a rule`,
		"FREQ=DAILY;COUNT=1;BYDAY=XX":       `BYDAY: "XX" is no day`,
		"FREQ=DAILY;COUNT=1;BYDAY=1MO":      "BYDAY: a number before a day is for months and years",
		"FREQ=MONTHLY;COUNT=1;BYDAY=6MO":    "BYDAY: the number before a day is 5 at most here",
		"FREQ=MONTHLY;COUNT=1;BYDAY=99MO":   `BYDAY: "99" is not a number from 1 to 53`,
		"FREQ=DAILY;COUNT=1;BYMONTH=13":     `BYMONTH: "13" is not a number from 1 to 12`,
		"FREQ=WEEKLY;COUNT=1;BYMONTHDAY=1":  "BYMONTHDAY is not for FREQ=WEEKLY",
		"FREQ=MONTHLY;COUNT=1;BYYEARDAY=1":  "BYYEARDAY is for FREQ=YEARLY alone",
		"FREQ=MONTHLY;COUNT=1;BYWEEKNO=1":   "BYWEEKNO is for FREQ=YEARLY alone",
		"FREQ=DAILY;COUNT=1;BYSETPOS=1":     "BYSETPOS needs a part such as BYDAY",
		"FREQ=DAILY;COUNT=1;WKST=1":         `WKST: "1" is no day`,
		"FREQ=DAILY;COUNT=1;INTERVAL=1001":  `INTERVAL: "1001" is not a number from 1 to 1000`,
		"FREQ=DAILY;COUNT=1;BYMINUTE=0,1,2,3,4,5;BYSECOND=0,1,2,3,4": "BYHOUR, BYMINUTE and BYSECOND name 30 times of a day, and 24 are the most",
		"FREQ=DAILY;COUNT=1;X=" + strings.Repeat("1", MaxRule):       "is longer than 512 characters",

		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1": "has no occurrence at the start_time, 2026-12-01T00:00:00Z, or later",
		"FREQ=DAILY;UNTIL=20261130":                   "has no occurrence at the start_time",
		"FREQ=YEARLY;COUNT=4":                         "has occurrences after 2028-12-01T00:00:00Z, the last start that there may be; say a smaller COUNT",
		"FREQ=YEARLY;UNTIL=20401201":                  "say an earlier UNTIL",
		"FREQ=DAILY;COUNT=11":                         "has more than 10 occurrences; ask for fewer at a time, such as with COUNT=10",
	} {
		if _, _, err := ask(rule, from(t, "2026-12-01 00:00", ""), 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", rule, err, want)
		}
	}
	for _, name := range []string{"Local", "Mars/Olympus", "../../etc/passwd", "/etc/localtime"} {
		if _, err := Zone(name); err == nil || !strings.Contains(err.Error(), "is no time zone; write one such as Europe/Paris") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNever: a rule that is never met is not followed for long, whenever it
// begins.
func TestNever(t *testing.T) {
	for year := 1970; year < 2200; year++ {
		twin := twin(year)
		if lastYear-twin > 400 {
			t.Fatalf("%d is worked out in %d", year, twin)
		}
		if recent := year < 2097; recent && lastYear-twin > 40 {
			t.Errorf("%d is worked out in %d", year, twin)
		}
	}
}

// TestFirst: the first occurrences of a rule are those of the rule.
func TestFirst(t *testing.T) {
	r, err := Parse("UNTIL=20270101;FREQ=WEEKLY;BYDAY=MO,WE")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.First(2).String(); got != "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=2" {
		t.Error(got)
	}
	start := from(t, "2026-12-07 20:00", "")
	some, err := r.First(2).Moments(start, Bounds{Last: start.AddDate(1, 0, 0), Most: 10})
	if err != nil || len(some.List) != 2 {
		t.Errorf("%v, %v", some, err)
	}
	if r.Timed() {
		t.Error("the rule says no time of day")
	}
}

// model is a rule in the form that drawn rules are made from.
type model struct {
	freq                                   string
	interval                               int
	months, monthDays, yearDays, hours, at []int
	days                                   []string // may have a number before them
	weekStart                              time.Weekday
	count                                  int
}

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func drawModel(t *rapid.T) (m model) {
	some := func(name string, lo, hi, most int) []int {
		return rapid.SliceOfNDistinct(rapid.IntRange(lo, hi), 0, most, rapid.ID[int]).Draw(t, name)
	}
	signed := func(list []int) []int {
		for i := range list {
			if rapid.Bool().Draw(t, "from the end") {
				list[i] = -list[i]
			}
		}
		return list
	}
	m.freq = rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
	m.interval = rapid.IntRange(1, 4).Draw(t, "interval")
	m.months, m.hours = some("months", 1, 12, 3), some("hours", 0, 23, 3)
	if m.freq != "WEEKLY" {
		m.monthDays = signed(some("days of the month", 1, 31, 3))
	}
	if m.freq == "YEARLY" {
		m.yearDays = signed(some("days of the year", 1, 366, 3))
	}
	numbered := m.freq == "MONTHLY" || m.freq == "YEARLY"
	for _, d := range some("days", 0, 6, 3) {
		name := dayNames[d]
		if numbered && rapid.Bool().Draw(t, "numbered") {
			name = strconv.Itoa(signed([]int{rapid.IntRange(1, 5).Draw(t, "number")})[0]) + name
		}
		m.days = append(m.days, name)
	}
	if len(m.days)+len(m.months)+len(m.monthDays)+len(m.yearDays)+len(m.hours) > 0 {
		m.at = signed(some("positions", 1, 4, 2))
	}
	m.weekStart = time.Weekday(rapid.IntRange(0, 6).Draw(t, "week start"))
	m.count = rapid.IntRange(1, 40).Draw(t, "count")
	return m
}

func (m model) text() string {
	text := fmt.Sprintf("FREQ=%s;INTERVAL=%d;WKST=%s;COUNT=%d", m.freq, m.interval, dayNames[m.weekStart], m.count)
	add := func(name, list string) {
		if list = strings.Trim(strings.ReplaceAll(list, " ", ","), "[]"); list != "" {
			text += ";" + name + "=" + list
		}
	}
	add("BYMONTH", fmt.Sprint(m.months))
	add("BYMONTHDAY", fmt.Sprint(m.monthDays))
	add("BYYEARDAY", fmt.Sprint(m.yearDays))
	add("BYHOUR", fmt.Sprint(m.hours))
	add("BYSETPOS", fmt.Sprint(m.at))
	add("BYDAY", fmt.Sprint(m.days))
	return text
}

// period returns the number of the day's day, week, month or year, counted from
// that of the start.
func (m model) period(day, start time.Time) int {
	weekOf := func(t time.Time) time.Time { return t.AddDate(0, 0, -((int(t.Weekday()) - int(m.weekStart) + 7) % 7)) }
	switch m.freq {
	case "DAILY":
		return int(day.Sub(start).Hours() / 24)
	case "WEEKLY":
		return int(weekOf(day).Sub(weekOf(start)).Hours() / 24 / 7)
	case "MONTHLY":
		return (day.Year()-start.Year())*12 + int(day.Month()) - int(start.Month())
	}
	return day.Year() - start.Year()
}

// has reports whether the rule names the day, as the table of RFC 5545 says.
func (m model) has(day, start time.Time) bool {
	months, monthDays, days := m.months, m.monthDays, m.days
	if len(monthDays)+len(m.yearDays)+len(days) == 0 {
		switch m.freq {
		case "YEARLY":
			if len(months) == 0 {
				months = []int{int(start.Month())}
			}
			monthDays = []int{start.Day()}
		case "MONTHLY":
			monthDays = []int{start.Day()}
		case "WEEKLY":
			days = []string{dayNames[start.Weekday()]}
		}
	}
	fromEnd := func(n, of int) int { return n - of - 1 }
	monthLength := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	yearLength := time.Date(day.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	in := func(list []int, n, of int) bool {
		return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, fromEnd(n, of))
	}
	n, of := day.Day(), monthLength
	if m.freq == "YEARLY" && len(m.months) == 0 {
		n, of = day.YearDay(), yearLength
	}
	named := len(days) == 0
	for _, text := range days {
		number, name := text[:len(text)-2], text[len(text)-2:]
		want, _ := strconv.Atoi(number)
		nth, last := (n-1)/7+1, -((of-n)/7 + 1)
		named = named || name == dayNames[day.Weekday()] && (number == "" || want == nth || want == last)
	}
	return in(months, int(day.Month()), 1<<20) && in(monthDays, day.Day(), monthLength) && in(m.yearDays, day.YearDay(), yearLength) && named
}

// walls returns what clocks show at the occurrences of three years. Of the first
// week only the days from the start on count, of the first month and year all.
func (m model) walls(start time.Time) (out []time.Time) {
	first := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC)
	hours := slices.Sorted(slices.Values(m.hours))
	if len(hours) == 0 {
		hours = []int{start.Hour()}
	}
	sets := map[int][]time.Time{}
	most := 0
	for day := first.AddDate(0, 0, -first.YearDay()-7); day.Before(first.AddDate(3, 0, 0)); day = day.AddDate(0, 0, 1) {
		p := m.period(day, first)
		if day.Before(first) && (p != 0 || m.freq == "WEEKLY") || p%m.interval != 0 || !m.has(day, start) {
			continue
		}
		for _, h := range hours {
			sets[p] = append(sets[p], day.Add(time.Duration(h)*time.Hour+time.Duration(start.Minute())*time.Minute))
		}
		most = max(most, p)
	}
	for p := range most + 1 {
		set := sets[p]
		for i, wall := range set {
			if len(m.at) > 0 && !slices.Contains(m.at, i+1) && !slices.Contains(m.at, i-len(set)) || wall.Before(start) {
				continue
			}
			out = append(out, wall)
		}
	}
	return out
}

// shownAt returns the first moment at which clocks show a time, which is sought
// minute by minute; zero if they never do.
func shownAt(wall time.Time, zone *time.Location) time.Time {
	for t := wall.Add(-15 * time.Hour); t.Before(wall.Add(15 * time.Hour)); t = t.Add(time.Minute) {
		if wallOf(t.In(zone)).Equal(wall) {
			return t.In(zone)
		}
	}
	return time.Time{}
}

// TestAgainstEveryDay compares rules with one that looks at every day of three
// years, and the moments with a look at every minute.
func TestAgainstEveryDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		zone, err := Zone(rapid.SampledFrom([]string{"", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Unix(rapid.Int64Range(1_700_000_000/60, 4_000_000_000/60).Draw(t, "start")*60, 0).In(zone)
		if start = start.Add(-time.Duration(start.Second()) * time.Second); !shownAt(wallOf(start), zone).Equal(start) {
			t.Skip("the second of two times that look the same")
		}
		last := start.AddDate(2, 0, 0)
		var want []time.Time
		tooFar := false
		for _, wall := range m.walls(wallOf(start)) {
			at := shownAt(wall, zone)
			if at.After(last) || at.IsZero() && wall.After(wallOf(last)) {
				tooFar = true
				break
			}
			if at.IsZero() {
				continue
			}
			if want = append(want, at); len(want) == m.count {
				break
			}
		}
		r, err := Parse(m.text())
		if err != nil {
			t.Fatal(m.text(), err)
		}
		got, err := r.Moments(start, Bounds{Last: last, Most: 1000})
		switch {
		case len(want) < m.count && tooFar:
			if err == nil || !strings.Contains(err.Error(), "has occurrences after") {
				t.Fatalf("%s from %s: %v, %v; want that it is too far", m.text(), start, got.List, err)
			}
		case len(want) == 0:
			if err == nil {
				t.Fatalf("%s from %s: %v, want none", m.text(), start, got.List)
			}
		case len(want) < m.count: // what comes later is not looked at here
			if !slices.EqualFunc(got.List[:min(len(got.List), len(want))], want, time.Time.Equal) {
				t.Fatalf("%s from %s: %v, %v; want %v", m.text(), start, got.List, err, want)
			}
		case err != nil || !slices.EqualFunc(got.List, want, time.Time.Equal):
			t.Fatalf("%s from %s: %v, %v; want %v", m.text(), start, got.List, err, want)
		}
	})
}

// FuzzParse: no text makes a rule that does not come to an end, or that has
// moments beyond its bounds.
func FuzzParse(f *testing.F) {
	for _, rule := range []string{
		"FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "FREQ=YEARLY;BYWEEKNO=53,-53;BYDAY=SU;WKST=TH;COUNT=9",
		"FREQ=MONTHLY;BYDAY=-5MO,5SU;BYSETPOS=-366,366;COUNT=4", "FREQ=YEARLY;BYYEARDAY=-366,366;BYHOUR=0,23;UNTIL=99991231T235959Z", "FREQ=DAILY;INTERVAL=1000;BYMONTH=1;COUNT=2",
	} {
		f.Add(rule, int64(1_800_000_000))
	}
	zone, err := Zone("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		start := time.Unix(1_500_000_000+(at&0x7fffffff), 0).In(zone)
		b := Bounds{Last: start.AddDate(2, 0, 0), Most: 50}
		m, err := r.Moments(start, b)
		if len(m.List) > b.Most || err == nil && len(m.List) == 0 {
			t.Fatalf("%d moments, %v", len(m.List), err)
		}
		for i, at := range m.List {
			if at.Before(start) || at.After(b.Last) || i > 0 && !at.After(m.List[i-1]) {
				t.Fatalf("%s from %s: %s is not in order", text, start, at)
			}
		}
		if again, err := Parse(r.String()); err != nil || again.String() != r.String() {
			t.Fatalf("%q is read again as %v, %v", r, again, err)
		}
	})
}
