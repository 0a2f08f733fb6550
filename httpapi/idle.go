package httpapi

import (
	"fmt"
	"time"

	"conga/allocator"
	"conga/httpapi/events"
	"conga/stats"
)

// Idle publishes that an allocation is idle, or with the zero Idle that it is
// no longer.
func Idle(h *events.Hub, losing Losing) func(a allocator.Allocation, i stats.Idle) {
	return func(a allocator.Allocation, i stats.Idle) { publishWith(h, allocationIdle, a, losing, &i) }
}

// viewIdle returns the JSON of since when an allocation is idle, and when it is
// released.
func viewIdle(i stats.Idle) []byte {
	if i == (stats.Idle{}) {
		return []byte("null")
	}
	return fmt.Appendf(nil, `{"since":%d,"until":%d,"below":%g}`, i.Since.Unix(), i.Until.Unix(), i.Below)
}

// idleWords returns since when an allocation is idle, in words for the user; ""
// if it is not.
func idleWords(i stats.Idle) string {
	if i == (stats.Idle{}) {
		return ""
	}
	return fmt.Sprintf("idle since %s: it is released at %s unless more than %g %% of its rate is used", utc(i.Since), utc(i.Until), 100*i.Below)
}

// IdleReason returns the reason of an allocation that is released because it
// was idle.
func IdleReason(i stats.Idle) string {
	return fmt.Sprintf("released: idle since %s, with less than %g %% of its rate", utc(i.Since), 100*i.Below)
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// idle returns what idleWords does of an allocation.
func (a *api) idle(one allocator.Allocation) string {
	if a.Statistics == nil || one.State != allocator.Active {
		return ""
	}
	return idleWords(a.Statistics.Idle(one.ID))
}
