package httpapi

import (
	"context"
	"math"
	"net/http"
	"time"

	"conga/allocator"
	"conga/bitrate"
	"conga/controller/topology"
	"conga/httpapi/rest"
	"conga/stats"
)

// Statistics is what the API needs of the statistics.
type Statistics interface {
	// Interval is the time between two samples of a switch.
	Interval() time.Duration
	// Allocation is what an allocation has carried; nothing, if it was never in
	// the network.
	Allocation(id string) stats.Allocation
	// Losing is which of an allocation's traffic is lost on its path, in words
	// for the user; "" if none is known to be.
	Losing(id string) string
	// Idle is since when hardly anything uses an allocation, if it is released
	// for that; zero if not.
	Idle(id string) stats.Idle
	// Receipt is what there was of an allocation that is complete.
	Receipt(id string) stats.Receipt
	// Totals is what the allocations of a project have carried together, or of
	// all projects for "".
	Totals(project string) stats.Direction
	// Flows lists the flow entries of a switch; ok is false if it never told.
	// It may ask the switch.
	Flows(ctx context.Context, sw topology.Switch) (l stats.Listing, ok bool)
	// Switch is the last sample of a switch; ok is false if there is none.
	Switch(sw topology.Switch) (r stats.Reading, ok bool)
	// Link is the load of a directed link.
	Link(s *topology.Snapshot, id topology.LinkID) stats.Load
	// AllocationHistory, PortHistory and LinkHistory are how fast these went
	// over time; gaps alone if nothing is kept of them.
	AllocationHistory(id string, s stats.Steps) stats.AllocationHistory
	PortHistory(at topology.PortID, s stats.Steps) stats.PortHistory
	LinkHistory(id topology.LinkID, s stats.Steps) []stats.Level
}

var _ Statistics = (*stats.Poller)(nil)

// A trafficView is an amount of traffic and how fast it goes now. A counter
// that is not kept, and a rate that is not known, are null.
type trafficView struct {
	Packets    *uint64  `json:"packets"`
	Bytes      *uint64  `json:"bytes"`
	Rate       *uint64  `json:"rate"`        // bit/s
	PacketRate *float64 `json:"packet_rate"` // packets/s
}

func viewTraffic(v stats.Volume, r *stats.Rate) trafficView {
	t := trafficView{Packets: keptOrNull(v.Packets), Bytes: keptOrNull(v.Bytes)}
	if r != nil {
		bits, packets := uint64(r.Bits), round(r.Packets)
		t.Rate, t.PacketRate = &bits, &packets
	}
	return t
}

// keptOrNull returns a counter, or nil if the switch does not keep it.
func keptOrNull(n uint64) *uint64 {
	if n == stats.Unkept {
		return nil
	}
	return &n
}

// round returns f with three digits behind the point: more would be noise.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// shareOf returns the share of a whole that a rate is, or nil if that is not
// known.
func shareOf(r *stats.Rate, whole bitrate.Rate) *float64 {
	if r == nil || whole == 0 {
		return nil
	}
	f := round(float64(r.Bits) / float64(whole))
	return &f
}

// allocationStats holds what an allocation has carried.
type allocationStats struct {
	ID        string  `json:"allocation_id"`
	ProjectID string  `json:"project_id"`
	State     string  `json:"state"`
	StartTime *int64  `json:"start_time"` // UNIX seconds
	EndTime   *int64  `json:"end_time"`
	Bandwidth *uint64 `json:"bandwidth"` // bit/s promised from the source; null: none

	Forward  directionView `json:"forward"` // from the source
	Reverse  directionView `json:"reverse"`
	Promised *uint64       `json:"promised_bytes"` // of forward

	Degraded bool           `json:"degraded"`   // it gets less than was promised to it
	Final    bool           `json:"final"`      // nothing will be added any more: the receipt
	Sampled  *int64         `json:"sampled_at"` // UNIX seconds: when both ends had told; null: not yet, or final
	Stale    bool           `json:"stale"`      // an end has told nothing for a while
	Links    rest.Relations `json:"_links"`
}

// A directionView holds what went one way. Delivered against promised is its
// utilisation.
type directionView struct {
	Entered     trafficView `json:"entered"`        // at the entrance, before policing
	Delivered   trafficView `json:"delivered"`      // at the exit
	Dropped     trafficView `json:"dropped"`        // by policing
	Utilisation *float64    `json:"utilisation"`    // rate delivered, of the bandwidth; null without one
	Bandwidth   *uint64     `json:"bandwidth"`      // bit/s promised in this direction; null: none
	Promised    *uint64     `json:"promised_bytes"` // what that carries from start to now, or to the end
}

func viewDirection(d stats.Direction, bandwidth bitrate.Rate) directionView {
	return directionView{
		Bandwidth:   orNull(uint64(bandwidth)),
		Entered:     viewTraffic(d.Entered, d.EnteredRate),
		Delivered:   viewTraffic(d.Delivered, d.DeliveredRate),
		Dropped:     viewTraffic(d.Dropped, d.DroppedRate),
		Utilisation: shareOf(d.DeliveredRate, bandwidth),
	}
}

