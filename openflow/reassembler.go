package openflow

import (
	"errors"
	"fmt"
	"slices"
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

// unfinished is a reply of which parts are there. They are joined with the last
// one, when it is known how much room all of them take.
type unfinished struct {
	reply *MultipartReply // the first part
	more  []MultipartReplyBody
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
		u = &unfinished{reply: &whole}
		if r.replies == nil {
			r.replies = make(map[uint32]*unfinished)
		}
		r.replies[xid] = u
	case u.reply.MPType != part.MPType || !continues(u.reply.Body, part.Body):
		err = ErrReassemblyType
	default:
		u.more = append(u.more, part.Body)
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
	u.reply.Body = join(u.reply.Body, u.more)
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

// continues reports whether a body can follow another one as the next part of
// the same reply. A description or a sum cannot continue.
func continues(first, next MultipartReplyBody) bool {
	switch first := first.(type) {
	case FlowStatsReply:
		return is[FlowStatsReply](next)
	case TableStatsReply:
		return is[TableStatsReply](next)
	case PortStatsReply:
		return is[PortStatsReply](next)
	case PortDescReply:
		return is[PortDescReply](next)
	case QueueStatsReply:
		return is[QueueStatsReply](next)
	case GroupStatsReply:
		return is[GroupStatsReply](next)
	case GroupDescReply:
		return is[GroupDescReply](next)
	case MeterStatsReply:
		return is[MeterStatsReply](next)
	case MeterConfigReply:
		return is[MeterConfigReply](next)
	case TableFeaturesReply:
		return is[TableFeaturesReply](next)
	case *ExperimenterReply:
		more, ok := next.(*ExperimenterReply)
		return ok && more.Experimenter == first.Experimenter && more.ExpType == first.ExpType
	}
	return false
}

func is[B MultipartReplyBody](body MultipartReplyBody) bool {
	_, ok := body.(B)
	return ok
}

// join returns one body with what is in all of them, each of which continues
// the first.
func join(first MultipartReplyBody, more []MultipartReplyBody) MultipartReplyBody {
	switch first := first.(type) {
	case FlowStatsReply:
		return joinLists(first, more)
	case TableStatsReply:
		return joinLists(first, more)
	case PortStatsReply:
		return joinLists(first, more)
	case PortDescReply:
		return joinLists(first, more)
	case QueueStatsReply:
		return joinLists(first, more)
	case GroupStatsReply:
		return joinLists(first, more)
	case GroupDescReply:
		return joinLists(first, more)
	case MeterStatsReply:
		return joinLists(first, more)
	case MeterConfigReply:
		return joinLists(first, more)
	case TableFeaturesReply:
		return joinLists(first, more)
	case *ExperimenterReply:
		whole := *first
		whole.Data = slices.Clip(whole.Data) // it is the first part's still
		for _, next := range more {
			whole.Data = append(whole.Data, next.(*ExperimenterReply).Data...)
		}
		return &whole
	}
	return first
}

// joinLists returns a list of the elements of all of them.
func joinLists[L interface {
	~[]E
	MultipartReplyBody
}, E any](first L, more []MultipartReplyBody) L {
	n := len(first)
	for _, next := range more {
		n += len(next.(L))
	}
	whole := append(make(L, 0, n), first...)
	for _, next := range more {
		whole = append(whole, next.(L)...)
	}
	return whole
}
