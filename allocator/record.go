package allocator

import (
	"fmt"

	"conga/controller/path"
)

// record is one allocation as it is kept in the store, under its ID. The names
// are those of version 1, which was JSON.
type record struct {
	Version int     `json:"v"`
	Seq     uint64  `json:"seq"`            // order of creation
	Done    Seconds `json:"done,omitempty"` // when it became complete, UNIX seconds
	Allocation

	Asked uint64 `json:"-"` // order of asking for what it asks for now, among the Seqs of others; 0: since its creation
	// Carried is what it has had the time to carry of its volume before Since,
	// in bytes; since then its rate is what it is.
	Carried uint64    `json:"-"`
	Since   Seconds   `json:"-"`
	Lost    path.Path `json:"-"` // the path that it had, while it has none because of a fault
}

// problem returns why a record cannot be one of ours, or "".
func (r *record) problem(key string) string {
	switch w := r.Window; {
	case key != "" && r.ID != key:
		return fmt.Sprintf("it is about allocation %q", r.ID)
	case r.Seq == 0, r.Handle == 0:
		return "it has no number"
	case r.State != Pending && r.State != Active && r.State != Complete:
		return fmt.Sprintf("%q is no state", r.State)
	case w.Start > w.End, w.Start < 0, w != Window{} && w.Start == w.End && r.State != Complete:
		return fmt.Sprintf("[%d, %d) is no window", w.Start, w.End)
	case r.State == Active && (len(r.Path) == 0 || w == Window{}):
		return "it is active without a path or a window"
	case normaliseKey(&r.Key) != nil:
		return "its addresses are not valid"
	case r.Constraints.check() != nil:
		return "its constraints are not valid"
	case len(r.Profile) > 0 && r.Window == Window{}:
		return "it has steps without a window"
	case r.held() >= 1<<62 && len(r.Path) > 0:
		return "its bandwidth is impossible"
	}
	return ""
}
