package store

import (
	"context"
	"fmt"
	"os"
)

// Repair reads the file at path, of which one of the two heads may be damaged,
// calls visit with each record, and then writes the damaged head anew from the
// other, which may be that of the commit before the last one. It reports
// whether it did. Where anything else is damaged it changes nothing, and says
// so. No store may have the file open; ErrLocked says that one has.
func Repair(ctx context.Context, path string, visit func(Record) error) (repaired bool, err error) {
	file, err := openRegular(path)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	defer file.Close()
	if err := lockFile(file, lockTimeout); err != nil {
		return false, lockedError(path)
	}
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	pages, heads, wrong := openPages(file, info.Size())
	if len(heads) == 0 {
		return false, damagedError(path, wrong[0].String(), len(wrong))
	}
	w, err := inspect(ctx, pages, heads[0], visit)
	if err != nil {
		return false, err
	}
	if n := len(w.damages); n > 0 {
		return false, damagedError(path, w.damages[0].String(), n)
	}
	if len(wrong) == 0 {
		return false, nil
	}
	return true, pages.copyHead(path, 1-wrong[0].Page, wrong[0].Page)
}

// copyHead writes the head of one page to the page of the other.
func (f *pageFile) copyHead(path string, from, to uint64) error {
	page := make([]byte, f.pageSize)
	if _, err := f.ReadAt(page, int64(from)*f.pageSize); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	order.PutUint64(page, to)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return Unwritable(fmt.Errorf("store: %w", err))
	}
	defer file.Close()
	if _, err := file.WriteAt(page, int64(to)*f.pageSize); err != nil {
		return Unwritable(fmt.Errorf("store: %w", err))
	}
	if err := file.Sync(); err != nil {
		return Unwritable(fmt.Errorf("store: %w", err))
	}
	return nil
}
