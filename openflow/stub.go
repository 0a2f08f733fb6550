package openflow

import "errors"

var errStub = errors.New("openflow: not yet")

// Error implements error.
func (m *Error) Error() string { return "openflow: error" }

// A Reassembler merges the parts of multipart replies.
type Reassembler struct {
	// MaxBytes is how many bytes of parts it holds before it gives up on a reply.
	MaxBytes int
}

// Add takes one part of n bytes on the wire; it returns the whole reply when this was the last part, and
// nil while more are to come.
func (r *Reassembler) Add(xid uint32, n int, part *MultipartReply) (*MultipartReply, error) {
	return nil, errStub
}

// ParseMatch reads ovs-ofctl match syntax.
func ParseMatch(text string) (Match, error) { return nil, errStub }

// ParseFlow reads ovs-ofctl flow syntax, as add-flow takes it.
func ParseFlow(text string) (*FlowMod, error) { return nil, errStub }
