package allocator

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"conga/allocator/store"
	"conga/bitrate"
	"conga/controller/path"
)

// recordVersion is the form of the records below. A change of the form raises
// it, and decodeRecord goes on reading the older ones. Version 1 was JSON.
const recordVersion = 16

// encode returns a record as it is stored: the version, then its fields in the
// order of encode and decode, numbers as varints, text and addresses with their
// length before them.
func (r *record) encode() ([]byte, error) {
	b := make([]byte, 1, 160+len(r.Reason))
	b[0] = recordVersion
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.AppendUvarint(b, uint64(r.Handle))
	b = binary.AppendUvarint(b, r.Revision)
	b = append(b, byte(codeOf(r.State)), byte(flag(r.Started)))
	for _, n := range []Seconds{r.Created, r.Duration, r.StartTime, r.Lease, r.LeaseEnd, r.Window.Start, r.Window.End, r.Done} {
		b = binary.AppendVarint(b, int64(n))
	}
	b = binary.AppendUvarint(b, uint64(r.Bandwidth))
	for _, text := range []string{r.ID, r.UserID, r.ProjectID, r.Reason} {
		b = appendText(b, text)
	}
	b = appendText(b, string(r.Key.Src.Addr().AsSlice()))
	b = appendText(b, string(r.Key.Dst.Addr().AsSlice()))
	b = binary.AppendUvarint(b, uint64(r.Key.Proto))
	for _, p := range [...]path.Ports{r.Key.SrcPort, r.Key.DstPort} {
		one, _ := onePort(p) // 0, if there are several; see appendRest
		b = binary.BigEndian.AppendUint16(b, one)
	}
	b = appendPath(b, r.Path)
	b = appendText(b, r.ChangedBy)
	b = binary.AppendVarint(b, int64(r.ActiveLease))
	b = binary.AppendUvarint(b, r.Asked)
	b = appendPath(b, r.Lost)
	for _, t := range []Seconds{r.Earliest, r.Deadline} {
		b = binary.AppendVarint(b, int64(t))
	}
	for _, n := range []uint64{r.Volume, uint64(r.MinBandwidth), uint64(r.MaxBandwidth), flag(r.FixedRate), r.Carried} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, int64(r.Since))
	return r.appendRest(b), nil
}

// appendRest appends the fields that came with version 8 and later.
func (r *record) appendRest(b []byte) []byte {
	for _, text := range []string{string(r.Include), string(r.Avoid), r.DisjointFrom} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(r.MaxHops))
	b = binary.AppendUvarint(b, uint64(r.MaxLatency))
	if b = append(b, byte(flag(r.Reverse.Apart))); r.Reverse.Apart {
		b = binary.AppendUvarint(b, uint64(r.Reverse.Rate))
	}
	b = binary.AppendVarint(b, int64(r.Hold))
	b = append(b, byte(flag(r.Protected)), byte(flag(r.Swapped)))
	b = appendPath(b, r.Backup)
	for _, p := range [...]path.Ports{r.Key.SrcPort, r.Key.DstPort} {
		text := ""
		if _, one := p.One(); !one {
			text = p.String()
		}
		b = appendText(b, text)
	}
	for _, text := range []string{r.Series, r.Recurrence.Rule, r.Recurrence.Zone} {
		b = appendText(b, text)
	}
	for _, p := range [...]path.Prefix{r.Key.Src, r.Key.Dst} {
		b = append(b, byte(p.Addr().BitLen()-p.Bits()))
	}
	return append(appendProfile(b, r.Profile), byte(r.Class))
}

// appendProfile appends the steps of a profile: where the first one starts, and
// each with its length and its rate.
func appendProfile(b []byte, steps []Step) []byte {
	if b = binary.AppendUvarint(b, uint64(len(steps))); len(steps) > 0 {
		b = binary.AppendVarint(b, int64(steps[0].Start))
	}
	for _, s := range steps {
		b = binary.AppendUvarint(b, uint64(s.End-s.Start))
		b = binary.AppendUvarint(b, uint64(s.Rate))
	}
	return b
}

