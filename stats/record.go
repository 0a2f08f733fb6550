package stats

import (
	"encoding/json"
	"fmt"

	"conga/controller/purpose"
	"conga/openflow"
)

// recordVersion is the form of the records below. A change of the form raises it,
// and restore goes on reading the older ones.
const recordVersion = 2 // 1 had no project

// record is one account as it is kept, under the allocation's ID: the totals,
// and what the counters showed that are in them.
type record struct {
	Version int         `json:"v"`
	Project string      `json:"project,omitempty"`
	Handle  uint32      `json:"handle"`
	Forward way         `json:"forward"`
	Reverse way         `json:"reverse"`
	Final   bool        `json:"final,omitempty"`
	Entries []lastEntry `json:"entries,omitempty"`
	Meters  []lastMeter `json:"meters,omitempty"`

	receipt bool // is to be kept as one
}

type lastEntry struct {
	DPID     openflow.DPID    `json:"dpid"`
	Table    openflow.TableID `json:"table"`
	Priority uint16           `json:"priority"`
	Match    []byte           `json:"match"` // openflow.Match.Key, which is not text
	In       openflow.PortNo  `json:"in"`
	Place    place            `json:"place"`
	Last     Volume           `json:"last"`
}

type lastMeter struct {
	DPID openflow.DPID `json:"dpid"`
	Of   uint32        `json:"of"`
	Last Volume        `json:"last"`
}

// record is the account as it is to be kept.
func (a *account) record() *record {
	r := &record{
		Version: recordVersion, Project: a.project, Handle: a.handle, Final: a.final,
		Forward: a.ways[forward], Reverse: a.ways[reverse],
		receipt: a.filed(),
	}
	for _, e := range a.entries {
		if e.gone.IsZero() {
			r.Entries = append(r.Entries, lastEntry{e.dpid, e.key.Table, e.key.Priority, []byte(e.key.Match), e.in, e.place, e.last})
		}
	}
	for _, m := range a.meters {
		r.Meters = append(r.Meters, lastMeter{m.dpid, m.of, m.last})
	}
	return r
}

// parse reads what record and an earlier version have made.
func parse(id string, text []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("stats: record %q: %w", id, err)
	}
	if r.Version < 1 || r.Version > recordVersion {
		return nil, fmt.Errorf("stats: record %q has version %d; this program reads versions 1 to %d", id, r.Version, recordVersion)
	}
	return &r, nil
}

// restore takes in what an earlier run saved of an account, before any circuit
// is installed.
func (l *ledger) restore(id string, r *record) *account {
	a := l.open(id)
	a.handle, a.final, a.ways = r.Handle, r.Final, [2]way{r.Forward, r.Reverse}
	if a.final {
		return a
	}
	l.handles[a.handle], l.policers[purpose.PolicerSuffix(a.handle)] = a, a
	for _, e := range r.Entries {
		if e.Place.Way != forward && e.Place.Way != reverse {
			continue
		}
		k := openflow.EntryKey{Table: e.Table, Priority: e.Priority, Match: string(e.Match)}
		l.put(&entry{account: a, dpid: e.DPID, key: k, place: e.Place, in: e.In, last: e.Last})
	}
	for _, m := range r.Meters {
		l.putMeter(&meter{account: a, dpid: m.DPID, of: m.Of, last: m.Last})
	}
	return a
}
