package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// Bounds of contests. Times are attended time.
const (
	questions  = 3                      // that a host is asked before it counts as silent
	askEvery   = 120 * time.Millisecond // between these
	silence    = 400 * time.Millisecond // from the first of them, after which it does
	askAgain   = 500 * time.Millisecond // a host that has answered is not asked again for this long
	contestOff = time.Minute            // a claim that was refused is remembered for this long

	maxContests    = 4096 // at one time
	maxPortClaims  = 256  // of them, by hosts behind one port
	maxBarred      = 64   // addresses that one port's hosts may not announce
	announcements  = 3    // in the name of a host that keeps what was claimed
	announceFirst  = 300 * time.Millisecond
	announceSecond = time.Second
)

// Asker is the Ethernet address that questions to hosts come from, and that
// their answers go to. No host has it: it is locally administered.
var Asker = openflow.MAC{0x02, 0xc0, 0x9a, 0x00, 0x00, 0x01}

// A Claim says that a host is at another port than the one where it is known,
// or that it has an address that is known to be another's.
type Claim struct {
	Owner openflow.MAC
	Addr  netip.Addr // what is claimed; the zero value: to be the owner
	At    PortID     // where the owner is known to be
	By    openflow.MAC
	From  PortID // where the claim was heard
	VLAN  uint16 // in which it was heard; 0: none
	// Foreign says that the address was announced under another hardware
	// address than that of the frame. Such a claim is never believed.
	Foreign bool
}

// A Verdict says what became of a claim.
type Verdict struct {
	Claim
	Outcome Outcome
}

// An Outcome is how a claim ended.
type Outcome uint8

// The outcomes of claims.
const (
	Kept     Outcome = iota // the owner answered, or is bound by the configuration
	Taken                   // the owner was silent
	Flapping                // the owner moves back and forth: it stays for a while

	Outcomes = iota // how many there are
)

// String returns the name of the outcome.
func (o Outcome) String() string { return [...]string{"kept", "taken", "flapping"}[o] }

// A Query is a frame that is due to a host: the question whether it has an
// address still, or, if Announce is set, the announcement that it has, for all
// others to hear.
type Query struct {
	Host     openflow.MAC
	VLAN     uint16 // in which the host has the address; 0: none
	Addr     netip.Addr
	At       PortID
	Announce bool
	contest  *contest
}

// A contest is a claim that is not believed yet, or not at all.
//
//	asking --the owner answers--> kept --claimed again--> asking
//	  |                             |
//	  +--the owner is silent--> taken    +--a minute without claims--> forgotten
type contest struct {
	Claim
	asked     int
	first     time.Time // question
	last      time.Time // question, or announcement
	heard     time.Time // the claim, last
	kept      time.Time // when the owner answered; zero: it is being asked
	reported  bool      // that it was kept
	announced int
}

// contests are the claims that are remembered.
type contests struct {
	byOwner  map[openflow.MAC][]*contest
	byPort   map[PortID]int // claims heard there
	bars     map[openflow.DPID][]Bar
	count    int
	verdicts []Verdict // since Verdicts was called

	open   map[*contest]bool // those of which frames are due, or will be
	fresh  []*contest        // of these, what has begun since Queries was called
	looked time.Time         // attended, when Queries looked at all that are open
}

// lookEvery is how often all open contests are looked at for what is due. In
// between, only what has begun is: a host that speaks concerns no other.
const lookEvery = 50 * time.Millisecond

// opens has a contest looked at, at once and again.
func (k *contests) opens(c *contest) {
	k.open[c] = true
	k.fresh = append(k.fresh, c)
}

func newContests() contests {
	return contests{
		byOwner: map[openflow.MAC][]*contest{}, byPort: map[PortID]int{}, bars: map[openflow.DPID][]Bar{},
		open: map[*contest]bool{},
	}
}

// contend takes note of a claim. Where there is no room for it, it is neither
// believed nor looked into.
func (b *Builder) contend(claim Claim) *contest {
	now, k := b.clock.now, &b.contests
	i := slices.IndexFunc(k.byOwner[claim.Owner], func(c *contest) bool { return c.Addr == claim.Addr && c.From == claim.From && c.VLAN == claim.VLAN })
	if i >= 0 {
		c := k.byOwner[claim.Owner][i]
		c.heard, c.By, c.Foreign = now, claim.By, c.Foreign && claim.Foreign
		if !c.kept.IsZero() && now.Sub(c.kept) >= askAgain {
			c.asked, c.kept = 0, time.Time{}
			k.opens(c)
		}
		return c
	}
	if k.count >= maxContests || k.byPort[claim.From] >= maxPortClaims {
		return nil
	}
	c := &contest{Claim: claim, heard: now}
	k.byOwner[claim.Owner] = append(k.byOwner[claim.Owner], c)
	k.byPort[claim.From]++
	k.count++
	k.opens(c)
	return c
}

