package allocator

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// recordVersion is the form of the records below. A change of the form raises it,
// and decodeRecord goes on reading the older ones. Version 1 was JSON.
const recordVersion = 2

// encode writes a record: the version, then its fields in the order of encode and
// decode, numbers as varints, text and addresses with their length before them.
func (r *record) encode() ([]byte, error) {
	b := make([]byte, 1, 160+len(r.Reason))
	b[0] = recordVersion
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendUvarint(b, uint64(r.Handle))
	b = binary.AppendUvarint(b, r.Revision)
	started := byte(0)
	if r.Started {
		started = 1
	}
	b = append(b, byte(stageOf(r.State)), started)
	for _, n := range []int64{r.Created, r.Duration, r.StartTime, r.Lease, r.LeaseEnd, r.Window.Start, r.Window.End, r.Done} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, uint64(r.Bandwidth))
	for _, text := range []string{r.ID, r.UserID, r.ProjectID, r.Reason} {
		b = appendText(b, text)
	}
	b = appendText(b, string(r.Key.Src.AsSlice()))
	b = appendText(b, string(r.Key.Dst.AsSlice()))
	b = binary.AppendUvarint(b, uint64(r.Key.Proto))
	b = binary.BigEndian.AppendUint16(b, r.Key.SrcPort)
	b = binary.BigEndian.AppendUint16(b, r.Key.DstPort)
	b = binary.AppendUvarint(b, uint64(len(r.Path)))
	for _, h := range r.Path {
		b = binary.AppendUvarint(b, uint64(h.DPID))
		b = binary.AppendUvarint(b, uint64(h.In))
		b = binary.AppendUvarint(b, uint64(h.Out))
	}
	return b, nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// decodeRecord reads a record of any version. key is the ID that it must have; "" is
// any.
func decodeRecord(key string, value []byte) (*record, error) {
	r := new(record)
	if err := new(cursor).record(r, key, value); err != nil {
		return nil, err
	}
	return r, nil
}

// record reads a record of any version into r.
func (c *cursor) record(r *record, key string, value []byte) (err error) {
	switch {
	case len(value) > 0 && value[0] == recordVersion:
		c.rest, c.cut, c.id = value[1:], false, key
		err = c.decode(r)
	case len(value) == 0 || value[0] == '{':
		err = decodeJSON(r, value)
	default:
		err = versionError(int(value[0]))
	}
	if err != nil {
		return fmt.Errorf("allocator: record %q: %w", key, err)
	}
	r.Version = recordVersion
	if problem := r.problem(key); problem != "" {
		return fmt.Errorf("allocator: record %q: %w", key, damage(problem))
	}
	return nil
}

// damage is the error of a record that can be read and is none of ours.
type damage string

func (d damage) Error() string { return "it is damaged: " + string(d) }

// versionError is the error of a record that a later program has written.
type versionError int

func (v versionError) Error() string {
	return fmt.Sprintf("it has version %d; this program reads up to version %d", int(v), recordVersion)
}

// decodeJSON reads version 1.
func decodeJSON(r *record, value []byte) error {
	if err := json.Unmarshal(value, r); err != nil {
		return err
	}
	if r.Version != 1 {
		return versionError(r.Version)
	}
	return nil
}

var errCut = errors.New("unexpected end, or a number out of its range")

// decode reads what follows the version.
func (c *cursor) decode(r *record) error {
	r.Seq, r.Handle, r.Revision = c.number(), uint32(c.below(1<<32)), c.number()
	r.State = stages[c.below(uint64(len(stages)))]
	r.Started = c.below(2) == 1
	for _, n := range []*int64{&r.Created, &r.Duration, &r.StartTime, &r.Lease, &r.LeaseEnd, &r.Window.Start, &r.Window.End, &r.Done} {
		*n = c.signed()
	}
	r.Bandwidth = topology.BitRate(c.number())
	if id := c.text(); string(id) == c.id {
		r.ID = c.id
	} else {
		r.ID = string(id)
	}
	for _, text := range []*string{&r.UserID, &r.ProjectID, &r.Reason} {
		*text = c.name()
	}
	r.Key = path.FlowKey{Src: c.addr(), Dst: c.addr(), Proto: uint8(c.below(1 << 8))}
	r.Key.SrcPort, r.Key.DstPort = c.port(), c.port()
	if n := c.below(uint64(len(c.rest)) + 1); n > 0 { // a hop takes three bytes at least
		r.Path = c.path(int(n))
	}
	for i := range r.Path {
		r.Path[i] = path.Hop{DPID: openflow.DPID(c.number()), In: openflow.PortNo(c.below(1 << 32)), Out: openflow.PortNo(c.below(1 << 32))}
	}
	if c.cut || len(c.rest) > 0 {
		return errCut
	}
	return nil
}

// cursor reads fields one after the other. After the end it reads zeros, and cut is
// true.
type cursor struct {
	rest []byte
	cut  bool
	id   string // that the record is likely to have

	// For many records, so that what they have in common is kept once.
	names map[string]string // not nil: names that were read
	hops  path.Path         // with names: that of the last record, which the next one takes
}

func (c *cursor) skip(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.cut, c.rest = true, nil
		return nil
	}
	read := c.rest[:n]
	c.rest = c.rest[n:]
	return read
}

func (c *cursor) number() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		n = -1
	}
	c.skip(n)
	return v
}

func (c *cursor) signed() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 {
		n = -1
	}
	c.skip(n)
	return v
}

// below is a number that must be less than end.
func (c *cursor) below(end uint64) uint64 {
	v := c.number()
	if v >= end {
		c.skip(-1)
		return 0
	}
	return v
}

func (c *cursor) text() []byte { return c.skip(int(c.below(1 << 31))) }

// name is a text that other records may have as well.
func (c *cursor) name() string {
	text := c.text()
	if s, ok := c.names[string(text)]; ok {
		return s
	}
	s := string(text)
	if c.names != nil {
		c.names[s] = s
	}
	return s
}

// path makes room for a path.
func (c *cursor) path(n int) path.Path {
	if c.names == nil {
		return make(path.Path, n)
	}
	c.hops = slices.Grow(c.hops[:0], n)[:n]
	return c.hops
}

func (c *cursor) addr() netip.Addr {
	a, ok := netip.AddrFromSlice(c.text())
	if !ok {
		return netip.Addr{}
	}
	return a
}

func (c *cursor) port() uint16 {
	b := c.skip(2)
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}
