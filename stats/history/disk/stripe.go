package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"conga/stats/history"
)

const (
	// StripeTracks is how many tracks share a file.
	StripeTracks = 128

	rowSize    = StripeTracks * history.CellsSize
	minuteRows = history.KeepMinutes / history.Minute
	hourRows   = history.KeepHours / history.Hour

	// StripeSize is the size of a stripe, in bytes.
	StripeSize = (minuteRows + hourRows) * rowSize
)

// A stripes reads and writes the stripes in a directory.
type stripes struct{ dir string }

func (s stripes) name(stripe int) string {
	return filepath.Join(s.dir, fmt.Sprintf("stripe-%04d", stripe))
}

// row returns where the row of a minute or an hour begins in its file.
func row(from, length int64) int64 {
	if length == history.Minute {
		return from / history.Minute % minuteRows * rowSize
	}
	return (minuteRows + from/history.Hour%hourRows) * rowSize
}

// put writes a row of a stripe, whose tracks have these IDs. The file has its
// whole size from the first write on. A row without any cell is written only
// where the one on the disk would be read as of the same time, which was there
// before the clock was set back: a row of another time is a gap as it is, and is
// true again if it is now that the clock is wrong.
func (s stripes) put(stripe int, ids *[StripeTracks]uint32, from, length int64, cells []byte) (err error) {
	empty := !slices.ContainsFunc(cells, func(b byte) bool { return b != 0 })
	if empty && !s.shows(stripe, ids, from, length) {
		return nil
	}
	f, err := os.OpenFile(s.name(stripe), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.Size() != StripeSize {
		if err := f.Truncate(StripeSize); err != nil {
			return err
		}
	}
	_, err = f.WriteAt(cells, row(from, length))
	return err
}

// shows reports whether the row on the disk has a cell of its time.
func (s stripes) shows(stripe int, ids *[StripeTracks]uint32, from, length int64) bool {
	f, err := os.Open(s.name(stripe))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	b := make([]byte, rowSize)
	n, err := f.ReadAt(b, row(from, length))
	if err != nil && !errors.Is(err, io.EOF) {
		return true // it may; writing tells what is wrong
	}
	for i, id := range ids {
		if end := (i + 1) * history.CellsSize; id != 0 && end <= n {
			if _, ok := history.ParseCells(b[end-history.CellsSize:end], id, from, length); ok {
				return true
			}
		}
	}
	return false
}

// get returns the cells of a track in count rows; what cannot be read is a gap.
func (s stripes) get(slot history.Slot, from, length int64, count int) []history.Cells {
	out := make([]history.Cells, count)
	f, err := os.Open(s.name(slot.Index / StripeTracks))
	if err != nil {
		return out
	}
	defer f.Close()
	b := make([]byte, history.CellsSize)
	for i := range out {
		at := from + int64(i)*length
		where := row(at, length) + int64(slot.Index%StripeTracks)*history.CellsSize
		if _, err := f.ReadAt(b, where); err == nil {
			out[i], _ = history.ParseCells(b, slot.ID, at, length)
		}
	}
	return out
}

// hour sums up the minutes of an hour of a stripe, and writes that down. ids
// are those of the tracks, by position; 0: there is none.
func (s stripes) hour(stripe int, ids *[StripeTracks]uint32, from int64) error {
	f, err := os.Open(s.name(stripe))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	const rows = history.Hour / history.Minute
	b := make([]byte, rows*rowSize)
	// The rows of an hour are next to each other, since a day has whole hours.
	if _, err := f.ReadAt(b, row(from, history.Minute)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	out := make([]byte, 0, rowSize)
	for i, id := range ids {
		var sum history.Cells
		for r := range int64(rows) {
			where := int(r)*rowSize + i*history.CellsSize
			if c, ok := history.ParseCells(b[where:where+history.CellsSize], id, from+r*history.Minute, history.Minute); ok {
				sum.Merge(&c)
			}
		}
		out = appendCells(out, &sum, id, from, history.Hour)
	}
	return s.put(stripe, ids, from, history.Hour, out)
}

// appendCells appends cells, or as many zeros if nothing is known.
func appendCells(b []byte, c *history.Cells, id uint32, from, length int64) []byte {
	if id == 0 || !c.Known() {
		return append(b, make([]byte, history.CellsSize)...)
	}
	return history.AppendCells(b, c, id, from, length)
}