// forget ends a contest.
func (b *Builder) forget(c *contest) {
	k := &b.contests
	rest := slices.DeleteFunc(k.byOwner[c.Owner], func(other *contest) bool { return other == c })
	if k.byOwner[c.Owner] = rest; len(rest) == 0 {
		delete(k.byOwner, c.Owner)
	}
	if k.byPort[c.From]--; k.byPort[c.From] == 0 {
		delete(k.byPort, c.From)
	}
	k.count--
	delete(k.open, c)
	b.unbar(c)
}

// keep ends the questions of a contest: its owner has answered.
func (b *Builder) keep(c *contest) {
	c.kept, c.last = b.clock.now, time.Time{}
	if b.apart(c) {
		c.announced = announcements
		return
	}
	c.announced = min(c.announced, announcements-1) // one more, if all were made
	b.contests.opens(c)
	b.bar(c)
	if !c.reported {
		c.reported = true
		b.contests.verdicts = append(b.contests.verdicts, Verdict{c.Claim, Kept})
	}
}

// apart reports whether a claim is made in another VLAN than that in which its
// owner has the address. Hosts there may have the same one, and their claim is
// no offence. A bound address is no other host's in any VLAN.
func (b *Builder) apart(c *contest) bool {
	h := b.hosts[c.Owner]
	if _, bound := b.boundAddrs[c.Addr]; bound || !c.Addr.IsValid() || h == nil {
		return false
	}
	return h.VLANs[c.Addr] != c.VLAN
}

// HostAnswered takes note that a host has answered a [Query] at a port: it is
// there, and has the addresses that it names.
func (b *Builder) HostAnswered(at PortID, mac openflow.MAC, addrs []netip.Addr, now time.Time) {
	b.clock.look(now)
	h := b.hosts[mac]
	if h == nil || h.At != at {
		return
	}
	h.Seen = now
	b.refresh(h)
	for _, c := range b.contests.byOwner[mac] {
		if c.kept.IsZero() && (!c.Addr.IsValid() || slices.Contains(addrs, c.Addr)) {
			b.keep(c)
		}
	}
}

// Queries returns the frames that are due to hosts. The caller says with
// [Builder.Queried] which of them it has sent; the others stay due.
func (b *Builder) Queries(now time.Time) (due []Query) {
	b.clock.look(now)
	k := &b.contests
	look := func(c *contest) {
		h := b.hosts[c.Owner]
		if h == nil || !b.askable(h.At) {
			return
		}
		if q, ok := b.query(h, c); ok {
			due = append(due, q)
		}
	}
	fresh := k.fresh
	k.fresh = nil
	if b.clock.now.Sub(k.looked) < lookEvery {
		for _, c := range fresh {
			if k.open[c] { // else it has ended
				look(c)
			}
		}
		return due
	}
	k.looked = b.clock.now
	for c := range k.open {
		if c.settled() {
			delete(k.open, c)
		} else {
			look(c)
		}
	}
	return due
}

// settled reports whether no frame is due in a contest any more, unless it is
// claimed again or its owner answers.
func (c *contest) settled() bool {
	if c.kept.IsZero() {
		return c.asked >= questions
	}
	return !c.Addr.IsValid() || c.announced >= announcements
}

// query returns the frame that is due in a contest.
func (b *Builder) query(h *hostState, c *contest) (q Query, ok bool) {
	q = Query{Host: h.MAC, VLAN: h.VLANs[c.Addr], Addr: c.Addr, At: h.At, contest: c}
	age := b.clock.now.Sub(c.last)
	switch {
	case c.kept.IsZero() && (c.asked == 0 || c.asked < questions && age >= askEvery):
		if !q.Addr.IsValid() && len(h.Addrs) > 0 {
			q.Addr = h.Addrs[c.asked%len(h.Addrs)]
			q.VLAN = h.VLANs[q.Addr]
		}
		return q, q.Addr.IsValid()
	case c.kept.IsZero() || !c.Addr.IsValid():
		return q, false
	}
	q.Announce = true
	wait := [announcements]time.Duration{0, announceFirst, announceSecond}
	return q, c.announced < announcements && age >= wait[c.announced]
}

// Queried takes note that a frame has been sent.
func (b *Builder) Queried(q Query) {
	c := q.contest
	switch {
	case q.Announce:
		c.announced++
	default:
		if c.asked == 0 {
			c.first = b.clock.now
		}
		c.asked++
	}
	c.last = b.clock.now
}

// Verdicts returns what became of claims since the last call.
func (b *Builder) Verdicts() []Verdict {
	v := b.contests.verdicts
	b.contests.verdicts = nil
	return v
}

// askable reports whether an answer from a port would be heard.
func (b *Builder) askable(at PortID) bool {
	p := b.port(at)
	return p != nil && isUp(p.port) && p.role == Edge && b.connected(at.DPID)
}

// gone reports whether nothing can be behind the port where a host is known.
func (b *Builder) gone(h *hostState) bool {
	p := b.port(h.At)
	if p == nil {
		return b.connected(h.At.DPID) || !b.counts(h.At.DPID)
	}
	return !isUp(p.port) || p.role == Trunk || !b.counts(h.At.DPID)
}
