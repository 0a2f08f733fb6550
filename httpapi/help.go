package httpapi

import (
	"bytes"
	"errors"

	"github.com/gin-gonic/gin"

	"conga/allocator"
	"conga/httpapi/rest"
)

// A help is what a refused admission adds to an error answer.
type help struct {
	Bottleneck   string          `json:"bottleneck,omitempty"`   // the link in the way
	Interval     *interval       `json:"interval,omitempty"`     // when something is in the way
	Occurrences  []refusedView   `json:"occurrences,omitempty"`  // of a series: the first of those in the way
	Alternatives []requestedView `json:"alternatives,omitempty"` // what would be admitted, as bodies to be posted
}

// An interval is a time of UNIX seconds.
type interval struct {
	Start int64 `json:"start_time"`
	End   int64 `json:"end_time"`
}

// viewInterval returns nil for no time.
func viewInterval(w allocator.Window) *interval {
	if w == (allocator.Window{}) {
		return nil
	}
	return &interval{int64(w.Start), int64(min(w.End, rest.MaxTime))}
}

// helpOf returns what is known of how to get what an error has refused.
func helpOf(err error) (h help) {
	e, ok := errors.AsType[*allocator.Error](err)
	if !ok {
		return h
	}
	if e.Bottleneck != nil {
		h.Bottleneck = e.Bottleneck.String()
	}
	h.Interval, h.Alternatives = viewInterval(e.InTheWay), viewRequests(e.Alternatives, e.Op == "update")
	h.Occurrences = viewRefused(e.Occurrences)
	return h
}

func viewRequests(list []allocator.Request, changes bool) (out []requestedView) {
	for _, r := range list {
		out = append(out, requestedView{r, changes})
	}
	return out
}

// A requestedView is a request as the body that makes it, or with changes the
// body that makes an allocation that.
type requestedView struct {
	allocator.Request
	changes bool
}

// MarshalJSON returns the body. What has no value is null in a change, which
// would leave it as it is otherwise.
func (r requestedView) MarshalJSON() ([]byte, error) {
	one := &shown{Allocation: allocator.Allocation{Request: r.Request}}
	var buf bytes.Buffer
	for i := range attributes {
		a := attributes[i]
		if a.read == nil || a.name == "user_id" && r.UserID == "" || a.name == "duration" && r.Duration == 0 {
			continue
		}
		a.show = nil // what was asked for
		v := a.shown(one)
		if v == nil && !r.changes || a.name == "duration" && r.Volume != 0 {
			continue
		}
		buf.WriteByte("{,"[min(buf.Len(), 1)])
		buf.WriteString(`"` + a.name + `":`)
		if err := appendJSON(&buf, v); err != nil {
			return nil, err
		}
	}
	if v := viewRecurrence(r.Recurrence); v != nil {
		buf.WriteString(`,"recurrence":`)
		if err := appendJSON(&buf, v); err != nil {
			return nil, err
		}
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// A refusal is an error answer in the envelope, with what helps.
type refusal struct {
	rest.Envelope
	help
}

// A problem is an error answer as RFC 9457 has it, with what helps.
type problem struct {
	rest.Problem
	help
	Offer *offer `json:"offer,omitempty"`
}

// An offer is what would have been admitted.
type offer struct {
	StartTime int64  `json:"start_time,omitempty"` // UNIX seconds
	Bandwidth uint64 `json:"bandwidth,omitempty"`  // bit/s
	Deadline  int64  `json:"deadline,omitempty"`   // UNIX seconds
}

// viewOffer returns nil if there is no offer.
func viewOffer(o allocator.Offer) *offer {
	if o == (allocator.Offer{}) {
		return nil
	}
	return &offer{StartTime: int64(o.Later), Bandwidth: uint64(o.Slower), Deadline: int64(o.Deadline)}
}

func problemOf(c *gin.Context, f *rest.Fault) problem {
	p := problem{Problem: f.Problem("urn:conga:request:" + requestID(c)), help: helpOf(f.Err)} // as the log names it
	if e, ok := errors.AsType[*allocator.Error](f.Err); ok {
		p.Offer = viewOffer(e.Offer)
	}
	return p
}
