package recurrence

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// MaxRule is how long the text of a rule may be, in bytes.
const MaxRule = 512

// maxTimes is how many times of day a rule may name, and maxInterval how many
// days, weeks, months or years there may be between two occurrences: what is
// more takes long to work out, and is asked for by mistake.
const (
	maxTimes    = 24
	maxInterval = 1000
)

// A Rule says when something recurs, as an RRULE does. It ends: it has a COUNT
// or an UNTIL.
type Rule struct {
	text   string
	option rrule.ROption // without COUNT and UNTIL
	count  int           // 0: no COUNT
	until  *until        // nil: no UNTIL
}

// until is the last moment at which there may be an occurrence.
type until struct {
	wall time.Time // as clocks show it, given as if it were UTC
	utc  bool      // it is UTC, not by the zone's clocks
}

// String returns the rule as it was read, in the form of RFC 5545.
func (r *Rule) String() string { return r.text }

// parts are the parts that a rule may have, and what reads them.
var parts = map[string]func(r *Rule, value string) error{
	"FREQ":     (*Rule).takeFrequency,
	"INTERVAL": func(r *Rule, value string) error { return takeOne(&r.option.Interval, value, 1, maxInterval) },
	"COUNT":    func(r *Rule, value string) error { return takeOne(&r.count, value, 1, 1_000_000) },
	"UNTIL":    (*Rule).takeUntil,
	"WKST":     (*Rule).takeWeekStart,
	"BYDAY":    (*Rule).takeDays,
	"BYMONTH":  func(r *Rule, value string) error { return takeList(&r.option.Bymonth, value, 1, 12, false) },
	"BYMONTHDAY": func(r *Rule, value string) error {
		return takeList(&r.option.Bymonthday, value, 1, 31, true)
	},
	"BYYEARDAY": func(r *Rule, value string) error { return takeList(&r.option.Byyearday, value, 1, 366, true) },
	"BYWEEKNO":  func(r *Rule, value string) error { return takeList(&r.option.Byweekno, value, 1, 53, true) },
	"BYSETPOS":  func(r *Rule, value string) error { return takeList(&r.option.Bysetpos, value, 1, 366, true) },
	"BYHOUR":    func(r *Rule, value string) error { return takeList(&r.option.Byhour, value, 0, 23, false) },
	"BYMINUTE":  func(r *Rule, value string) error { return takeList(&r.option.Byminute, value, 0, 59, false) },
	"BYSECOND":  func(r *Rule, value string) error { return takeList(&r.option.Bysecond, value, 0, 59, false) },
}

