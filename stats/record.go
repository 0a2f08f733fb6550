package stats

import (
	"encoding/json"
	"fmt"

	"conga/openflow"
)

// recordVersion is the form of the records below. Who changes the form raises
// it and teaches restore the older ones.
const recordVersion = 1

// record is one account as it is kept, under the allocation's ID: the totals,
// and what the counters showed that are in them.
type record struct {
	Version int         `json:"v"`
	Handle  uint32      `json:"handle"`
	Forward way         `json:"forward"`
	Reverse way         `json:"reverse"`
	Final   bool        `json:"final,omitempty"`
	Entries []lastEntry `json:"entries,omitempty"`
	Meters  []lastMeter `json:"meters,omitempty"`
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

// save encodes the accounts that differ from what is saved. Whoever cannot keep
// the records calls soil.
func (l *ledger) save() map[string][]byte {
	records := map[*account]*record{}
	for _, a := range l.accounts {
		if a.dirty {
			records[a] = &record{
				Version: recordVersion, Handle: a.handle, Final: a.final,
				Forward: a.ways[forward], Reverse: a.ways[reverse],
			}
		}
	}
	if len(records) == 0 {
		return nil
	}
	for dpid, s := range l.switches {
		for k, e := range s.entries {
			if r := records[e.account]; r != nil && e.gone.IsZero() {
				r.Entries = append(r.Entries, lastEntry{dpid, k.table, k.priority, []byte(k.match), e.in, e.place, e.last})
			}
		}
		for of, m := range s.meters {
			if r := records[m.account]; r != nil {
				r.Meters = append(r.Meters, lastMeter{dpid, of, m.last})
			}
		}
	}
	out := make(map[string][]byte, len(records))
	for a, r := range records {
		if text, err := json.Marshal(r); err == nil { // it always is nil: there is nothing in a record that JSON lacks
			out[a.id] = text
			a.dirty = false
		}
	}
	return out
}

// soil has accounts saved again.
func (l *ledger) soil(saved map[string][]byte) {
	for id := range saved {
		if a := l.accounts[id]; a != nil {
			a.dirty = true
		}
	}
}

// restore takes in what an earlier run saved of an account, before any circuit
// is installed.
func (l *ledger) restore(id string, text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("stats: record %q: %w", id, err)
	}
	if r.Version != recordVersion {
		return fmt.Errorf("stats: record %q has version %d; this program reads version %d", id, r.Version, recordVersion)
	}
	a := newAccount(id)
	a.handle, a.final, a.ways = r.Handle, r.Final, [2]way{r.Forward, r.Reverse}
	l.accounts[id] = a
	if a.final {
		return nil
	}
	l.handles[a.handle], l.policers[a.handle&policerBits] = a, a
	for _, e := range r.Entries {
		if e.Place.Way != forward && e.Place.Way != reverse {
			continue
		}
		k := flowKey{e.Table, e.Priority, string(e.Match)}
		l.shelf(e.DPID).entries[k] = &entry{account: a, place: e.Place, in: e.In, last: e.Last}
	}
	for _, m := range r.Meters {
		l.shelf(m.DPID).meters[m.Of] = &meter{account: a, last: m.Last}
	}
	return nil
}

// orphans are the accounts that were loaded and whose circuit is not wanted any
// more. Their entries may still be there and be told of as removed.
func (l *ledger) orphans() (ids []string) {
	for _, a := range l.handles {
		if len(a.circuits) == 0 {
			ids = append(ids, a.id)
		}
	}
	return ids
}
