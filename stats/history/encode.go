package history

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// CellsSize is the size of [Cells] as they are written down, in bytes.
const CellsSize = Channels*(4+4+2) + 4

// parts is into how many parts a cell's length is divided to say how much of it
// is known: milliseconds of a minute.
const parts = 60_000

// AppendCells appends the cells of a subject, by its ID, that begin at a moment
// and are of a length. They end with a checksum of all of that, so that what is
// read at a wrong position, is of another subject or of an earlier time, or was
// half written reads as a gap.
func AppendCells(b []byte, c *Cells, id uint32, from, length int64) []byte {
	start := len(b)
	for _, one := range c {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(one.Mean())))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(one.Max))
		b = binary.LittleEndian.AppendUint16(b, knownParts(one.Known, length))
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:], id, from, length))
}

// knownParts returns how many parts of a length are known; at least one if
// anything is.
func knownParts(known, length int64) uint16 {
	if known <= 0 {
		return 0
	}
	return uint16(min(parts, max(1, (known*parts+length/2)/length)))
}

// ParseCells returns the cells that b holds, of [CellsSize] bytes; ok is false
// if they are not those of the subject, moment and length.
func ParseCells(b []byte, id uint32, from, length int64) (c Cells, ok bool) {
	if len(b) != CellsSize || binary.LittleEndian.Uint32(b[CellsSize-4:]) != checksum(b[:CellsSize-4], id, from, length) {
		return Cells{}, false
	}
	for i := range c {
		at := b[i*10:]
		mean := math.Float32frombits(binary.LittleEndian.Uint32(at))
		known := (int64(binary.LittleEndian.Uint16(at[8:])) * length) / parts
		if known > 0 {
			c[i] = Cell{float64(mean) * float64(known), known, math.Float32frombits(binary.LittleEndian.Uint32(at[4:]))}
		}
	}
	return c, true
}

func checksum(b []byte, id uint32, from, length int64) uint32 {
	var head [20]byte
	binary.LittleEndian.PutUint32(head[:], id)
	binary.LittleEndian.PutUint64(head[4:], uint64(from))
	binary.LittleEndian.PutUint64(head[12:], uint64(length))
	return crc32.Update(crc32.ChecksumIEEE(head[:]), crc32.IEEETable, b)
}

// RunSize is the size of a run as it is written down, in bytes.
const RunSize = 4 + 4 + 4 + 4*Channels

// AppendRuns appends the runs that came before a moment, now, and up to which
// minute all have been summed up, as one piece with its length and a checksum.
func AppendRuns(b []byte, runs []Reported, rolled, now int64) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(rolled))
	b = binary.LittleEndian.AppendUint64(b, uint64(now))
	for _, r := range runs {
		b = binary.LittleEndian.AppendUint32(b, r.ID)
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(r.Run.From-now)))
		b = binary.LittleEndian.AppendUint32(b, uint32(r.Run.To-r.Run.From))
		for _, v := range r.Run.Values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	body := b[start+8:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.ChecksumIEEE(body))
	return b
}

// AppendSerial appends the piece that a file of pieces begins with: the number
// of the file, each of which is one more than that of the file before it,
// whatever clocks say. It is a run of no subject, of so many milliseconds.
func AppendSerial(b []byte, serial uint32, rolled, now int64) []byte {
	return AppendRuns(b, []Reported{{Run: Run{From: now, To: now + int64(serial), Values: Unknown()}}}, rolled, now)
}

// FileOrder returns what tells which of two files of pieces is the newer one:
// its number, 0 if it was written before there were any, and the moment of its
// first piece; 0 if it begins with none.
func FileOrder(b []byte) (serial uint32, at int64) {
	body, _ := piece(b)
	if body == nil {
		return 0, 0
	}
	at = int64(binary.LittleEndian.Uint64(body[8:]))
	if first := body[16:]; len(first) == RunSize && binary.LittleEndian.Uint32(first) == 0 {
		serial = binary.LittleEndian.Uint32(first[8:])
	}
	return serial, at
}

// piece returns what is in the piece that b begins with, without length and
// checksum, and what is behind it; nil if it is not whole.
func piece(b []byte) (body, rest []byte) {
	if len(b) < 8 {
		return nil, b
	}
	size := binary.LittleEndian.Uint32(b)
	if uint64(size) > uint64(len(b)-8) || size < 16 || (size-16)%RunSize != 0 {
		return nil, b
	}
	if body = b[8 : 8+size]; crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, b
	}
	return body, b[8+size:]
}

// ParseRuns calls f with the runs of each piece that b begins with, and returns
// up to which minute all had been summed up by the last one, and how many bytes
// the pieces have. It ends at the first piece that is not whole: the daemon
// ended while that was written.
func ParseRuns(b []byte, f func(Reported)) (rolled int64, whole int) {
	for all := len(b); ; {
		body, rest := piece(b)
		if body == nil {
			return rolled, all - len(b)
		}
		b = rest
		rolled = int64(binary.LittleEndian.Uint64(body))
		now := int64(binary.LittleEndian.Uint64(body[8:]))
		for at := body[16:]; len(at) > 0; at = at[RunSize:] {
			from := now + int64(int32(binary.LittleEndian.Uint32(at[4:])))
			r := Reported{binary.LittleEndian.Uint32(at), Run{From: from, To: from + int64(binary.LittleEndian.Uint32(at[8:]))}}
			for i := range r.Run.Values {
				r.Run.Values[i] = math.Float32frombits(binary.LittleEndian.Uint32(at[12+4*i:]))
			}
			f(r)
		}
	}
}