// flag returns 1 for true.
func flag(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

func appendPath(b []byte, p path.Path) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	for _, h := range p {
		b = binary.AppendUvarint(b, uint64(h.DPID))
		b = binary.AppendUvarint(b, uint64(h.In))
		b = binary.AppendUvarint(b, uint64(h.Out))
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// decodeRecord returns a record of any version. key is the ID that it must
// have; "" is any.
func decodeRecord(key string, value []byte) (*record, error) {
	r := new(record)
	if err := new(decoder).record(r, key, value); err != nil {
		return nil, err
	}
	return r, nil
}

// record reads a record of any version into r. Its error is a
// [store.RecordError].
func (d *decoder) record(r *record, key string, value []byte) error {
	if err := d.read(r, key, value); err != nil {
		return store.Unreadable(store.Allocations, key, err)
	}
	return nil
}

// read does as record; its error is the bare reason.
func (d *decoder) read(r *record, key string, value []byte) (err error) {
	switch {
	case store.Intact(value) != nil:
		return store.Intact(value)
	case len(value) > 0 && value[0] >= 2 && value[0] <= recordVersion:
		d.rest, d.cut, d.id = value[1:], false, key
		err = d.fields(r, int(value[0]))
	case len(value) == 0 || value[0] == '{':
		err = decodeJSON(r, value)
	default:
		err = versionError(int(value[0]))
	}
	if err != nil {
		return err
	}
	r.Version = recordVersion
	if problem := r.problem(key); problem != "" {
		return damage(problem)
	}
	return nil
}

// damage is the error of a record that can be read but cannot be one of ours.
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

// fields reads what follows the version.
func (d *decoder) fields(r *record, version int) error {
	r.Seq, r.Handle, r.Revision = d.number(), uint32(d.below(1<<32)), d.number()
	r.State = stateOf[d.below(uint64(len(stateOf)))]
	r.Started = d.below(2) == 1
	for _, n := range []*Seconds{&r.Created, &r.Duration, &r.StartTime, &r.Lease, &r.LeaseEnd, &r.Window.Start, &r.Window.End, &r.Done} {
		*n = Seconds(d.signed())
	}
	r.Bandwidth = bitrate.Rate(d.number())
	if id := d.text(); string(id) == d.id {
		r.ID = d.id
	} else {
		r.ID = string(id)
	}
	for _, text := range []*string{&r.UserID, &r.ProjectID, &r.Reason} {
		*text = d.name()
	}
	r.Key = path.FlowKey{Src: path.Host(d.addr()), Dst: path.Host(d.addr()), Proto: uint8(d.below(1 << 8))}
	r.Key.SrcPort, r.Key.DstPort = path.Port(d.port()), path.Port(d.port())
	r.Path = d.hopsInto(d.path)
	if version > 2 {
		r.ChangedBy = d.name()
	}
	if version > 3 {
		r.ActiveLease = Seconds(d.signed())
	}
	if version > 4 {
		r.Asked = d.number()
		r.Lost = d.hopsInto(func(n int) path.Path { return make(path.Path, n) })
	}
	if version > 5 {
		r.Earliest, r.Deadline = Seconds(d.signed()), Seconds(d.signed())
	}
	if version > 6 {
		r.Volume, r.MinBandwidth, r.MaxBandwidth = d.number(), bitrate.Rate(d.number()), bitrate.Rate(d.number())
		r.FixedRate = d.below(2) == 1
		r.Carried, r.Since = d.number(), Seconds(d.signed())
	}
	d.later(r, version)
	if d.cut || len(d.rest) > 0 {
		return errCut
	}
	return nil
}

// later reads the fields that came with version 8 and later.
func (d *decoder) later(r *record, version int) {
	if version > 7 {
		r.Include, r.Avoid, r.DisjointFrom = Elements(d.name()), Elements(d.name()), d.name()
		r.MaxHops, r.MaxLatency = int(d.below(MaxHops+1)), time.Duration(d.below(uint64(MaxLatency)+1))
	}
	if version > 8 && d.below(2) == 1 {
		r.Reverse = path.Reverse{Apart: true, Rate: bitrate.Rate(d.number())}
	}
	if version > 9 {
		r.Hold = Seconds(d.signed())
	}
	if version > 10 {
		r.Protected, r.Swapped = d.below(2) == 1, d.below(2) == 1
		r.Backup = d.hopsInto(func(n int) path.Path { return make(path.Path, n) })
	}
	if version > 11 {
		d.several(&r.Key.SrcPort)
		d.several(&r.Key.DstPort)
	}
	if version > 12 {
		r.Series, r.Recurrence.Rule, r.Recurrence.Zone = d.name(), d.name(), d.name()
	}
	if version > 13 {
		d.widen(&r.Key.Src)
		d.widen(&r.Key.Dst)
	}
	if version > 14 {
		r.Profile = d.profile()
	}
	if version > 15 {
		r.Class = Class(d.below(uint64(Scavenger) + 1))
	}
}
