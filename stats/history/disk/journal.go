package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"conga/stats/history"
)

// A journal keeps the runs of some time: at least those of keep, in two files,
// of which the older one begins anew when the newer one has as much.
type journal struct {
	dir     string
	keep    int64 // milliseconds
	current int   // the newer file, 0 or 1
	since   int64 // when it was begun; 0: there is none
}

func (j *journal) name(i int) string {
	return filepath.Join(j.dir, [...]string{"recent-0", "recent-1"}[i])
}

// read calls f with all runs in their order, and returns up to which minute all
// had been summed up. What a crash has left half written at the end is cut off.
func (j *journal) read(f func(history.Reported)) (rolled int64, err error) {
	var files [2][]byte
	for i := range files {
		b, err := os.ReadFile(j.name(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		files[i] = b
	}
	if history.PieceTime(files[0]) > history.PieceTime(files[1]) {
		j.current = 0
	} else {
		j.current = 1
	}
	j.since = history.PieceTime(files[j.current])
	history.ParseRuns(files[1-j.current], f)
	rolled, whole := history.ParseRuns(files[j.current], f)
	if whole < len(files[j.current]) {
		err = os.Truncate(j.name(j.current), int64(whole))
	}
	return rolled, err
}

// add writes a piece down: all of it, or nothing.
func (j *journal) add(piece []byte, now int64) (err error) {
	flags := os.O_WRONLY | os.O_CREATE
	if j.since == 0 || now-j.since >= j.keep || now < j.since {
		j.current, j.since = 1-j.current, now
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(j.name(j.current), flags, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(piece, info.Size()); err != nil {
		return errors.Join(err, f.Truncate(info.Size()))
	}
	return nil
}
