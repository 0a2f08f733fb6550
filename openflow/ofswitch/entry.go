package ofswitch

import (
	"encoding/binary"
	"time"

	"conga/openflow"
)

// An entry is a flow entry. A process may hold millions: what many entries
// share, such as masks and programs, they point to, and the match is kept as it
// is written in a dump.
type entry struct {
	sub     *subtable // whose mask is the entry's
	next    *entry    // in the same bucket of sub
	key     []uint64  // the words of sub.words
	match   string    // canonical, as bytes on the wire, without what is around it
	program *program
	hash    uint32
	at      int32 // index in the table's entries

	cookie         openflow.Cookie
	created, used  time.Duration // since the switch was made
	packets, bytes uint64
	flags          openflow.FlowModFlags
	idle, hard     uint16 // seconds
	priority       uint16
	table          openflow.TableID
}

// isMiss reports whether e is the table-miss entry of its table (§5.4).
func (e *entry) isMiss() bool { return e.priority == 0 && len(e.sub.words) == 0 }

// expiry returns when e times out by what is known now, and by which timeout;
// false if never.
func (e *entry) expiry() (at time.Duration, why openflow.FlowRemovedReason, ok bool) {
	if e.hard != 0 {
		at, why, ok = e.created+time.Duration(e.hard)*time.Second, openflow.FlowRemovedHardTimeout, true
	}
	if e.idle != 0 {
		idle := e.used + time.Duration(e.idle)*time.Second
		if !ok || idle < at {
			at, why, ok = idle, openflow.FlowRemovedIdleTimeout, true
		}
	}
	return at, why, ok
}

const flowStatsLen = 48 // of an entry in a dump, without match and instructions

// size returns how many bytes the entry is in a dump.
func (e *entry) size() int {
	match := 4 + len(e.match)
	return flowStatsLen + match + -match&7 + len(e.program.wire)
}

// append appends the entry as a dump shows it (§7.3.5.2).
func (e *entry) append(dst []byte, now time.Duration) []byte {
	age := now - e.created
	dst = binary.BigEndian.AppendUint16(dst, uint16(e.size()))
	dst = append(dst, byte(e.table), 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(age/time.Second))
	dst = binary.BigEndian.AppendUint32(dst, uint32(age%time.Second))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.priority)<<48|uint64(e.idle)<<32|uint64(e.hard)<<16|uint64(e.flags))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.cookie))
	dst = binary.BigEndian.AppendUint64(dst, e.packets)
	dst = binary.BigEndian.AppendUint64(dst, e.bytes)
	match := 4 + len(e.match)
	dst = binary.BigEndian.AppendUint32(dst, 1<<16|uint32(match))
	dst = append(dst, e.match...)
	dst = append(dst, make([]byte, -match&7)...)
	return append(dst, e.program.wire...)
}

// appendPart appends one part of the reply that lists the entries, and returns
// those that are left for further ones (§7.3.5).
func appendPart(dst []byte, xid uint32, entries []*entry, now time.Duration) ([]byte, []*entry) {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, openflow.Version<<56|uint64(openflow.TypeMultipartReply)<<48|uint64(xid))
	dst = binary.BigEndian.AppendUint64(dst, uint64(openflow.MultipartFlow)<<48)
	for ; len(entries) > 0; entries = entries[1:] {
		n := entries[0].size()
		if n > partLen-16 { // it came in a message, but does not fit one of these
			continue
		}
		if len(dst)-start+n > partLen {
			break
		}
		dst = entries[0].append(dst, now)
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start))
	if len(entries) > 0 {
		dst[start+11] = byte(openflow.MultipartMore)
	}
	return dst, entries
}

// stats returns the entries as they are in the parts of a reply.
func stats(entries []*entry, now time.Duration) (parts []openflow.FlowStatsReply) {
	var b []byte
	for first := true; first || len(entries) > 0; first = false {
		b, entries = appendPart(b[:0], 0, entries, now)
		if _, m, err := openflow.Parse(b); err == nil { // it was made of what was parsed
			body, _ := m.(*openflow.MultipartReply).Body.(openflow.FlowStatsReply)
			parts = append(parts, body)
		}
	}
	return parts
}

// openMatch returns the entry's match.
func (e *entry) openMatch() openflow.Match {
	m, _ := openflow.MatchOf(e.match) // it was made of a match
	return m
}
