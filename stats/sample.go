package stats

import (
	"slices"
	"time"

	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// A Sample holds the counters of one switch at one moment. It is immutable.
// What the switch does not report at all is empty.
type Sample struct {
	DPID   openflow.DPID
	At     time.Time // when the answers were in
	Ports  []Port    // in the order of the switch, as all of these
	Tables []Table
	Meters []Meter

	TablesAt time.Time // when the tables were reported, at At or an earlier sample; zero: never
}

// Entries returns how many flow entries the tables hold together; ok is false
// if the switch does not report its tables.
func (s *Sample) Entries() (n int, ok bool) {
	for i := range s.Tables {
		n += int(s.Tables[i].Entries)
	}
	return n, len(s.Tables) > 0
}

// A Port is what a switch counts of a port.
type Port struct {
	No                          openflow.PortNo
	Received, Sent              Volume
	ReceiveRate, SendRate       *Rate         // nil: unknown
	ReceiveDropped, SendDropped uint64        // packets, or [Unkept]
	ReceiveErrors, SendErrors   uint64        // packets, or [Unkept]
	Age                         time.Duration // since the port is there
}

// A Table is what a switch counts of a flow table.
type Table struct {
	ID               openflow.TableID
	Entries          uint32
	Lookups, Matched uint64   // packets, or [Unkept]
	LookupRate       *float64 // packets/s; nil: unknown
}

// A Flow is a flow entry. It counts packets before a meter drops any.
type Flow struct {
	openflow.FlowStats // memory of the switch's answer: not to be changed
	Kind               purpose.Kind
	Allocation         string // ID, if the entry is an allocation's that is known
	Rate               *Rate  // nil: unknown

	owner uint64 // in the cookie
}

// A tally is what a switch counts of one entry of an allocation.
type tally struct {
	key    openflow.EntryKey
	match  openflow.Match // memory of the switch's answer
	owner  uint64
	volume Volume
	lived  time.Duration
}

// A Meter is what a switch counts of a meter.
type Meter struct {
	ID          openflow.MeterID // by which the switch knows it
	Kind        purpose.MeterKind
	Of          uint32 // as of [purpose.ReadMeter]
	Allocation  string // ID, if the meter is an allocation's that is known
	Entries     uint32 // that use it
	Age         time.Duration
	Entered     Volume // all that came in, dropped or not
	Dropped     Volume
	EnteredRate *Rate // nil: unknown
	DroppedRate *Rate
}

// An answers holds a switch's answers to one round of questions.
type answers struct {
	dpid         openflow.DPID
	asked, at    time.Time               // before the first question, after the last answer
	entriesAsked bool                    // allocations' entries were asked for
	flows        openflow.FlowStatsReply // those, and maybe others
	meters       openflow.MeterStatsReply
	ports        openflow.PortStatsReply
	tables       openflow.TableStatsReply
	tablesAsked  bool // tables were asked for
}

// A reader makes samples of answers.
type reader struct {
	most    time.Duration // no rate is made over a longer time
	meterID func(openflow.DPID, openflow.MeterID) openflow.MeterID
}

// span returns the time over which rates are made; 0: none.
func (r reader) span(before *Sample, at time.Time) time.Duration {
	if before == nil {
		return 0
	}
	if d := at.Sub(before.At); d <= r.most {
		return d
	}
	return 0 // the mean over an absence says nothing of now
}

// read returns the sample of answers; before is the one before it, or nil.
func (r reader) read(before *Sample, a *answers) *Sample {
	span := r.span(before, a.at)
	if before == nil {
		before = &Sample{}
	}
	s := &Sample{
		DPID: a.dpid, At: a.at,
		Ports:  readPorts(before.Ports, a.ports, span),
		Meters: r.readMeters(a.dpid, before.Meters, a.meters, span),
		Tables: before.Tables, TablesAt: before.TablesAt,
	}
	if a.tablesAsked {
		if span > 0 {
			span = a.at.Sub(before.TablesAt)
		}
		s.Tables, s.TablesAt = readTables(before.Tables, a.tables, span), a.at
	}
	return s
}

// readTallies returns what the switch counts of the entries of these circuits.
func readTallies(flows openflow.FlowStatsReply, counted map[uint32]bool) (out []tally) {
	for i := range flows {
		f := &flows[i]
		if kind, owner := purpose.ReadCookie(f.Cookie); kind == purpose.Allocation && counted[uint32(owner)] {
			out = append(out, tally{f.Key(), f.Match, owner, Volume{f.PacketCount, f.ByteCount}, age(f.DurationSec, f.DurationNsec)})
		}
	}
	return out
}

// find returns the element that same accepts, or nil. It looks first at index
// i: a switch lists things in the same order every time.
func find[T any](list []T, i int, same func(*T) bool) *T {
	if i < len(list) && same(&list[i]) {
		return &list[i]
	}
	for j := range list {
		if same(&list[j]) {
			return &list[j]
		}
	}
	return nil
}

func readPorts(before []Port, now openflow.PortStatsReply, span time.Duration) []Port {
	out := make([]Port, len(now))
	for i, p := range now {
		out[i] = Port{
			No: p.Port, Received: Volume{p.RxPackets, p.RxBytes}, Sent: Volume{p.TxPackets, p.TxBytes},
			ReceiveDropped: p.RxDropped, SendDropped: p.TxDropped,
			ReceiveErrors: p.RxErrors, SendErrors: p.TxErrors,
			Age: age(p.DurationSec, p.DurationNsec),
		}
		if old := find(before, i, func(o *Port) bool { return o.No == p.Port }); old != nil {
			out[i].ReceiveRate = counted(out[i].Received, old.Received, span)
			out[i].SendRate = counted(out[i].Sent, old.Sent, span)
		}
	}
	return out
}

// counted returns the rate of a counter; nil if the switch does not keep it.
func counted(now, before Volume, span time.Duration) *Rate {
	if !now.kept() || !before.kept() {
		return nil
	}
	if r := now.since(before).rate(span); r == nil || r.Bits <= topology.FastestPort {
		return r
	}
	return nil // no port is so fast
}

func readTables(before []Table, now openflow.TableStatsReply, span time.Duration) []Table {
	out := make([]Table, len(now))
	for i, t := range now {
		out[i] = Table{ID: t.Table, Entries: t.ActiveCount, Lookups: t.LookupCount, Matched: t.MatchedCount}
		old := find(before, i, func(o *Table) bool { return o.ID == t.Table })
		if old == nil {
			continue
		}
		if r := counted(Volume{Packets: t.LookupCount}, Volume{Packets: old.Lookups}, span); r != nil {
			out[i].LookupRate = &r.Packets
		}
	}
	return out
}

// readFlows returns the entries of a switch's answer; before are those of the
// answer before it, a span ago.
func readFlows(before []Flow, now openflow.FlowStatsReply, span time.Duration) []Flow {
	out := make([]Flow, len(now))
	var moved map[openflow.EntryKey]int // index in before; made when an entry is not where it was
	for i := range now {
		f := &out[i]
		f.FlowStats = now[i]
		f.Kind, f.owner = purpose.ReadCookie(f.Cookie)
		var old *Volume
		if i < len(before) && sameEntry(f, &before[i]) {
			old = before[i].volume()
		} else if len(before) > 0 {
			if moved == nil {
				moved = indexByKey(before)
			}
			if j, ok := moved[f.Key()]; ok {
				old = before[j].volume()
			}
		}
		f.Rate = freshRate(*f.volume(), old, age(f.DurationSec, f.DurationNsec), span)
	}
	return out
}

// freshRate returns the rate of an entry; old is what it showed a sample ago,
// nil if it was not there. An entry that came within the span has counted
// within it.
func freshRate(now Volume, old *Volume, lived, span time.Duration) *Rate {
	switch {
	case old != nil:
		return counted(now, *old, span)
	case lived <= span:
		return counted(now, Volume{}, span)
	}
	return nil
}

// Age returns how long the entry has been there.
func (f *Flow) Age() time.Duration { return age(f.DurationSec, f.DurationNsec) }

func (f *Flow) volume() *Volume { return &Volume{f.PacketCount, f.ByteCount} }

func sameEntry(a, b *Flow) bool {
	return a.Table == b.Table && a.Priority == b.Priority && slices.Equal(a.Match, b.Match)
}

func indexByKey(flows []Flow) map[openflow.EntryKey]int {
	m := make(map[openflow.EntryKey]int, len(flows))
	for i := range flows {
		m[flows[i].Key()] = i
	}
	return m
}

func (r reader) readMeters(dpid openflow.DPID, before []Meter, now openflow.MeterStatsReply, span time.Duration) []Meter {
	out := make([]Meter, len(now))
	for i, c := range now {
		m := Meter{
			ID: c.Meter, Entries: c.FlowCount, Age: age(c.DurationSec, c.DurationNsec),
			Entered: Volume{c.PacketInCount, c.ByteInCount}, Dropped: droppedBy(&c),
		}
		m.Kind, m.Of = purpose.ReadMeter(r.meterID(dpid, c.Meter))
		same := func(o *Meter) bool { return o.ID == m.ID && o.Kind == m.Kind && o.Of == m.Of }
		if old := find(before, i, same); old != nil {
			m.EnteredRate = counted(m.Entered, old.Entered, span)
			m.DroppedRate = counted(m.Dropped, old.Dropped, span)
		}
		out[i] = m
	}
	return out
}

// droppedBy returns what a meter has dropped. Every band of ours drops.
func droppedBy(c *openflow.MeterCounters) (v Volume) {
	for _, b := range c.Bands {
		v = v.Plus(Volume{b.PacketCount, b.ByteCount})
	}
	return v
}

func age(sec, nsec uint32) time.Duration {
	return time.Duration(sec)*time.Second + time.Duration(nsec)
}
