package channel

import "time"

// How much of a switch is read in a second, and at once. A switch with 400,000
// entries is read without a pause, and one that has 200,000 of them removed.
const (
	bytesPerSecond    = 16 << 20
	bytesAtOnce       = 64 << 20
	messagesPerSecond = 20_000
	messagesAtOnce    = 200_000

	longestRest = 100 * time.Millisecond
)

// An allowance bounds how much of a connection is read: bytes, and messages
// that were not asked for. What is beyond it waits in the switch, so that one
// that talks without end takes no time from the others.
type allowance struct {
	bytes, messages float64 // that may be read now; negative: owed
	at              time.Time
}

// spend takes note of what was read, and returns for how long nothing is to be
// read.
func (a *allowance) spend(bytes, messages int, now time.Time) time.Duration {
	if a.at.IsZero() {
		a.bytes, a.messages = bytesAtOnce, messagesAtOnce
	} else if passed := now.Sub(a.at).Seconds(); passed > 0 {
		a.bytes = min(a.bytes+passed*bytesPerSecond, bytesAtOnce)
		a.messages = min(a.messages+passed*messagesPerSecond, messagesAtOnce)
	}
	a.at = now
	a.bytes -= float64(bytes)
	a.messages -= float64(messages)
	owed := max(-a.bytes/bytesPerSecond, -a.messages/messagesPerSecond, 0)
	return time.Duration(owed * float64(time.Second))
}

// rest waits until more may be read, or the connection ends.
func (r *reader) rest() {
	if r.owed < time.Millisecond { // it is made up for later
		return
	}
	if !r.rested {
		r.rested = true
		r.c.log().Warn("the switch says more than can be read of it; it has to wait", "bytes_per_second", bytesPerSecond, "messages_per_second", messagesPerSecond)
	}
	t := time.NewTimer(min(r.owed, longestRest))
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.c.done:
	}
}
