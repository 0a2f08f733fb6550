package httpapi

import (
	"conga/allocator"
	"conga/httpapi/connections"
	"conga/stats"
)

// usage holds what is shown of an allocation's use.
type usage struct {
	reported int // connections; unreported: the project reports none
	use      useState
	losing   string // which of its traffic is lost, in words; "": none that is known of
	idle     string // since when hardly anything uses it, in words; "": something does, or it may be idle
	receipt  []byte // JSON; nil: it has none, or it is not asked for
}

const unreported = -1

// A useState says whether an active path is used.
type useState uint8

const (
	unknown useState = iota
	unused
	used
)

// connections returns how many connections are reported, or nil.
func (u usage) connections() any {
	if u.reported == unreported {
		return nil
	}
	return int64(u.reported)
}

// inUse returns whether an active path is used, or nil if that is not known.
func (u usage) inUse() any {
	if u.use == unknown {
		return nil
	}
	return u.use == used
}

// usageOf returns how each allocation is used.
func (a *api) usageOf(list []allocator.Allocation) []usage {
	out := make([]usage, len(list))
	for i := range out {
		out[i].reported = unreported
	}
	a.countReports(list, out)
	for i, one := range list {
		out[i].use = a.use(one, out[i].reported)
		out[i].losing, out[i].idle = a.losing(one), a.idle(one)
	}
	return out
}

// losing returns which of an allocation's traffic is lost, in words; "" if none
// is known to be.
func (a *api) losing(one allocator.Allocation) string {
	if a.Statistics == nil || one.State != allocator.Active {
		return ""
	}
	return a.Statistics.Losing(one.ID)
}

// countReports counts the connections that were reported of each allocation.
// Where a project reports nothing at all that says nothing.
func (a *api) countReports(list []allocator.Allocation, out []usage) {
	if a.Connections == nil {
		return
	}
	reports := map[string]bool{}
	var flows []connections.Flow
	var of []int
	for i, one := range list {
		does, asked := reports[one.ProjectID]
		if !asked {
			_, total := a.Connections.List(connections.Query{Project: one.ProjectID}, 0, 0)
			does = total > 0
			reports[one.ProjectID] = does
		}
		if does {
			flows, of = append(flows, flowOf(one)), append(of, i)
		}
	}
	if len(flows) == 0 {
		return
	}
	for i, n := range a.Connections.Count(flows) {
		out[of[i]].reported = n
	}
}

// use returns whether an allocation is used: a connection was reported, or
// traffic is seen.
func (a *api) use(one allocator.Allocation, reported int) useState {
	switch {
	case one.State != allocator.Active:
		return unused
	case reported > 0:
		return used
	}
	counted := false
	if a.Statistics != nil {
		s := a.Statistics.Allocation(one.ID)
		for _, r := range []*stats.Rate{s.Forward.EnteredRate, s.Reverse.EnteredRate, s.Forward.DeliveredRate, s.Reverse.DeliveredRate} {
			if r != nil && r.Bits > 0 {
				return used
			}
			counted = counted || r != nil && !s.Stale
		}
	}
	if counted || reported != unreported {
		return unused
	}
	return unknown
}