// Parse reads a rule, such as FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10. It may begin
// with RRULE: and be in small letters. The error is a sentence about the rule.
func Parse(text string) (*Rule, error) {
	if len(text) > MaxRule {
		return nil, fmt.Errorf("is longer than %d characters", MaxRule)
	}
	r := &Rule{text: strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(r.text, ";") {
		name, value, _ := strings.Cut(part, "=")
		take := parts[name]
		switch {
		case take == nil:
			return nil, fmt.Errorf("%q is no part of a rule; write one such as FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10", part)
		case seen[name]:
			return nil, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := take(r, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !seen["FREQ"] {
		return nil, errors.New("FREQ is missing: DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	r.numberDays()
	return r, nil
}

// numberDays gives every day of the week a number before it where one has some:
// the library takes only days that are in both lists.
func (r *Rule) numberDays() {
	if !r.numbered() {
		return
	}
	var all []rrule.Weekday
	for _, d := range r.option.Byweekday {
		if d.N() != 0 {
			all = append(all, d)
			continue
		}
		for n := range r.mostWeeks() {
			all = append(all, d.Nth(n+1))
		}
	}
	r.option.Byweekday = all
}

// numbered reports whether a day of the week has a number before it.
func (r *Rule) numbered() bool {
	return slices.ContainsFunc(r.option.Byweekday, func(d rrule.Weekday) bool { return d.N() != 0 })
}

// mostWeeks returns the highest number that a day of the week may have before
// it: of a month, or of a year.
func (r *Rule) mostWeeks() int {
	if r.option.Freq == rrule.YEARLY && len(r.option.Bymonth) == 0 {
		return 53
	}
	return 5
}

// check refuses what RFC 5545 (3.3.10) does not allow together, and rules
// without an end.
func (r *Rule) check() error {
	o := &r.option
	most := r.mostWeeks()
	switch times := max(1, len(o.Byhour)) * max(1, len(o.Byminute)) * max(1, len(o.Bysecond)); {
	case r.count == 0 && r.until == nil:
		return errors.New("has no end; add COUNT=10, for so many occurrences, or UNTIL=20271231T235959Z")
	case r.count != 0 && r.until != nil:
		return errors.New("has both COUNT and UNTIL; say one of them")
	case times > maxTimes:
		return fmt.Errorf("BYHOUR, BYMINUTE and BYSECOND name %d times of a day, and %d are the most", times, maxTimes)
	case o.Freq != rrule.YEARLY && len(o.Byweekno) > 0:
		return errors.New("BYWEEKNO is for FREQ=YEARLY alone")
	case o.Freq != rrule.YEARLY && len(o.Byyearday) > 0:
		return errors.New("BYYEARDAY is for FREQ=YEARLY alone")
	case o.Freq == rrule.WEEKLY && len(o.Bymonthday) > 0:
		return errors.New("BYMONTHDAY is not for FREQ=WEEKLY")
	case r.numbered() && (o.Freq == rrule.WEEKLY || o.Freq == rrule.DAILY || len(o.Byweekno) > 0):
		return errors.New("BYDAY: a number before a day is for months and years, such as 1MO with FREQ=MONTHLY")
	case r.numbered() && slices.ContainsFunc(o.Byweekday, func(d rrule.Weekday) bool { return d.N() > most || d.N() < -most }):
		return fmt.Errorf("BYDAY: the number before a day is %d at most here", most)
	case len(o.Bysetpos) > 0 && len(o.Byweekday)+len(o.Bymonth)+len(o.Bymonthday)+len(o.Byyearday)+len(o.Byweekno)+len(o.Byhour)+len(o.Byminute)+len(o.Bysecond) == 0:
		return errors.New("BYSETPOS needs a part such as BYDAY, of whose occurrences it chooses some")
	}
	return nil
}

// Timed reports whether the rule itself says at which times of a day there are
// occurrences; else they are at that of the first one.
func (r *Rule) Timed() bool {
	return len(r.option.Byhour)+len(r.option.Byminute)+len(r.option.Bysecond) > 0
}

// First returns the rule for the first so many of its occurrences.
func (r *Rule) First(count int) *Rule {
	first := *r
	first.count, first.until = count, nil
	keep := slices.DeleteFunc(strings.Split(r.text, ";"), func(part string) bool {
		return strings.HasPrefix(part, "COUNT=") || strings.HasPrefix(part, "UNTIL=")
	})
	first.text = strings.Join(append(keep, "COUNT="+strconv.Itoa(count)), ";")
	return &first
}

var frequencies = map[string]rrule.Frequency{"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY, "YEARLY": rrule.YEARLY}

func (r *Rule) takeFrequency(value string) error {
	freq, known := frequencies[value]
	if r.option.Freq = freq; known {
		return nil
	}
	if value == "HOURLY" || value == "MINUTELY" || value == "SECONDLY" {
		return fmt.Errorf("%s is too often; for several times a day write FREQ=DAILY;BYHOUR=0,6,12,18", value)
	}
	return fmt.Errorf("%q is not DAILY, WEEKLY, MONTHLY or YEARLY", value)
}

// takeUntil reads a date, a time, or a time in UTC.
func (r *Rule) takeUntil(value string) error {
	local, utc := strings.CutSuffix(value, "Z")
	t, err := time.Parse("20060102T150405", local)
	if err != nil && !utc {
		if t, err = time.Parse("20060102", value); err == nil {
			t = t.AddDate(0, 0, 1).Add(-time.Second) // that day is in it
		}
	}
	r.until = &until{t, utc}
	if err != nil {
		return fmt.Errorf("%q is neither a date such as 20271231 nor a time such as 20271231T235959Z", value)
	}
	return nil
}

var weekdays = map[string]rrule.Weekday{
	"MO": rrule.MO, "TU": rrule.TU, "WE": rrule.WE, "TH": rrule.TH, "FR": rrule.FR, "SA": rrule.SA, "SU": rrule.SU,
}

func (r *Rule) takeWeekStart(value string) error {
	day, known := weekdays[value]
	if r.option.Wkst = day; !known {
		return fmt.Errorf("%q is no day; write MO or SU", value)
	}
	return nil
}

// takeDays reads days of the week, which may have a number before them: 1MO,
// -1FR.
func (r *Rule) takeDays(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		at := max(0, len(text)-2)
		day, known := weekdays[text[at:]]
		n := 0
		if known && at > 0 {
			if err := takeSigned(&n, text[:at], 1, 53); err != nil {
				return err
			}
		}
		if !known {
			return fmt.Errorf("%q is no day; write MO, TU, WE, TH, FR, SA or SU", text)
		}
		r.option.Byweekday = append(r.option.Byweekday, day.Nth(n))
	}
	return nil
}

// takeList reads numbers from lo to hi, with signed also those from the end.
func takeList(list *[]int, value string, lo, hi int, signed bool) error {
	take := takeOne
	if signed {
		take = takeSigned
	}
	for text := range strings.SplitSeq(value, ",") {
		var n int
		if err := take(&n, text, lo, hi); err != nil {
			return err
		}
		if !slices.Contains(*list, n) {
			*list = append(*list, n)
		}
	}
	return nil
}

// takeSigned reads a number from lo to hi, or from -hi to -lo.
func takeSigned(n *int, text string, lo, hi int) error {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(text, "+")
	}
	if err := takeOne(n, digits, lo, hi); err != nil {
		return fmt.Errorf("%q is not a number from %d to %d, or from -%d to -%d", text, lo, hi, hi, lo)
	}
	if negative {
		*n = -*n
	}
	return nil
}

// takeOne reads a number from lo to hi.
func takeOne(n *int, text string, lo, hi int) error {
	v, err := strconv.ParseUint(text, 10, 31)
	if *n = int(v); err != nil || *n < lo || *n > hi {
		return fmt.Errorf("%q is not a number from %d to %d", text, lo, hi)
	}
	return nil
}
