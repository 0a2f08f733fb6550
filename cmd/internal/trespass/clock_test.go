package trespass

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	// stepBy is how far clocks are set, in seconds.
	stepBy = 70
	// enoughLate is how late is too late. All is within 2 s of the stepped
	// clock, as the scheduler's tests hold it to exactly; a busy machine is given
	// more than that, and far less than the step.
	enoughLate = 12 * time.Second
	// ahead of a step back are this many seconds: enough to ask for what it is
	// about on a busy machine.
	beforeStep = 25
)

// absentLink has the daemon say when it gives up what has not connected.
const absentLink = `
network:
  default_capacity: 1G
  links: [{a: "00000000000000aa:1", b: "00000000000000bb:1", capacity: 1G}]
`

// A clock is the wall clock of a daemon.
type clock struct {
	*lab
	lines *os.File // the daemon's standard input
	ahead time.Duration
	late  []string // what was not there in time
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
	l.start(strings.Replace(common, "\nnetwork: {default_capacity: 1G}\n", absentLink, 1))
	return c
}

// quiet has the network connected and waits until nothing more comes of that:
// what else wakes the scheduler hides that it waits for the wrong moment.
func (c *clock) quiet() {
	c.Helper()
	if c.network == nil {
		c.connect(100_000_000)
	}
	c.eventually("the switches are there", func() bool { return len(c.boss().results("/api/links?per_page=100")) == 8 })
	if c.daemon.Said("the network has had time to connect") == nil { // after 10 s
		c.fault("the scheduler never rests: %s", c.daemon.Last())
	}
	// After 15 s what is left of an earlier network is given up. An older daemon
	// does not say so; then that is long over when this gives up.
	c.daemon.Said("configured link is not there; static: true has it used though no probe passes")
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
func (c *clock) arrives(what, id, state string, at int64) {
	c.Helper()
	due := time.Unix(at, 0).Add(-c.ahead)
	if now := time.Now(); due.Before(now) {
		due = now
	}
	a := c.boss()
	arrived := c.within(time.Until(due)+enoughLate, func() bool { return a.details(id).text("state") == state })
	found := fmt.Sprintf("%s: %s %.1f s after the clock says so", what, state, time.Since(due).Seconds())
	if !arrived {
		c.late = append(c.late, "not "+found)
		return
	}
	c.Log(found)
}

// judge ends the case if something was late.
func (c *clock) judge() {
	c.Helper()
	if c.late != nil {
		c.fault("%s", strings.Join(c.late, "; "))
	}
}

// clockSteps: a clock that is set forward, back, and right again delays no
// start, no end and no request, and has nothing start or end before its time.
func clockSteps(l *lab) {
	c := l.stepping(0)
	c.quiet()
	alice := l.login("alice", "astro")
	due := func(from, to string, seconds float64) (id string, start int64) {
		start = c.after(seconds)
		return alice.create(l.body("astro", from, to, 600, fields{"start_time": start})), start
	}
	ending := func(from, to string, seconds int) (id string, end int64) {
		id = alice.active(l.body("astro", from, to, seconds, nil))
		return id, int64(alice.details(id).number("end_time"))
	}
	asked := func(what, from, to string) {
		c.arrives(what, alice.create(l.body("astro", from, to, 600, nil)), "active", c.after(0))
	}

	ends, end := ending("h2", "h4", stepBy+6)
	starts, start := due("h1", "h3", stepBy+5)
	passed, missed := due("h2", "h3", stepBy-10)
	c.step(stepBy)
	asked("asked for after a step forward", "h1", "h4")
	c.arrives("due while the clock was set", passed, "active", missed)
	c.arrives("due after a step forward", starts, "active", start)
	c.arrives("ends after a step forward", ends, "complete", end)
	c.judge()

	ends, end = ending("h3", "h4", beforeStep)
	starts, start = due("h1", "h2", beforeStep)
	c.step(0)
	over := time.Unix(max(start, end)-stepBy+2, 0)
	l.within(time.Until(over), func() bool {
		if got := alice.details(starts); got.text("state") != "pending" {
			l.fault("it starts before its time on a clock that was set back: %s", got.body)
		}
		if got := alice.details(ends); got.text("state") != "active" {
			l.fault("it ends before its time on a clock that was set back: %s", got.body)
		}
		return false
	})
	asked("asked for after a step back", "h2", "h4")
	c.step(stepBy)
	c.arrives("due when the clock is right again", starts, "active", start)
	c.arrives("ends when the clock is right again", ends, "complete", end)
	c.judge()
}

// clockOfTheYear2000: a daemon that starts before its machine knows the time
// has everything start when it does.
func clockOfTheYear2000(l *lab) {
	c := l.stepping(0)
	l.connect(100_000_000)
	start := c.after(20)
	id := l.login("alice", "astro").create(l.body("astro", "h1", "h3", 600, fields{"start_time": start}))
	l.daemon.Kill()
	c = l.stepping(int64(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds()))
	c.quiet()
	c.step(0)
	c.arrives("due after 26 years", id, "active", start)
	c.judge()
}
