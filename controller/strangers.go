package controller

import "sync"

// What entries and meters of ours that are not wanted may take in memory, of
// one switch and of all. Such are left over when a store is lost; a switch may
// make up any number.
const (
	strangersEach  = 32 << 20
	strangersAll   = 64 << 20
	meterFootprint = 128
)

// A pool bounds what all switches share.
type pool struct {
	mu   sync.Mutex // a leaf; guards what follows
	left int
}

// take takes n, and reports whether there was so much; it may be negative.
func (p *pool) take(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > p.left {
		return false
	}
	p.left -= n
	return true
}

// A strangers counts what is kept of a switch that is not wanted there. Beyond
// its bound no more is looked at: that is found by later audits, when what was
// found first is deleted.
type strangers struct {
	all  *pool
	kept int
	over bool
}

// allow reports whether so many more bytes may be kept.
func (s *strangers) allow(bytes int) bool {
	if s.kept+bytes > strangersEach || !s.all.take(bytes) {
		s.over = true
		return false
	}
	s.kept += bytes
	return true
}

// forget takes note that what was kept is gone, or about to be.
func (s *strangers) forget() {
	s.all.take(-s.kept)
	s.kept, s.over = 0, false
}
