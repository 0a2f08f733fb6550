package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"conga/stats/history"
)

// A journal keeps the runs of some time: at least those of keep, in two files,
// of which the older one begins anew when the newer one has as much.
type journal struct {
	dir     string
	keep    int64  // milliseconds
	most    int64  // bytes of a file; what has more is none of ours
	current int    // the newer file, 0 or 1
	serial  uint32 // its number
	since   int64  // when it was begun; 0: there is none
}

func (j *journal) name(i int) string {
	return filepath.Join(j.dir, [...]string{"recent-0", "recent-1"}[i])
}

// read calls f with all runs in their order, and returns up to which minute all
// had been summed up. What a crash has left half written at the end is cut off.
func (j *journal) read(f func(history.Reported)) (rolled int64, err error) {
	var files [2][]byte
	var serials [2]uint32
	var times [2]int64
	for i := range files {
		b, failed := readAtMost(j.name(i), j.most)
		if failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
		files[i] = b
		serials[i], times[i] = history.FileOrder(b)
	}
	// By number, since clocks are set back; by time where an older version of
	// this program has written both.
	j.current = 1
	if cmp.Or(cmp.Compare(serials[0], serials[1]), cmp.Compare(times[0], times[1])) > 0 {
		j.current = 0
	}
	j.serial, j.since = serials[j.current], times[j.current]
	history.ParseRuns(files[1-j.current], f)
	rolled, whole := history.ParseRuns(files[j.current], f)
	if whole < len(files[j.current]) {
		err = errors.Join(err, os.Truncate(j.name(j.current), int64(whole)))
	}
	return rolled, err
}

// add writes a piece down: all of it, or nothing.
func (j *journal) add(piece []byte, rolled, now int64) (err error) {
	flags := os.O_WRONLY | os.O_CREATE
	old, next := *j, *j
	if j.since == 0 || now-j.since >= j.keep || now < j.since {
		next.current, next.since, next.serial = 1-j.current, now, j.serial+1
		piece = append(history.AppendSerial(nil, next.serial, rolled, now), piece...)
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(j.name(next.current), flags, 0o600)
	if err != nil {
		return err
	}
	*j = next
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(piece, info.Size()); err != nil {
		if flags&os.O_TRUNC != 0 { // it is not begun
			*j = old
		}
		return errors.Join(err, f.Truncate(info.Size()))
	}
	return nil
}

// readAtMost returns the content of a file, or an error if it has more than so
// many bytes: nothing of ours is as large, and it would not fit into memory.
func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, fmt.Errorf("%s has more than the %d bytes that it may have; move it elsewhere", name, most)
	}
	return b, err
}
