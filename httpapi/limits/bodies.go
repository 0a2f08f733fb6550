package limits

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

const (
	defaultTotal     = 64 << 20 // bytes
	defaultStrangers = 16 << 20
	defaultWait      = 250 * time.Millisecond
	// maxWaiting keeps a flood from being woken at every release.
	maxWaiting = 64
	// fraction is the part of a pot that one payer may hold: one in so many.
	fraction = 4
)

// ErrFull says that there is no room for more of a body now.
var ErrFull = errors.New("limits: too much is being read at this moment")

// A Payer is what a body is counted for.
type Payer struct {
	Known         bool         // by a key, or by the configuration
	Net           netip.Prefix // see [Net]; of a client without a key
	User, Project string       // of a client with one
}

// A BodiesConfig is the size of [Bodies]. What is 0 has a default.
type BodiesConfig struct {
	Total     int64         // bytes that all bodies may take; 64 MiB
	Strangers int64         // of these, what is set apart for unknown payers; 16 MiB
	Wait      time.Duration // how long a body may wait for room; 250 ms
}

// Bodies is the memory that bodies of requests may take. Unknown payers have a
// pot of their own, so that they never take the memory of known ones, and one
// payer may take a quarter of a pot.
type Bodies struct {
	strangers, known pot
	wait             time.Duration
}

// NewBodies returns all of the memory, with nothing taken.
func NewBodies(cfg BodiesConfig) *Bodies {
	if cfg.Total == 0 {
		cfg.Total = defaultTotal
	}
	if cfg.Strangers == 0 {
		cfg.Strangers = defaultStrangers
	}
	if cfg.Wait == 0 {
		cfg.Wait = defaultWait
	}
	b := &Bodies{wait: cfg.Wait}
	b.strangers.init(cfg.Strangers)
	b.known.init(cfg.Total - cfg.Strangers)
	return b
}

// Held returns how many bytes are taken now.
func (b *Bodies) Held() int64 { return b.strangers.now() + b.known.now() }

// Share returns an empty share for the payer, to be grown.
func (b *Bodies) Share(p Payer) Share {
	c := Share{payer: p, pot: &b.strangers, wait: b.wait}
	if p.Known {
		c.pot = &b.known
	}
	return c
}

// A Share is the memory of one body. Its methods are for one goroutine. The
// zero value holds nothing, and can be released.
type Share struct {
	payer Payer
	pot   *pot
	wait  time.Duration
	held  int64
}

// Grow takes n bytes more, for which it waits a moment if there is no room. It
// fails with [ErrFull].
func (c *Share) Grow(ctx context.Context, n int64) error {
	if !c.pot.take(c.payer, n) && !c.pot.await(ctx, c.payer, n, c.wait) {
		return ErrFull
	}
	c.held += n
	return nil
}

// Shrink gives n bytes back.
func (c *Share) Shrink(n int64) {
	c.pot.give(c.payer, n)
	c.held -= n
}

// Release gives everything back.
func (c *Share) Release() {
	if c.held > 0 {
		c.Shrink(c.held)
	}
}

// A pot is one part of the memory.
type pot struct {
	most, each int64 // bytes: of all, of one payer

	mu      sync.Mutex
	held    int64
	of      map[Payer]int64 // what each takes; none that takes nothing
	waiting int
	freed   chan struct{} // closed when something is given back while a body waits
}

func (p *pot) init(most int64) {
	p.most, p.each = most, most/fraction
	p.of, p.freed = map[Payer]int64{}, make(chan struct{})
}

func (p *pot) now() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

func (p *pot) take(payer Payer, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeLocked(payer, n)
}

func (p *pot) takeLocked(payer Payer, n int64) bool {
	own := p.of[payer] + n
	if p.held+n > p.most || own > p.each {
		return false
	}
	p.held += n
	p.of[payer] = own
	return true
}

func (p *pot) give(payer Payer, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= n
	if own := p.of[payer] - n; own > 0 {
		p.of[payer] = own
	} else {
		delete(p.of, payer)
	}
	if p.waiting > 0 {
		close(p.freed)
		p.freed = make(chan struct{})
	}
}

// await takes n bytes as soon as they are free. It reports whether that was
// within wait.
func (p *pot) await(ctx context.Context, payer Payer, n int64, wait time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting >= maxWaiting {
		return false
	}
	p.waiting++
	defer func() { p.waiting-- }()
	late := time.NewTimer(wait)
	defer late.Stop()
	for !p.takeLocked(payer, n) {
		freed := p.freed
		p.mu.Unlock()
		over := false
		select {
		case <-freed:
		case <-late.C:
			over = true
		case <-ctx.Done():
			over = true
		}
		p.mu.Lock()
		if over {
			return false
		}
	}
	return true
}
