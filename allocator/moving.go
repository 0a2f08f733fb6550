package allocator

import "strings"

// moving is the Reason of an active allocation whose switches have not all
// confirmed its latest path, rate or key.
const moving = "being moved: not every switch has confirmed the change yet"

// movingFor returns that reason with what the cause is; "" is not known.
func movingFor(cause string) string {
	if cause == "" {
		return moving
	}
	return moving + "; " + cause
}

// stillMoving returns the reason of a state that changes once more: a known
// cause stands until the switches have confirmed the change.
func stillMoving(reason string) string {
	if moves(reason) {
		return reason
	}
	return moving
}

// movingStillLocked returns what stillMoving does of an item that is changed.
// One that has lost its path gets another one for that cause.
func (a *Allocator) movingStillLocked(it *item, now Seconds) string {
	c := it.record()
	if c.State == Pending {
		return movingFor(a.causeLocked(c, a.faultLocked(it, c, now)))
	}
	return stillMoving(c.Reason)
}

// Moving returns why an allocation that has started is to have another path, or
// its traffic another circuit, than the switches have confirmed; "" if it is
// not, or the reason is not known.
func (a *Allocation) Moving() string {
	switch {
	case !a.Started || a.State == Complete:
		return ""
	case a.Reason == moving:
		return "it was changed"
	case moves(a.Reason):
		return strings.TrimPrefix(a.Reason, moving+"; ")
	case a.State == Pending:
		return a.Reason
	}
	return ""
}

// moves reports whether a reason is that of a change which not all switches
// have confirmed yet.
func moves(reason string) bool { return strings.HasPrefix(reason, moving) }
