package openflow

import (
	"errors"
	"fmt"
)

// DefaultReassemblyBytes is the size cap of a [Reassembler] whose MaxBytes is
// 0: some 200,000 flow entries.
const DefaultReassemblyBytes = 128 << 20

var (
	// ErrReassemblySize means that the parts of one reply exceed the cap.
	ErrReassemblySize = errors.New("multipart reply exceeds the size cap")
	// ErrReassemblyType means that a part is of another type than those before
	// it.
	ErrReassemblyType = errors.New("multipart reply changes its type")
	// ErrReassemblyParts means that there are too many unfinished replies at
	// once.
	ErrReassemblyParts = errors.New("too many unfinished multipart replies")
)

// maxUnfinished is how many replies can be unfinished at once. A switch answers
// one request after the other, so that more than a few are an attack.
const maxUnfinished = 64

// A Reassembler merges the parts of multipart replies (§7.3.5). The zero value
// is ready for use, by one goroutine.
type Reassembler struct {
	// MaxBytes caps the bytes of memory that all unfinished replies take
	// together: what they are on the wire and their [MultipartReply.Footprint].
	// 0 stands for DefaultReassemblyBytes.
	MaxBytes int

	size    int // bytes of all unfinished replies
	replies map[uint32]*unfinished
}

type unfinished struct {
	reply *MultipartReply
	size  int
}

// Add takes one part and the header it came with. It returns the whole reply
// when this was its last part, without the flag MultipartMore, and nil while
// more are to come. After an error the whole reply is forgotten.
func (r *Reassembler) Add(h Header, part *MultipartReply) (*MultipartReply, error) {
	xid, n := h.XID, int(h.Length)+part.Footprint()
	u := r.replies[xid]
	more := part.Flags&MultipartMore != 0
	if u == nil && !more {
		return part, nil
	}
	limit := r.MaxBytes
	if limit == 0 {
		limit = DefaultReassemblyBytes
	}
	var err error
	switch {
	case r.size+n > limit:
		err = ErrReassemblySize
	case u == nil && len(r.replies) >= maxUnfinished:
		err = ErrReassemblyParts
	case u == nil:
		whole := *part
		whole.asSent = asSent{} // no part was sent as the whole
		if body, ok := part.Body.(*ExperimenterReply); ok {
			own := *body // merge changes it
			whole.Body = &own
		}
		u = &unfinished{reply: &whole}
		if r.replies == nil {
			r.replies = make(map[uint32]*unfinished)
		}
		r.replies[xid] = u
	case u.reply.MPType != part.MPType || !merge(u.reply, part):
		err = ErrReassemblyType
	}
	if err != nil {
		r.Forget(xid)
		return nil, fmt.Errorf("openflow: reply %#x to %v: %w", xid, part.MPType, err)
	}
	u.size += n
	r.size += n
	if more {
		return nil, nil
	}
	r.Forget(xid)
	u.reply.Flags &^= MultipartMore
	return u.reply, nil
}

// Size returns the bytes of memory that all unfinished replies take.
func (r *Reassembler) Size() int { return r.size }

// Forget drops the parts of a reply that is no longer waited for.
func (r *Reassembler) Forget(xid uint32) {
	if u := r.replies[xid]; u != nil {
		r.size -= u.size
		delete(r.replies, xid)
	}
}

// merge appends the part's body to the whole's, and reports whether that is
// possible.
func merge(whole, part *MultipartReply) bool {
	switch body := whole.Body.(type) {
	case FlowStatsReply:
		return mergeList(whole, body, part)
	case TableStatsReply:
		return mergeList(whole, body, part)
	case PortStatsReply:
		return mergeList(whole, body, part)
	case PortDescReply:
		return mergeList(whole, body, part)
	case QueueStatsReply:
		return mergeList(whole, body, part)
	case GroupStatsReply:
		return mergeList(whole, body, part)
	case GroupDescReply:
		return mergeList(whole, body, part)
	case MeterStatsReply:
		return mergeList(whole, body, part)
	case MeterConfigReply:
		return mergeList(whole, body, part)
	case TableFeaturesReply:
		return mergeList(whole, body, part)
	case *ExperimenterReply:
		more, ok := part.Body.(*ExperimenterReply)
		if !ok || more.Experimenter != body.Experimenter || more.ExpType != body.ExpType {
			return false
		}
		body.Data = append(body.Data, more.Data...)
		return true
	}
	return false // a description or a sum cannot continue
}

// mergeList appends the part's list to list, which is whole's body, and reports
// whether the part has one.
func mergeList[L interface {
	~[]E
	MultipartReplyBody
}, E any](whole *MultipartReply, list L, part *MultipartReply) bool {
	more, ok := part.Body.(L)
	if !ok {
		return false
	}
	whole.Body = append(list, more...)
	return true
}
