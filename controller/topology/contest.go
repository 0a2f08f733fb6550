package topology

import (
	"net/netip"
	"slices"
	"time"

	"conga/openflow"
)

// Bounds of contests. Times are attended time.
const (
	questions  = 4                      // that a host is asked, at least, before it counts as silent
	askEvery   = 80 * time.Millisecond  // between these: one a tick
	silence    = 450 * time.Millisecond // from the first of them, after which it does,
	answerTime = 60 * time.Millisecond  // and from the last
	askAgain   = 500 * time.Millisecond // a host that has answered is not asked at once for another claim for this long
	contestOff = time.Minute            // a claim that was refused is remembered for this long

	maxContests    = 4096 // at one time
	maxPortClaims  = 256  // of them, by hosts behind one port
	maxBarred      = 64   // addresses that one port's hosts may not announce
	announcements  = 3    // in the name of a host that keeps what was claimed
	announceFirst  = 300 * time.Millisecond
	announceSecond = time.Second
)

// announceAfter are the pauses before announcements in the name of a host.
var announceAfter = [announcements]time.Duration{0, announceFirst, announceSecond}

// Asker is the Ethernet address that questions to hosts come from, and that
// their answers go to. No host has it: it is locally administered.
var Asker = openflow.MAC{0x02, 0xc0, 0x9a, 0x00, 0x00, 0x01}

// A Claim says that a host is at another port than the one where it is known,
// or that it has an address that is known to be another's.
type Claim struct {
	Owner HostID
	Addr  netip.Addr // what is claimed; the zero value: to be the owner
	At    PortID     // where the owner is known to be
	By    HostID
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
	Parted                  // it is another host, which has the same Ethernet address in another VLAN

	Outcomes = iota // how many there are
)

// String returns the name of the outcome.
func (o Outcome) String() string { return [...]string{"kept", "taken", "flapping", "parted"}[o] }

// A contest is a claim that is not believed yet, or not at all.
//
//	asking --the owner answers--> kept, pursued --4 s--> kept --claimed again--> asking
//	  |                             |                     |
//	  |                             |                     +--a minute without claims--> forgotten
//	  +--the owner is silent--------+--and the claimant answers--> taken
type contest struct {
	Claim
	asked     int       // questions to the owner since it answered
	first     time.Time // of these questions
	last      time.Time // of these questions
	heard     time.Time // the claim, last
	kept      time.Time // when the owner answered last; zero: not since it was claimed
	reported  bool      // that it was kept
	announced int
	spread    time.Time // the last announcement
	given     bool      // it was taken, and is announced for its new owner

	steady  time.Time // since when the owner has answered while it was heard elsewhere, too; see heardTwice
	pursued bool      // see pursue
	present bool      // the claimant has been heard since the owner was
	sought  time.Time // when the claimant was asked last
}

// contests are the claims that are remembered.
type contests struct {
	byOwner  map[HostID][]*contest
	byPort   map[PortID]int // claims heard there
	bars     map[openflow.DPID][]Bar
	count    int
	verdicts []Verdict // since Verdicts was called

	pursued  map[PortID][]*contest // by where they were heard
	pursuing int                   // how many these are

	open   map[*contest]bool // those of which frames are due, or will be
	fresh  []*contest        // of these, what has begun since Queries was called
	looked time.Time         // attended, when Queries looked at all that are open
}

// opens has a contest looked at, at once and again.
func (k *contests) opens(c *contest) {
	k.open[c] = true
	k.fresh = append(k.fresh, c)
}

func newContests() contests {
	return contests{
		byOwner: map[HostID][]*contest{}, byPort: map[PortID]int{}, bars: map[openflow.DPID][]Bar{},
		open: map[*contest]bool{}, pursued: map[PortID][]*contest{},
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
		if c.present = true; !c.pursued && !c.kept.IsZero() && now.Sub(c.kept) >= askAgain {
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
	k.release(c)
	b.unbar(c)
}

// keep takes note that the owner has answered.
func (b *Builder) keep(c *contest) {
	again := c.kept.IsZero() || c.present // it was claimed since the last answer
	c.kept, c.asked, c.present = b.clock.now, 0, false
	if b.apart(c) {
		c.announced = announcements
		return
	}
	if h := b.hosts[c.Owner]; !c.Addr.IsValid() && h != nil && !b.isBound(c.Owner) && h.elsewhere(c.VLAN) {
		c.announced = announcements
		b.part(h, c.VLAN, c.From)
		return
	}
	if h := b.hosts[c.Owner]; !c.Addr.IsValid() && h != nil {
		b.heardTwice(h, c)
	}
	b.bar(c)
	if !again {
		return
	}
	c.announced = min(c.announced, announcements-1) // one more, if all were made
	b.contests.opens(c)
	b.pursue(c)
	if h := b.hosts[c.Owner]; !c.reported && (h == nil || h.Second != c.From) {
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
