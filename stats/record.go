package stats

import (
	"encoding/json"
	"fmt"
	"time"

	"conga/controller/purpose"
	"conga/openflow"
)

// recordVersion is the version of the form of a savedAccount. A change of the
// form raises it, and restore goes on reading the older ones.
const recordVersion = 3 // 1 had no project, 2 no course

// A savedAccount is one account as it is saved, under the allocation's ID: the
// totals, and what the counters showed that are in them.
type savedAccount struct {
	Version  int             `json:"v"`
	Project  string          `json:"project,omitempty"`
	Handle   uint32          `json:"handle"`
	Forward  directionTotals `json:"forward"`
	Reverse  directionTotals `json:"reverse"`
	Final    bool            `json:"final,omitempty"`
	Unproven bool            `json:"unproven,omitempty"`
	Entries  []savedEntry    `json:"entries,omitempty"`
	Policers []savedPolicer  `json:"meters,omitempty"`
	Course   savedCourse     `json:"course,omitzero"`

	receipt bool // is to be saved as one
}

type savedEntry struct {
	DPID     openflow.DPID    `json:"dpid"`
	Table    openflow.TableID `json:"table"`
	Priority uint16           `json:"priority"`
	Match    []byte           `json:"match"` // openflow.Match.Key, which is not text
	In       openflow.PortNo  `json:"in"`
	Position position         `json:"place"`
	Last     Volume           `json:"last"`
}

type savedPolicer struct {
	DPID openflow.DPID `json:"dpid"`
	Of   uint32        `json:"of"`
	Last Volume        `json:"last"`
}

// save returns the account as it is to be saved.
func (a *account) save(now time.Time) *savedAccount {
	r := &savedAccount{
		Version: recordVersion, Project: a.project, Handle: a.handle, Final: a.final, Unproven: a.unproven,
		Forward: a.directions[forward], Reverse: a.directions[reverse],
		Course: a.saveCourse(now), receipt: a.isReceipt(),
	}
	for _, e := range a.entries {
		if e.gone.IsZero() {
			r.Entries = append(r.Entries, savedEntry{e.dpid, e.key.Table, e.key.Priority, []byte(e.key.Match), e.in, e.position, e.last})
		}
	}
	for _, m := range a.policers {
		r.Policers = append(r.Policers, savedPolicer{m.dpid, m.of, m.last})
	}
	return r
}

// parse reads the encoded form of a savedAccount, of this version or an earlier
// one.
func parse(id string, text []byte) (*savedAccount, error) {
	var r savedAccount
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("what allocation %q has carried: %w", id, err)
	}
	if r.Version < 1 || r.Version > recordVersion {
		return nil, fmt.Errorf("what allocation %q has carried has version %d; this program reads versions 1 to %d", id, r.Version, recordVersion)
	}
	return &r, nil
}

// take takes in what was saved of the account's totals.
func (a *account) take(r *savedAccount) {
	a.handle, a.final, a.directions = r.Handle, r.Final, [2]directionTotals{r.Forward, r.Reverse}
	a.unproven = r.Unproven
}

// restore takes in what an earlier run saved of an account, before any circuit
// is installed.
func (l *ledger) restore(id string, r *savedAccount) *account {
	a := l.open(id)
	a.take(r)
	l.restoreCourse(a, r.Course)
	if a.final {
		return a
	}
	l.handles[a.handle], l.policers[purpose.PolicerSuffix(a.handle)] = a, a
	for _, e := range r.Entries {
		if e.Position.Direction != forward && e.Position.Direction != reverse {
			continue
		}
		k := openflow.EntryKey{Table: e.Table, Priority: e.Priority, Match: string(e.Match)}
		l.put(&countedEntry{account: a, dpid: e.DPID, key: k, position: e.Position, in: e.In, last: e.Last})
	}
	for _, m := range r.Policers {
		l.putPolicer(&policer{account: a, dpid: m.DPID, of: m.Of, last: m.Last})
	}
	return a
}
