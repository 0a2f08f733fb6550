package stats

import (
	"context"
	"fmt"
	"time"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// All entries of a switch are listed only when they are asked for: a network
// may hold millions. What may be read and kept has bounds.
const (
	listedPerSecond = 20_000                // entries, of all switches together
	listedAtOnce    = 100_000               // entries that may be read beyond that after a pause
	listedKept      = 200_000               // entries kept, of all switches together
	listFor         = time.Minute           // how long entries are kept, and listed anew, after they were asked for
	dumpsAtOnce     = 2                     // switches that list all entries at the same time
	budgetLook      = 50 * time.Millisecond // the least time to wait until more may be read
)

// A Listing holds all flow entries of a switch at one moment. It is immutable.
type Listing struct {
	At    time.Time // when the switch had answered
	Flows []Flow    // in the order of the switch
	Stale bool      // that is a while ago
}

// A dump is the last listing of a switch.
type dump struct {
	at      time.Time // zero: none yet
	flows   []Flow
	wanted  time.Time     // when it was asked for last
	running chan struct{} // closed when the listing that is under way has ended; nil: none is
}

// Flows returns all flow entries of a switch. A listing within the last
// interval is returned as it is. Otherwise the switch is asked, once for all
// callers that wait, and again for a minute, since rates need two listings. If
// too much is being read already, or the switch is away or does not answer, the
// listing is an earlier one, with its time. ok is false if there is none.
func (p *Poller) Flows(ctx context.Context, sw topology.Switch) (l Listing, ok bool) {
	now := time.Now()
	p.mu.Lock()
	d := p.dumps[sw.DPID]
	if d == nil {
		d = &dump{}
		p.dumps[sw.DPID] = d
	}
	d.wanted = now
	old := d.at.IsZero() || now.Sub(d.at) > p.cfg.Interval
	if old && sw.Connected && d.running == nil && (d.at.IsZero() || p.budget.allows(now)) {
		d.running = make(chan struct{})
		go p.list(context.WithoutCancel(ctx), sw.DPID, d)
	}
	running := d.running
	p.mu.Unlock()
	if old && running != nil {
		select {
		case <-running:
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	stale := !sw.Connected || time.Since(d.at) > p.most()
	return Listing{At: d.at, Flows: d.flows, Stale: stale}, !d.at.IsZero()
}

// refresh lists the entries of a switch once more, if they were asked for
// lately and the budget allows it.
func (p *Poller) refresh(ctx context.Context, dpid openflow.DPID) {
	now := time.Now()
	p.mu.Lock()
	d := p.dumps[dpid]
	due := d != nil && d.running == nil && now.Sub(d.wanted) <= listFor && now.Sub(d.at) > p.cfg.Interval/2 && p.budget.allows(now)
	if due {
		d.running = make(chan struct{})
	}
	p.mu.Unlock()
	if due {
		p.list(ctx, dpid, d)
	}
}

// list asks a switch for all its entries, and takes in the listing.
func (p *Poller) list(ctx context.Context, dpid openflow.DPID, d *dump) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	flows, err := p.askFlows(ctx, dpid)
	at := time.Now()
	p.mu.Lock()
	before, span := d.flows, at.Sub(d.at)
	p.mu.Unlock()
	var read []Flow
	if err == nil {
		if span > p.most() {
			before, span = nil, 0
		}
		read = readFlows(before, flows, span)
	} else if ctx.Err() == nil {
		p.cfg.Log.Warn("switch does not list its flow entries", "dpid", dpid, "err", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.ledger.name(read)
		d.at, d.flows = at, read
		p.budget.spend(len(read), at)
		p.trimLocked(d)
	}
	close(d.running)
	d.running = nil
}

// askFlows asks for all entries once the budget allows it.
func (p *Poller) askFlows(ctx context.Context, dpid openflow.DPID) (openflow.FlowStatsReply, error) {
	select {
	case p.dumping <- struct{}{}:
		defer func() { <-p.dumping }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		p.mu.Lock()
		wait := p.budget.wait(time.Now())
		p.mu.Unlock()
		if wait <= 0 {
			break
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	bodies, err := p.cfg.Source.AskAll(ctx, dpid, p.questions.flows)
	if err != nil || bodies[0] == nil {
		return nil, err
	}
	flows, ok := bodies[0].(openflow.FlowStatsReply)
	if !ok {
		return nil, fmt.Errorf("stats: flow entries: answered with %T", bodies[0])
	}
	return flows, nil
}

// trimLocked forgets listings, least recently asked for first, until what is
// kept is within its bound. latest is kept.
func (p *Poller) trimLocked(latest *dump) {
	kept := 0
	for _, d := range p.dumps {
		kept += len(d.flows)
	}
	for kept > listedKept {
		var oldest openflow.DPID
		var first *dump
		for dpid, d := range p.dumps {
			if d != latest && len(d.flows) > 0 && (first == nil || d.wanted.Before(first.wanted)) {
				oldest, first = dpid, d
			}
		}
		if first == nil {
			return
		}
		kept -= len(first.flows)
		p.dropListingLocked(oldest, first)
	}
}

// expireLocked forgets the listings that were not asked for lately.
func (p *Poller) expireLocked(now time.Time) {
	for dpid, d := range p.dumps {
		if now.Sub(d.wanted) > listFor {
			p.dropListingLocked(dpid, d)
		}
	}
}

// dropListingLocked forgets a listing; one that is under way stays known.
func (p *Poller) dropListingLocked(dpid openflow.DPID, d *dump) {
	if d.running == nil {
		delete(p.dumps, dpid)
		return
	}
	d.at, d.flows = time.Time{}, nil
}

// name sets the allocation of the entries that are an allocation's.
func (l *ledger) name(flows []Flow) {
	for i := range flows {
		if f := &flows[i]; f.Kind == purpose.Allocation {
			if a := l.handles[uint32(f.owner)]; a != nil {
				f.Allocation = a.id
			}
		}
	}
}

// A budget bounds how many entries are listed in a time.
type budget struct {
	left float64 // entries; negative after more was read than allowed
	at   time.Time
}

func newBudget(now time.Time) budget { return budget{listedAtOnce, now} }

func (b *budget) fill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.left, b.at = min(listedAtOnce, b.left+d.Seconds()*listedPerSecond), now
	}
}

// allows reports whether something may be read now, however much it will be.
func (b *budget) allows(now time.Time) bool { return b.wait(now) <= 0 }

// wait returns how long to wait until something may be read.
func (b *budget) wait(now time.Time) time.Duration {
	b.fill(now)
	if b.left > 0 {
		return 0
	}
	return max(budgetLook, time.Duration(-b.left/listedPerSecond*float64(time.Second)))
}

func (b *budget) spend(n int, now time.Time) {
	b.fill(now)
	b.left -= float64(n)
}
