package allocator

import (
	"time"

	"conga/bitrate"
	"conga/controller/path"
)

// State is where an allocation is in its life.
//
//	          path confirmed                 end of window,
//	          by barriers                    circuit gone
//	pending ------------------> active ------------------> complete
//	   ^                          |
//	   +--------------------------+
//	     path lost, none left now
//
// What has not been active by the end of its lease is complete, too, and so is
// what has been, at the end of its active lease.
type State string

// The states of conga-api.md.
const (
	Pending  State = "pending"
	Active   State = "active"
	Complete State = "complete"
)

// Seconds is [path.Seconds]: moments are those since the UNIX epoch.
type Seconds = path.Seconds

const never = path.Never

// Window is [Start, End) in UNIX seconds. The zero window is none.
type Window struct {
	Start Seconds `json:"start"`
	End   Seconds `json:"end"`
}

// Contains reports whether t is in the window.
func (w Window) Contains(t Seconds) bool { return w.Start <= t && t < w.End }

func (w Window) empty() bool { return w.Start >= w.End }

// Overlaps reports whether some second is in both windows.
func (w Window) Overlaps(o Window) bool { return w.Start < o.End && o.Start < w.End }

// Request is what a user asks for. The zero value of an optional field means
// that it was not given.
type Request struct {
	UserID    string       `json:"user_id"`
	ProjectID string       `json:"project_id"`
	Key       path.FlowKey `json:"key"`
	Duration  Seconds      `json:"duration"`             // seconds
	Bandwidth bitrate.Rate `json:"bandwidth,omitempty"`  // 0: priority without a guarantee
	StartTime Seconds      `json:"start_time,omitempty"` // UNIX seconds; 0: as early as it fits; in a request also [FromNow]
	Lease     Seconds      `json:"lease,omitempty"`      // seconds for which it may wait for its start without being asked for again; 0: as long as it takes

	// ActiveLease is the seconds for which it keeps its path, once it has
	// started, without being asked for again; 0: to the end of its window.
	ActiveLease Seconds `json:"active_lease,omitempty"`

	// Hold is the seconds for which it is reserved without being installed,
	// until it is given up or, by a change to 0, committed; 0: it is not held.
	Hold Seconds `json:"hold,omitempty"`

	// Reverse is the rate of the traffic back, if that is another. It is the
	// zero value where Bandwidth is 0 and CONGA picks none.
	Reverse path.Reverse `json:"reverse,omitzero"`

	Leeway
	Constraints

	// Recurrence asks for a series, see [Allocator.CreateSeries]. An allocation
	// of one has it, too.
	Recurrence Recurrence `json:"recurrence,omitzero"`

	// Protected asks for a backup: a second path with the same ends and no link
	// between switches in common with the first, on which as much is held.
	Protected bool `json:"protected,omitempty"`

	// Class says whether it reserves, or takes what is spare: a scavenger has
	// between MinBandwidth and MaxBandwidth, and Bandwidth is what it has now.
	Class Class `json:"class,omitempty"`
}

// Leeway is what a request leaves to CONGA about when and how fast it runs, if
// it has no start. Moments are UNIX seconds, in a request also [FromNow].
type Leeway struct {
	Earliest Seconds `json:"earliest,omitempty"` // it starts then or later; 0: as early as it fits
	Deadline Seconds `json:"deadline,omitempty"` // it ends then or before; 0: no matter when

	// Volume is what is to be carried, in bytes, as the rate counts them; 0:
	// none. The duration follows from it, and so does the rate, if none was
	// asked for: Duration and Bandwidth are then those that are planned.
	Volume       uint64       `json:"volume,omitempty"`
	MinBandwidth bitrate.Rate `json:"min_bandwidth,omitempty"` // the least rate to pick; 0: any
	MaxBandwidth bitrate.Rate `json:"max_bandwidth,omitempty"` // the highest rate to pick; 0: what fits
	FixedRate    bool         `json:"fixed_rate,omitempty"`    // Bandwidth was asked for, with a volume
}

// Allocation is a request and what has become of it. Values are copies, which
// share nothing with the allocator.
type Allocation struct {
	ID       string  `json:"id"`
	Handle   uint32  `json:"handle"`   // owner in the cookies of its flow entries
	Revision uint64  `json:"revision"` // grows with every change
	Created  Seconds `json:"created"`  // UNIX seconds
	Request
	Series    string  `json:"series,omitempty"`     // ID of the series that it is an occurrence of; "": of none
	ChangedBy string  `json:"changed_by,omitempty"` // the user who changed it last, if not its own
	LeaseEnd  Seconds `json:"lease_end,omitempty"`  // UNIX seconds when it is given up if it has not begun by then, or been committed if it is held, or released if it has an active lease; 0: never

	State   State     `json:"state"`
	Started bool      `json:"started,omitempty"` // it has been active, so its window no longer moves
	Reason  string    `json:"reason,omitempty"`  // why it is not further, in words for the user
	Window  Window    `json:"window"`            // planned while pending, actual once active; zero while no path is known
	Profile []Step    `json:"profile,omitempty"` // the rates of its window, where that changes: Bandwidth is then what the switches were given last; see Steps
	Path    path.Path `json:"path,omitempty"`    // reserved, and used; empty while no path is known
	Backup  path.Path `json:"backup,omitempty"`  // reserved as well; empty: there is none
	Swapped bool      `json:"swapped,omitempty"` // what is used is what was the backup at first

	Shortfall Shortfall `json:"-"` // what it gets less of than was promised, as the network is now
}

// Circuit returns what the controller is to hold in the switches for a.
func (a Allocation) Circuit() path.Circuit {
	return path.Circuit{ID: a.ID, Handle: a.Handle, Key: a.Key, Rate: a.Bandwidth, Path: a.Path, Reverse: a.Reverse, Backup: a.Backup}
}

// back returns the rate of the traffic back.
func (r *Request) back() bitrate.Rate { return r.Reverse.Of(r.Bandwidth) }

// held returns what the request counts with against its project's limit: the
// higher of its rates.
func (r *Request) held() bitrate.Rate { return max(r.Bandwidth, r.back()) }

// withRate returns the request with another rate; without one there is none
// back either.
func (r Request) withRate(rate bitrate.Rate) Request {
	if r.Bandwidth = rate; rate == 0 {
		r.Reverse = path.Reverse{}
	}
	return r
}

// Change names the fields of an update; nil leaves a field as it is.
type Change struct {
	ProjectID *string
	Key       *path.FlowKey
	Duration  *Seconds
	Bandwidth *bitrate.Rate // 0 gives up the guarantee, and with it Reverse
	Reverse   *path.Reverse
	StartTime *Seconds // only while pending
	Lease     *Seconds // begins anew, also if it is the same; 0: none

	ActiveLease *Seconds // as Lease, once it has started
	Hold        *Seconds // only before it has started; begins anew, also if it is the same; 0 commits it

	Earliest     *Seconds // only while pending
	Deadline     *Seconds
	Volume       *uint64
	MinBandwidth *bitrate.Rate
	MaxBandwidth *bitrate.Rate

	Include      *Elements
	Avoid        *Elements
	DisjointFrom *string
	MaxHops      *int
	MaxLatency   *time.Duration
	Protected    *bool
	Class        *Class // the same as before: a class cannot be changed
}
