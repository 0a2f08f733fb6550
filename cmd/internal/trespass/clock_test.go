package trespass

import (
	"fmt"
	"os"
	"time"
)

const (
	// stepBy is how far clocks are set, in seconds.
	stepBy = 70
	// enoughLate is how late is too late. All is within 2 s of the stepped
	// clock, as the scheduler's tests hold it to exactly; a busy machine is given
	// more than that, and far less than the step.
	enoughLate = 12 * time.Second
)

// A clock is the wall clock of a daemon.
type clock struct {
	*lab
	lines *os.File // the daemon's standard input
	ahead time.Duration
}

// stepping has the lab's daemon started with a clock that is so many seconds
// ahead of ours.
func (l *lab) stepping(ahead int64) *clock {
	c := &clock{lab: l, ahead: time.Duration(ahead) * time.Second}
	r, w, err := os.Pipe()
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _, _ = r.Close(), w.Close() })
	l.stdin, c.lines = r, w
	c.write(ahead)
	l.start(common)
	return c
}

// quiet has the network connected, and waits until nothing is left that would
// wake the scheduler.
func (c *clock) quiet() {
	c.Helper()
	if c.network == nil {
		c.connect(100_000_000)
	}
	if c.daemon.Said("the network has had time to connect") == nil {
		c.fault("the scheduler never rests: %s", c.daemon.Last())
	}
}

// write has the daemon read how far its clock is to be ahead.
func (c *clock) write(ahead int64) {
	c.Helper()
	if _, err := fmt.Fprintln(c.lines, ahead); err != nil {
		c.Fatal(err)
	}
}

// step sets the clock.
func (c *clock) step(ahead int64) {
	c.Helper()
	c.write(ahead)
	if c.daemon.Said(fmt.Sprintf("wall clock ahead by %d s", ahead)) == nil {
		c.Fatalf("the clock is not set: %s", c.daemon.Last())
	}
	c.ahead = time.Duration(ahead) * time.Second
}

// after returns the UNIX time so many seconds from the daemon's now.
func (c *clock) after(seconds float64) int64 { return after(seconds + c.ahead.Seconds()) }

// arrives waits for an allocation to be in a state, which it must be at a moment
// of the daemon's clock, or now if that has passed.
func (c *clock) arrives(id, state string, at int64) {
	c.Helper()
	due := time.Unix(at, 0).Add(-c.ahead)
	if now := time.Now(); due.Before(now) {
		due = now
	}
	a := c.boss()
	if !c.within(time.Until(due)+enoughLate, func() bool { return a.details(id).text("state") == state }) {
		c.fault("%v after it should be %s: %s", time.Since(due).Round(time.Second), state, a.details(id).body)
	}
	c.Logf("%s %.1f s after the clock says so", state, time.Since(due).Seconds())
}

// clockForward: a clock that is set forward delays neither a start nor an end.
func clockForward(l *lab) {
	c := l.stepping(0)
	c.quiet()
	alice := l.login("alice", "astro")
	end := c.after(stepBy + 6)
	ends := alice.active(l.body("astro", "h2", "h4", int(end-c.after(0)), nil))
	end = int64(alice.details(ends).number("end_time"))
	start := c.after(stepBy + 5)
	starts := alice.create(l.body("astro", "h1", "h3", 600, fields{"start_time": start}))
	c.step(stepBy)
	c.arrives(starts, "active", start)
	c.arrives(ends, "complete", end)
}

// clockForwardAtRest: what was due while a clock was set forward, and what is
// asked for afterwards, is there at once.
func clockForwardAtRest(l *lab) {
	c := l.stepping(0)
	c.quiet()
	alice := l.login("alice", "astro")
	start := c.after(stepBy - 10)
	passed := alice.create(l.body("astro", "h1", "h3", 600, fields{"start_time": start}))
	c.step(stepBy)
	c.arrives(alice.create(l.body("astro", "h2", "h4", 600, nil)), "active", c.after(0))
	c.arrives(passed, "active", start)
}

// clockBack: a clock that is set back has nothing start or end before its time,
// and set right again delays nothing.
func clockBack(l *lab) {
	c := l.stepping(0)
	c.quiet()
	alice := l.login("alice", "astro")
	start := c.after(5)
	starts := alice.create(l.body("astro", "h1", "h3", 600, fields{"start_time": start}))
	ends := alice.active(l.body("astro", "h2", "h4", int(start-c.after(0)), nil))
	end := int64(alice.details(ends).number("end_time"))
	c.step(-stepBy)
	passed := time.Unix(max(start, end), 0).Add(2 * time.Second)
	l.within(time.Until(passed), func() bool {
		if got := alice.details(starts); got.text("state") != "pending" {
			l.fault("it starts before its time on a clock that was set back: %s", got.body)
		}
		if got := alice.details(ends); got.text("state") != "active" {
			l.fault("it ends before its time on a clock that was set back: %s", got.body)
		}
		return false
	})
	c.arrives(alice.create(l.body("astro", "h1", "h4", 600, nil)), "active", c.after(0))
	c.step(0)
	c.arrives(starts, "active", start)
	c.arrives(ends, "complete", end)
}

// clockOfTheYear2000: a daemon that starts before its machine knows the time
// has everything start when it does.
func clockOfTheYear2000(l *lab) {
	c := l.stepping(0)
	l.connect(100_000_000)
	start := c.after(15)
	id := l.login("alice", "astro").create(l.body("astro", "h1", "h3", 600, fields{"start_time": start}))
	l.daemon.Kill()
	c = l.stepping(int64(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds()))
	l.eventually("the switches are back", func() bool { return len(l.boss().results("/api/links?per_page=100")) == 8 })
	c.quiet()
	c.step(0)
	c.arrives(id, "active", start)
}
