// Package steppedtime has, for a test build of the daemon, functions of the package
// time whose wall clock can be set while the monotonic one runs on. It is set,
// in whole seconds ahead of the machine's, by lines on the standard input: by
// the first of them before anything of the daemon begins.
package steppedtime

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

var ahead atomic.Int64 // seconds

func init() {
	lines := bufio.NewScanner(os.Stdin)
	set(lines)
	if d := Now().Sub(time.Now().Round(0)) - time.Duration(ahead.Load())*time.Second; d.Abs() > time.Minute {
		panic("a time.Time has another layout than this package knows")
	}
	go func() {
		for set(lines) {
		}
	}()
}

// set sets the clock as the next line says, and says so.
func set(lines *bufio.Scanner) bool {
	if !lines.Scan() {
		return false
	}
	n, err := strconv.ParseInt(lines.Text(), 10, 64)
	if err != nil {
		panic(err)
	}
	ahead.Store(n)
	fmt.Fprintf(os.Stderr, "{\"msg\":\"wall clock ahead by %d s\"}\n", n)
	return true
}

// Now is [time.Now], with both readings.
func Now() time.Time {
	t := time.Now()
	// The first word has 30 bits of nanoseconds below 33 of seconds: the wall
	// clock alone, as no method of a Time can change it.
	*(*uint64)(unsafe.Pointer(&t)) += uint64(ahead.Load()) << 30
	return t
}

// Since is [time.Since]: without a monotonic reading in t it goes by the wall
// clock.
func Since(t time.Time) time.Duration { return Now().Sub(t) }

// Until is [time.Until].
func Until(t time.Time) time.Duration { return t.Sub(Now()) }
