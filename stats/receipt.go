package stats

import (
	"slices"
	"time"

	"conga/bitrate"
	"conga/controller/path"
)

// A Span is the time from one UNIX second to another. The zero Span is none.
type Span struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// A Receipt is what there was of an allocation, once it is complete.
type Receipt struct {
	Allocation
	ForwardRates, ReverseRates *Rates // at which it was delivered; nil: unknown

	Planned  Span          // for which it was planned, as changed while it ran; zero: unknown
	Moves    int           // how often its path became another
	Moved    []Move        // the last times, the oldest first
	Degraded time.Duration // in all
	Spells   []Spell       // the last ones, the oldest first
}

// A Rates says how traffic spread over time, as samples have seen it.
type Rates struct {
	Low    bitrate.Rate // that it had at most for a twentieth of the time
	Median bitrate.Rate // that it had at most for half of the time
}

// Receipt returns what there was of an allocation; zeros if it was never in the
// network. It reads the archive, if memory has nothing of it. What is not saved
// yet is not final: after a crash it would be open again.
func (p *Poller) Receipt(id string) Receipt {
	p.mu.Lock()
	a := p.ledger.accounts[id]
	if a != nil {
		defer p.mu.Unlock()
		r := a.receipt(time.Now())
		r.Final = r.Final && p.cfg.Archive == nil
		return r
	}
	p.mu.Unlock()
	if a = p.archived(id); a == nil {
		a = &account{final: true}
	}
	return a.receipt(time.Now())
}

// receipt returns what there is of the account until now.
func (a *account) receipt(now time.Time) Receipt {
	r := Receipt{
		Allocation: a.view(), Planned: a.planned, Moves: a.moves, Moved: slices.Clone(a.moved),
		Degraded: a.degraded.total(now), Spells: slices.Clone(a.degraded.spells),
	}
	if a.unproven {
		r.Forward, r.Reverse = r.Forward.unproven(), r.Reverse.unproven()
		return r
	}
	r.ForwardRates, r.ReverseRates = a.spread[forward].rates(), a.spread[reverse].rates()
	return r
}

// rates returns what was counted, or nil if that is nothing.
func (c *rateCount) rates() *Rates {
	low, ok := c.quantile(.05)
	if !ok {
		return nil
	}
	median, _ := c.quantile(.5)
	return &Rates{low, median}
}

// Losing returns which of an allocation's traffic is lost on its path, in words
// for the user; "" if none is known to be.
func (p *Poller) Losing(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.ledger.accounts[id]; a != nil {
		return a.degraded.why[Loss]
	}
	return ""
}

// Confirmed takes note that all switches of a circuit's path hold it.
func (p *Poller) Confirmed(c path.Circuit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, way := p.ledger.accounts[c.ID], digest(c.Path)
	if a != nil && a.way != 0 && a.way != way {
		p.absorbLocked() // why it moves
		a = p.ledger.accounts[c.ID]
	}
	if a != nil {
		p.ledger.confirmed(a, way, time.Now())
		p.ledger.arrived(a, &c)
	}
}

// arrived takes note that the switches have confirmed a circuit, and so that
// the earlier ones of its allocation have left.
func (l *ledger) arrived(a *account, c *path.Circuit) {
	for i := range a.circuits {
		if a.circuits[i].Key == c.Key && a.circuits[i].Path.Equal(c.Path) {
			l.forgetCircuits(a, max(i+1, pastCircuits))
			return
		}
	}
}
