package allocator

import (
	"strings"

	"conga/controller/path"
)

// narrowed is how the reason begins of what has lost its path because links
// carry less than is reserved of them.
const narrowed = "degraded to best effort: "

// A Lack is what an allocation gets less of than was promised to it.
type Lack uint8

// The lacks.
const (
	NoLack      Lack = iota
	NoPath           // it runs, and has none, or one that is not in the switches or not where a host of its prefix is
	NoRoom           // links carry less than is reserved of them
	NotEnforced      // a switch on its path does not enforce its rate
)

// A Shortfall is why an allocation gets less than was promised to it, in words
// for the user. The zero value says that it does not, as far as that does not
// show in counters.
type Shortfall struct {
	Lack Lack
	Why  string
}

// shortfallLocked returns what an allocation lacks now.
func (a *Allocator) shortfallLocked(v *Allocation) Shortfall {
	switch {
	case v.scavenges(): // nothing was promised
	case !v.Started || v.Reason == "" || a.now() >= v.Window.End: // where there is one the reason says so
	case v.State == Active:
		if why := unenforced(a.seen, v); why != "" {
			return Shortfall{NotEnforced, why}
		}
		if why := path.Apart(a.seen, v.Key, v.Path); why != "" {
			return Shortfall{NoPath, why}
		}
	case v.State == Complete || len(v.Path) > 0 && !strings.HasPrefix(v.Reason, notInstalled):
		// A path that is kept may still carry, out of CONGA's sight.
	case strings.HasPrefix(v.Reason, narrowed):
		return Shortfall{NoRoom, v.Reason}
	default:
		return Shortfall{NoPath, v.Reason}
	}
	return Shortfall{}
}
