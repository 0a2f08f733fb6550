package allocator

import (
	"errors"
	"fmt"
	"math"

	"conga/allocator/store"
)

// CheckLive returns a function that is given the records of
// [store.Allocations], one after the other, and returns a
// [store.RecordError] where [Open] would: it uses the same decoder.
func CheckLive() func(key string, value []byte) error {
	cursor := decoder{names: map[string]string{}}
	numbers, handles := map[uint64]string{}, map[uint32]string{}
	return func(key string, value []byte) error {
		var r record
		if err := cursor.record(&r, key, value); err != nil {
			return err
		}
		if r.State == Complete {
			return nil // it goes into the history, where handles come again
		}
		if other, taken := numbers[r.Seq]; taken {
			return sameNumber(other, key, "number", r.Seq)
		}
		if other, taken := handles[r.Handle]; taken {
			return sameNumber(other, key, "handle", uint64(r.Handle))
		}
		numbers[r.Seq], handles[r.Handle] = key, key
		return nil
	}
}

// CheckHistory returns a [store.RecordError] if a record of [store.History]
// cannot be read. [Open] reads few of them, and none is needed to start.
func CheckHistory(key string, value []byte) error { return checkHistoric(key, value) }

func checkHistoric(key string, value []byte) error {
	bad := func(reason string) error {
		return store.Unreadable(store.History, key, errors.New(reason))
	}
	if err := store.Intact(value); err != nil {
		return bad(err.Error())
	}
	switch key[:min(1, len(key))] {
	case "r":
		_, err := decodeHistoric(numberOf(key), value)
		return err
	case "i":
		if len(value) != 8 {
			return bad("it is no number")
		}
	case "c", "t":
		n := store.Count(value)
		if len(key) < 5 || len(value) != 8 || n < 0 || n > math.MaxInt32 {
			return bad(fmt.Sprintf("%x is no count", value))
		}
	case "p":
		if len(value) == 0 {
			return bad("it has no ID")
		}
	case "e":
		if len(key) != 17 || len(value) != 0 {
			return bad("it is no moment")
		}
	default:
		return bad("it is of no known kind")
	}
	return nil
}
