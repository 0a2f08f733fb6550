package openflow

import "slices"

// A Parser parses messages into memory that it uses again. It is for those that
// come in large numbers and are looked at once: after a few, reading a flow mod
// or the flow entries of a reply allocates nothing. The zero value is ready for
// use, by one goroutine at a time.
type Parser struct {
	mod   flowModBuf
	flows FlowStatsReply
	oxms  slab[OXM]
	ins   slab[Instruction]
	acts  slab[Action]
}

// Parse does as [Parse], but a flow mod, and the flow entries of a reply to a
// [FlowStatsRequest], are valid only until the next call, with their matches
// and instructions. What is to be kept must be copied, see [FlowStats.Clone].
// All other messages are the caller's to keep.
func (p *Parser) Parse(b []byte) (Header, Message, error) {
	p.oxms.reuse()
	p.ins.reuse()
	p.acts.reuse()
	return parse(b, p)
}

// flowStats returns n zero flow entries.
func (p *Parser) flowStats(n int) FlowStatsReply {
	clear(p.flows)
	p.flows = slices.Grow(p.flows[:0], n)[:n]
	return p.flows
}

// Clone returns a copy of s that shares no memory with it.
func (s *FlowStats) Clone() FlowStats {
	c := *s
	c.Match = slices.Clone(s.Match)
	c.Instructions = slices.Clone(s.Instructions)
	for i := range c.Instructions {
		c.Instructions[i].Actions = slices.Clone(c.Instructions[i].Actions)
	}
	return c
}