func (a *api) viewAllocationStats(x *exchange, al allocator.Allocation) allocationStats {
	s := a.Statistics.Allocation(al.ID)
	v := allocationStats{
		ID: al.ID, ProjectID: al.ProjectID, State: string(al.State), Bandwidth: orNull(uint64(al.Bandwidth)),
		Forward: viewDirection(s.Forward, al.Bandwidth), Reverse: viewDirection(s.Reverse, al.Reverse.Of(al.Bandwidth)),
		Degraded: isDegraded(al, a.losing(al)),
		Final:    s.Final || al.State == allocator.Complete && !al.Started, Sampled: unixOrNull(s.At), Stale: s.Stale && al.State == allocator.Active,
		Links: rest.Relate("self", x.path("stats", "allocations", al.ID), "allocation", x.path("allocations", al.ID),
			"history", x.path("stats", "allocations", al.ID, "history")),
	}
	if al.Window == (allocator.Window{}) {
		return v
	}
	start, end := int64(al.Window.Start), int64(al.Window.End)
	v.StartTime, v.EndTime = &start, &end
	if run := min(a.Now().Unix(), end) - start; run >= 0 {
		for _, d := range [...]*directionView{&v.Forward, &v.Reverse} {
			if d.Bandwidth != nil {
				d.Promised = new(uint64(float64(*d.Bandwidth) / 8 * float64(run)))
			}
		}
	}
	v.Promised = v.Forward.Promised
	return v
}

// showAllocationStats serves GET and HEAD /stats/allocations/{id}.
func (a *api) showAllocationStats(x *exchange) error {
	if _, err := x.parameters(); err != nil {
		return err
	}
	found, err := a.find(x)
	if err != nil {
		return err
	}
	return x.succeed(http.StatusOK, []allocationStats{a.viewAllocationStats(x, found)})
}

// listAllocationStats serves GET and HEAD /stats/allocations: those of the
// key's project, or for the operator of all.
func (a *api) listAllocationStats(x *exchange) error {
	p, q, err := x.listParameters("state")
	if err != nil {
		return err
	}
	f := allocator.Filter{Project: x.key.Project, State: stateOf(p)}
	if err := p.Done(); err != nil {
		return err
	}
	page, err := a.pageOfAllocations(x, q, f, false)
	if err != nil {
		return err
	}
	views := make([]allocationStats, len(page))
	for i, al := range page {
		views[i] = a.viewAllocationStats(x, al)
	}
	return x.succeed(http.StatusOK, views)
}

// totals holds what the allocations of a project, or all of them, have carried
// together.
type totals struct {
	ProjectID   *string                 `json:"project_id"` // null: all projects
	Allocations map[allocator.State]int `json:"allocations"`
	Entered     trafficView             `json:"entered"` // both directions together
	Delivered   trafficView             `json:"delivered"`
	Dropped     trafficView             `json:"dropped"`
	Network     *networkTotals          `json:"network"`  // null but for the operator
	Interval    float64                 `json:"interval"` // seconds between samples
	Links       rest.Relations          `json:"_links"`
}

// networkTotals holds what goes into and out of the network.
type networkTotals struct {
	Switches  int         `json:"switches"`
	Connected int         `json:"connected"`
	Stale     int         `json:"stale"` // connected or not, without a sample of late
	Links     int         `json:"links"` // directed, between switches
	Hosts     int         `json:"hosts"`
	Flows     int         `json:"flows"`    // entries
	Received  trafficView `json:"received"` // at edge ports, allocated or not
	Sent      trafficView `json:"sent"`
	Sampled   *int64      `json:"sampled_at"` // the oldest sample that counts; UNIX seconds
}

// sum adds up traffic.
type sum struct {
	volume stats.Volume
	rate   *stats.Rate
}

func (s *sum) add(v stats.Volume, r *stats.Rate) {
	if v.Packets == stats.Unkept || v.Bytes == stats.Unkept {
		return
	}
	s.volume = s.volume.Plus(v)
	if r != nil {
		if s.rate == nil {
			s.rate = &stats.Rate{}
		}
		s.rate.Bits, s.rate.Packets = s.rate.Bits+r.Bits, s.rate.Packets+r.Packets
	}
}

func (s *sum) view() trafficView { return viewTraffic(s.volume, s.rate) }

// showTotals serves GET and HEAD /stats.
func (a *api) showTotals(x *exchange) error {
	if _, err := x.parameters(); err != nil {
		return err
	}
	c := a.Statistics.Totals(x.key.Project)
	t := totals{
		ProjectID:   orNull(x.key.Project),
		Allocations: a.Allocations.Counts(x.key.Project),
		Entered:     viewTraffic(c.Entered, c.EnteredRate),
		Delivered:   viewTraffic(c.Delivered, c.DeliveredRate),
		Dropped:     viewTraffic(c.Dropped, c.DroppedRate),
		Interval:    a.Statistics.Interval().Seconds(),
		Links:       rest.Relate("self", x.path("stats"), "allocations", x.path("stats", "allocations")),
	}
	if x.key.SeesAll() {
		n, err := a.networkTotals()
		if err != nil {
			return err
		}
		t.Network = n
		t.Links["switches"], t.Links["links"] = rest.LinkTo(x.path("stats", "switches")), rest.LinkTo(x.path("stats", "links"))
	}
	return x.succeed(http.StatusOK, []totals{t})
}

func (a *api) networkTotals() (*networkTotals, error) {
	s, err := a.network()
	if err != nil {
		return nil, err
	}
	n := &networkTotals{Switches: len(s.Switches), Links: len(s.Links), Hosts: s.Hosts.Len()}
	var received, sent sum
	var oldest time.Time
	for _, sw := range s.Switches {
		if sw.Connected {
			n.Connected++
		}
		r, ok := a.Statistics.Switch(sw)
		if !ok || r.Stale {
			n.Stale++
			continue
		}
		if oldest.IsZero() || r.At.Before(oldest) {
			oldest = r.At
		}
		entries, _ := r.Entries()
		n.Flows += entries
		for _, p := range r.Ports {
			if sw.Ports[p.No].Role == topology.Edge {
				received.add(p.Received, p.ReceiveRate)
				sent.add(p.Sent, p.SendRate)
			}
		}
	}
	n.Received, n.Sent, n.Sampled = received.view(), sent.view(), unixOrNull(oldest)
	return n, nil
}
