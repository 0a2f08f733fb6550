package store

import (
	"fmt"
	"runtime/debug"
)

// guard calls f, which works on the mapped file, and returns an error where
// bbolt panics or the machine faults: at a page that is damaged, cannot be
// read, or is behind the end of a file that was cut. What panics while own is
// true is the caller's own mistake and goes on, but for a fault of the map.
func guard(own *bool, f func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		// Faults have the address, which no other panic has.
		if _, fault := v.(interface{ Addr() uintptr }); !fault && *own {
			panic(v)
		}
		err = fmt.Errorf("%w: %v", ErrDamaged, v)
	}()
	return f()
}
