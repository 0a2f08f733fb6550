package client

// An Allocation is an allocation as the server shows it. Nil is what was not
// given or is not known yet. Its JSON is the interface's own, without the
// links.
type Allocation struct {
	ID        string  `json:"allocation_id,omitempty"` // "" of what is only validated
	StartTime *int64  `json:"start_time"`              // planned while pending, then actual
	EndTime   *int64  `json:"end_time"`
	State     State   `json:"state"`
	Bandwidth *uint64 `json:"bandwidth"` // bit/s
	UserID    string  `json:"user_id"`
	ProjectID string  `json:"project_id"`
	SrcIP     string  `json:"src_ip"`
	SrcPort   *Ports  `json:"src_port"`
	DstIP     string  `json:"dst_ip"`
	DstPort   *Ports  `json:"dst_port"`
	Protocol  *string `json:"protocol"`
	Duration  *int64  `json:"duration"` // seconds; nil: it follows from a volume that is not planned yet
	Lease     *int64  `json:"lease"`    // seconds that it waits for its start unless they are asked for again
	// ActiveLease is the seconds that it keeps its path, once active, unless
	// they are asked for again.
	ActiveLease *int64 `json:"active_lease"`
	Hold        *int64 `json:"hold"`     // seconds
	Earliest    *int64 `json:"earliest"` // UNIX seconds before which it does not start
	Deadline    *int64 `json:"deadline"` // UNIX seconds by which it has ended

	Volume       *uint64 `json:"volume"`        // bytes to be carried
	MinBandwidth *uint64 `json:"min_bandwidth"` // bit/s, the least rate to pick
	MaxBandwidth *uint64 `json:"max_bandwidth"` // bit/s, the highest rate to pick

	ReverseBandwidth *uint64 `json:"reverse_bandwidth"` // bit/s of the traffic back; nil: as much as Bandwidth

	Include      []string `json:"include"`       // DPIDs and link IDs, all of which the path crosses
	Avoid        []string `json:"avoid"`         // and none of which
	DisjointFrom *string  `json:"disjoint_from"` // ID of another allocation
	MaxHops      *int64   `json:"max_hops"`      // switches
	MaxLatency   *int64   `json:"max_latency"`   // microseconds
	Protection   string   `json:"protection"`    // none or path
	Class        string   `json:"class"`         // normal, or scavenger: Bandwidth is what is spare for it now

	Series     *string     `json:"series"`     // that it is an occurrence of
	Recurrence *Recurrence `json:"recurrence"` // of its series

	ChangedBy *string `json:"changed_by"` // the user who changed it last, if not UserID
	Reason    *string `json:"reason"`     // why it is not further, or why it is degraded
	Degraded  bool    `json:"degraded"`   // it gets less than was promised to it
	Profile   []Step  `json:"profile"`    // where the rate changes; Bandwidth is then what is held now
	Path      []Hop   `json:"path"`       // empty while none is known
	// BackupPath is that of what is protected; CarriedBy says which of both is
	// used, path or backup_path.
	BackupPath []Hop   `json:"backup_path"`
	CarriedBy  *string `json:"carried_by"`

	Connections *int  `json:"connections"` // reported of its traffic; nil: the project reports nothing
	InUse       *bool `json:"in_use"`      // active, and used; nil: not known

	Receipt *Receipt `json:"receipt"` // nil before it is complete, and in lists
}

// A Hop is one switch on a path, and the ports that the path uses.
type Hop struct {
	DPID string `json:"dpid"`
	In   uint32 `json:"in_port"`
	Out  uint32 `json:"out_port"`
}
