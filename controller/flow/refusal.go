package flow

import (
	"encoding/binary"
	"errors"
	"time"

	"conga/controller/path"
	"conga/controller/purpose"
	"conga/controller/topology"
	"conga/openflow"
)

// refusal is a rule that the switch did not take.
type refusal struct {
	rule *Rule
	err  error
}

// leftRefused reports whether the switch has refused just what would lead on.
func (r *Reconciler) leftRefused(k openflow.EntryKey, at pair[Rule]) bool {
	no, ok := r.refused[k]
	if !ok {
		return false
	}
	if at.want == nil {
		return at.have != nil && no.rule.Equal(at.have)
	}
	return no.rule.Equal(at.want)
}

// refuse notes a refusal. An entry that the switch did not delete is left
// alone until the next comparison with what the switch holds.
func (r *Reconciler) refuse(s sending, err error) {
	if isFull(err) {
		r.full = r.now
	}
	at := r.at(s.key)
	if s.Rule != nil && s.Rule != at.want {
		r.look(s.key, at, s.generation) // another one is wanted by now
		return
	}
	switch {
	case s.Removes != nil:
		r.refused[s.key] = refusal{s.Removes, err}
	case isFull(err) && !s.Rule.host && r.yield(s.key, err):
		r.look(s.key, at, s.generation)
		return
	default:
		r.refused[s.key] = refusal{s.Rule, err}
	}
	r.look(s.key, at, r.generation)
}

// miss notes that an entry towards a host, if this is one, is not there though
// it is wanted, or may not be.
func (r *Reconciler) miss(k openflow.EntryKey, at pair[Rule]) {
	if at.want != nil && at.want.host {
		r.lapse(k, true, false)
	}
}

// lookMissing notes whether an entry towards a host is refused, or is not
// missing any more.
func (r *Reconciler) lookMissing(k openflow.EntryKey, at pair[Rule]) {
	if !r.begun {
		return
	}
	_, missing := r.missing[k]
	switch {
	case missing && (at.want == at.have || at.want == nil):
		r.lapse(k, false, false)
	case at.want != nil && at.want.host && r.leftRefused(k, at):
		r.lapse(k, true, true)
	}
}

func (r *Reconciler) lapse(k openflow.EntryKey, missing, refused bool) {
	if was, known := r.missing[k]; known == missing && was == refused {
		return
	}
	if missing {
		r.missing[k] = refused
	} else {
		delete(r.missing, k)
	}
	r.lapses = append(r.lapses, Lapse{hostOf(k), missing, refused})
}

// hostOf returns the host of the key of an entry towards one.
func hostOf(k openflow.EntryKey) (id topology.HostID) {
	const address = 4 + len(openflow.MAC{}) // a header, and Ethernet addresses come first
	m := []byte(k.Match)
	if id.MAC = openflow.MAC(m[address-len(openflow.MAC{}) : address]); len(m) > address {
		return topology.InVLAN(id.MAC, binary.BigEndian.Uint16(m[len(m)-2:])&^openflow.VLANPresent)
	}
	return id
}

// Lapses returns which entries towards hosts have lapsed or come back since the
// last call.
func (r *Reconciler) Lapses() []Lapse {
	l := r.lapses
	r.lapses = nil
	return l
}

// isFull reports whether a switch has refused an entry for want of room.
func isFull(err error) bool {
	e, ok := errors.AsType[*openflow.Error](err)
	return ok && e.Has(openflow.FlowModFailedTableFull)
}

// Refused returns why entries that are wanted were refused, by the owner in
// their cookie, and why wanted meters were. Both are nil if nothing was.
func (r *Reconciler) Refused() (byOwner map[uint64]error, meters Unmetered) {
	for k, no := range r.refused {
		if at := r.at(k); at.want != nil && no.rule.Equal(at.want) {
			if byOwner == nil {
				byOwner = map[uint64]error{}
			}
			_, owner := purpose.ReadCookie(no.rule.Cookie)
			byOwner[owner] = no.err
		}
	}
	for id, err := range r.unmetered {
		at := r.meters[id]
		if at.want == nil {
			continue
		}
		if meters == nil {
			meters = Unmetered{}
		}
		if kind, _ := purpose.ReadMeter(id); kind == purpose.MeterPolicer && at.have != nil && at.have.Rate > at.want.Rate {
			id = purpose.FloodID // it lets more through than is reserved for it, at whatever port
		}
		meters[id] = err
	}
	return byOwner, meters
}

// Unmetered says why wanted meters were refused.
type Unmetered map[openflow.MeterID]error

// Rests returns why a meter was refused on which the rate of a circuit rests
// that crosses the switch by this hop: its own, that of best effort at its
// ports, or one that matters at all ports. nil: none was.
func (m Unmetered) Rests(handle uint32, h path.Hop) error {
	for _, id := range [...]openflow.MeterID{purpose.FloodID, purpose.PolicerID(handle), purpose.BackPolicerID(handle)} {
		if err := m[id]; err != nil {
			return err
		}
	}
	for _, no := range [...]openflow.PortNo{h.In, h.Out} {
		if id, ok := purpose.PortID(no); ok && m[id] != nil {
			return m[id]
		}
	}
	return nil
}

// Retry has everything that was refused tried again, but for what is to be left
// as it is for longer. It reports whether there was anything.
func (r *Reconciler) Retry(now time.Time) (any bool) {
	r.now = now
	r.endDisputes()
	clear(r.roomless)
	clear(r.yields.asked)
	clear(r.yields.none)
	clear(r.yields.hosts)
	for k := range r.refused {
		if !r.disputes[k].resting(now) {
			any = true
			delete(r.refused, k)
			r.look(k, r.at(k), 1)
		}
	}
	any = r.retryGroups() || any
	for id := range r.unmetered {
		if !r.meterDisputes[id].resting(now) {
			any = true
			delete(r.unmetered, id)
			r.lookMeter(id, r.meters[id], 1)
		}
	}
	return any
}
